"""Disputes at Stripe, traced to the payment of ours that a bank takes back."""

import stripe

from tallystick.domain.disputes import ProviderDispute
from tallystick.providers.stripe import refunds, translate, transport


def fetched(client: stripe.StripeClient, ref: str) -> ProviderDispute:
    """The dispute as it stands."""
    doc = transport.doc(client.v1.disputes.retrieve(ref, {"expand": ["payment_intent"]}))
    return translate.dispute(doc, payment_ref=refunds.collector(client, translate.part(doc, "payment_intent")))
