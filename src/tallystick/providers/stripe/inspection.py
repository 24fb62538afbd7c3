"""Questions about the account itself: whose key it is, what time it is there, and who is told of its events."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import stripe

from tallystick.domain.diagnosis import ProviderAccount, ProviderEndpoint
from tallystick.providers.stripe import translate, transport


def account(client: stripe.StripeClient, *, livemode: bool) -> ProviderAccount:
    """The account of the key, by a question that costs nothing."""
    found = client.v1.accounts.retrieve_current()
    response = found.last_response
    said = {} if response is None else {name.lower(): value for name, value in response.headers.items()}
    return ProviderAccount(found.id, livemode, said.get("stripe-version", stripe.api_version), _instant(said.get("date")))


def endpoints(client: stripe.StripeClient) -> Sequence[ProviderEndpoint]:
    """Every webhook endpoint of the account."""
    listed = (transport.doc(found) for found in client.v1.webhook_endpoints.list({"limit": 100}).auto_paging_iter())
    return [
        ProviderEndpoint(doc["url"], doc["status"] == "enabled", doc.get("api_version"), tuple(doc["enabled_events"]))
        for doc in listed
    ]


def destinations(client: stripe.StripeClient) -> Sequence[ProviderEndpoint]:
    """Every event destination of the account that is a webhook, of thin events and of whole ones."""
    # Stripe says where a destination leads to only when asked.
    listed = client.v2.core.event_destinations.list({"include": ["webhook_endpoint.url"], "limit": 100}).auto_paging_iter()
    webhooks = (doc for doc in map(transport.doc, listed) if doc["type"] == "webhook_endpoint")
    return [
        ProviderEndpoint(
            url=translate.part(doc, "webhook_endpoint").get("url") or "",
            enabled=doc["status"] == "enabled",
            version=doc.get("snapshot_api_version"),
            types=tuple(doc["enabled_events"]),
            thin=doc["event_payload"] == "thin",
        )
        for doc in webhooks
    ]


def _instant(date: str | None) -> datetime | None:
    try:
        return None if date is None else parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:  # a proxy's own idea of a date
        return None
