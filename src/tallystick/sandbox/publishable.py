"""What a publishable key may do: only what Stripe.js does in a browser, and it sees less."""

from collections.abc import Set as AbstractSet

from tallystick.sandbox.errors import Refusal, invalid
from tallystick.sandbox.params import read
from tallystick.sandbox.routes import Route
from tallystick.sandbox.state import Doc

# What Stripe.js sends besides; it says nothing that the sandbox would act on.
_IGNORED = frozenset({
    "key", "expected_payment_method_type", "client_attribution_metadata", "payment_user_agent", "referrer", "guid", "muid", "sid",
    "pasted_fields", "time_on_page", "use_stripe_sdk_version",
})  # fmt: skip
_HIDDEN = frozenset({
    "application", "application_fee_amount", "customer", "customer_account", "latest_charge", "latest_attempt",
    "mandate", "metadata", "on_behalf_of", "payment_details", "payment_method_options", "review", "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data", "transfer_group", "amount_received", "amount_capturable", "single_use_mandate",
})  # fmt: skip


def admitted(route: Route, sent: Doc) -> Doc:
    """The parameters of a call from a browser. Raises for an endpoint that is not for browsers, or without a secret."""
    if not route.is_publishable:
        message = "This API call cannot be made with a publishable API key. Please use a secret API key."
        raise Refusal(403, {"type": "invalid_request_error", "code": "secret_key_required", "message": message})
    if "{id}" in route.template and not sent.get("client_secret"):
        raise invalid("Missing required param: client_secret.", param="client_secret", code="parameter_missing")
    # What only Stripe.js may send is not in the SDK's params.
    own: Doc = {name: str(sent[name]) for name in ("client_secret",) if name in sent}
    own |= {name: sent[name] == "true" for name in ("use_stripe_sdk",) if name in sent}
    if isinstance(sent.get("payment_method_data"), dict):
        own["payment_method_data"] = read("PaymentMethodCreateParams", _without(sent["payment_method_data"], _IGNORED))
    return {**read(route.params, _without(sent, _IGNORED | own.keys())), **own}


def _without(sent: Doc, names: AbstractSet[str]) -> Doc:
    return {name: value for name, value in sent.items() if name not in names}


def browser_form(doc: Doc) -> Doc:
    """An intent without what is the merchant's or the customer's own; a payment method without its customer."""
    return {name: value for name, value in doc.items() if name not in _HIDDEN}
