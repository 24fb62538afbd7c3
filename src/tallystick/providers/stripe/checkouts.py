"""Where a customer saves a card: Checkout in setup mode, the portal, or a form of our own. Our engine bills; they collect."""

import stripe
from stripe.params import CustomerUpdateParams, SetupIntentCreateParams
from stripe.params.billing_portal import ConfigurationCreateParams

from tallystick.domain.checkouts import ProviderCheckout
from tallystick.domain.payment_methods import Saving
from tallystick.providers.protocol import CheckoutRequest
from tallystick.providers.stripe import bodies, translate, transport

_PORTAL = "tallystick_portal"  # in the metadata of the configuration that is ours
_PORTAL_VERSION = "1"  # of what it says; another one makes a configuration anew
CONFIGURATIONS_MAX = 1000


def started(client: stripe.StripeClient, request: CheckoutRequest, key: str) -> ProviderCheckout:
    session = client.v1.checkout.sessions.create(bodies.checkout(request), bodies.options(key))
    return translate.checkout(transport.doc(session))


def fetched(client: stripe.StripeClient, ref: str) -> ProviderCheckout:
    """With the setup intent: the session alone does not tell which payment method was saved."""
    return translate.checkout(transport.doc(client.v1.checkout.sessions.retrieve(ref, {"expand": ["setup_intent"]})))


def made_default(client: stripe.StripeClient, customer_ref: str, payment_method: str, key: str) -> str:
    """Checkout attaches what it saves to the customer, and leaves the default alone."""
    params: CustomerUpdateParams = {"invoice_settings": {"default_payment_method": payment_method}}
    client.v1.customers.update(customer_ref, params, bodies.options(key))
    return payment_method


def saving(client: stripe.StripeClient, customer_ref: str, key: str) -> Saving:
    """A setup intent, for the Payment Element in a browser. No method that redirects: the page that shows it goes on itself."""
    params: SetupIntentCreateParams = {
        "customer": customer_ref,
        "usage": "off_session",
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
    }
    intent = client.v1.setup_intents.create(params, bodies.options(key))
    assert intent.client_secret is not None, f"{intent.id}: was made to be confirmed in a browser"
    return Saving(intent.id, intent.client_secret)


def portal(client: stripe.StripeClient, customer_ref: str, return_url: str, key: str) -> str:
    configuration = _configuration(client, key)
    session = client.v1.billing_portal.sessions.create(
        {"customer": customer_ref, "configuration": configuration, "return_url": return_url}, bodies.options(key)
    )
    return session.url


def _configuration(client: stripe.StripeClient, key: str) -> str:
    """Ours, not the account's default, which may let customers cancel or change what Stripe knows nothing of."""
    listed = client.v1.billing_portal.configurations.list({"active": True, "limit": 100}).auto_paging_iter()
    for _, found in zip(range(CONFIGURATIONS_MAX), listed, strict=False):
        if translate.metadata(transport.doc(found)).get(_PORTAL) == _PORTAL_VERSION:
            return found.id
    params: ConfigurationCreateParams = {
        "features": {"payment_method_update": {"enabled": True}, "invoice_history": {"enabled": True}},
        "metadata": {_PORTAL: _PORTAL_VERSION},
    }
    try:
        # One key for all: two who are the first at once make one.
        made = client.v1.billing_portal.configurations.create(params, bodies.options(f"{_PORTAL}:{_PORTAL_VERSION}"))
        if client.v1.billing_portal.configurations.retrieve(made.id).active:
            return made.id
    except stripe.APIError:  # kept under that key; or, above, it stands for one that was switched off since
        pass
    return client.v1.billing_portal.configurations.create(params, bodies.options(f"{key}:configuration")).id
