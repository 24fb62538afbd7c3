"""The endpoints of payment intents."""

from hmac import compare_digest

from tallystick.sandbox.call import Call, merged, unset
from tallystick.sandbox.errors import Refusal, conflict, invalid
from tallystick.sandbox.lists import page
from tallystick.sandbox.objects import amounts, payment_flow
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
_PLAIN = frozenset({"description", "receipt_email", "setup_future_usage", "shipping", "statement_descriptor",
"statement_descriptor_suffix",
                    "transfer_group"})  # fmt: skip
_ONLY_CONFIRMING = ("off_session", "return_url", "error_on_requires_action", "mandate", "use_stripe_sdk")


@routes.add("POST", "/v1/payment_intents", "PaymentIntentCreateParams")
def create(call: Call) -> Doc:
    params = call.params
    amounts.check_charge(params["amount"], params["currency"])
    _check_together(params)
    if not params.get("confirm"):
        _check_not_confirming(params)
    customer = call.get("customer", params["customer"], param="customer") if params.get("customer") else None
    call = call.at(customer["test_clock"] if customer else None)
    method = payment_flow.chosen(call, {"payment_method": None, "customer": params.get("customer")}, params)
    intent = new(call, params, method)
    if not params.get("confirm"):
        return intent
    return payment_flow.confirm(
        call, intent, {name: value for name, value in params.items() if not name.startswith("payment_method")}
    )


@routes.add("GET", "/v1/payment_intents/{id}", "PaymentIntentRetrieveParams", publishable=True)
def retrieve(call: Call) -> Doc:
    return _asked(call)


@routes.add("GET", "/v1/payment_intents", "PaymentIntentListParams")
def list_page(call: Call) -> Doc:
    customer = call.params.get("customer")
    return page(call, "payment_intent", by=("customer", customer) if customer else None)


@routes.add("POST", "/v1/payment_intents/{id}", "PaymentIntentUpdateParams")
def update(call: Call) -> Doc:
    intent, params = call.get("payment_intent", call.ids[0], param="intent"), call.params
    if intent["status"] not in {"requires_payment_method", "requires_confirmation", "requires_action"} and params.keys() - {
        "metadata", "description", "receipt_email", "transfer_group", "expand",
    }:  # fmt: skip
        raise payment_flow.unexpected(intent, "confirm", "This PaymentIntent could not be updated because it has a status of")
    changes: Doc = {name: unset(params[name]) for name in _PLAIN & params.keys()}
    if "amount" in params or "currency" in params:
        currency: str = params.get("currency") or intent["currency"]
        changes |= {"amount": params.get("amount", intent["amount"]), "currency": currency.lower()}
        amounts.check_charge(changes["amount"], changes["currency"])
    if "metadata" in params:
        changes["metadata"] = merged(intent["metadata"], params["metadata"])
    if params.get("customer"):
        changes["customer"] = call.get("customer", params["customer"], param="customer")["id"]
    if params.get("payment_method") or "payment_method_data" in params:
        method = payment_flow.chosen(call, intent, params)
        assert method is not None, "one was given"
        changes |= {"payment_method": method["id"], "status": "requires_confirmation", "next_action": None}
    # Stripe has no event for this update.
    return call.update(intent, **changes)


@routes.add("POST", "/v1/payment_intents/{id}/confirm", "PaymentIntentConfirmParams", publishable=True)
def confirm(call: Call) -> Doc:
    intent = _asked(call)
    _refuse_checkouts_own(intent, "confirm")
    customer = call.state.get("customer", intent["customer"]) if intent["customer"] else None
    call = call.at(customer.get("test_clock") if customer else None)
    return payment_flow.confirm(call, intent, call.params)


@routes.add("POST", "/v1/payment_intents/{id}/cancel", "PaymentIntentCancelParams")
def cancel(call: Call) -> Doc:
    intent = call.get("payment_intent", call.ids[0], param="intent")
    if intent["_invoice"]:
        raise conflict("You cannot cancel a PaymentIntent that was created by an invoice; void the invoice instead.")
    _refuse_checkouts_own(intent, "cancel")
    return payment_flow.cancel(call, intent, call.params.get("cancellation_reason"))


@routes.add("POST", "/v1/payment_intents/{id}/capture", "PaymentIntentCaptureParams")
def capture(call: Call) -> Doc:
    intent = call.get("payment_intent", call.ids[0], param="intent")
    amount: int = call.params.get("amount_to_capture") or intent["amount"]
    if not 0 < amount <= intent["amount"]:
        message = "The amount to capture is greater than the remaining amount you can capture for this PaymentIntent."
        raise invalid(message, param="amount_to_capture", code="amount_too_large")
    return payment_flow.capture(call, intent, amount)


def new(call: Call, params: Doc, method: Doc | None) -> Doc:
    """A payment intent that waits: for a payment method, or with one for its confirmation."""
    intent = call.new(
        "payment_intent", amount=params["amount"], currency=params["currency"].lower(), customer=params.get("customer"),
        payment_method=method["id"] if method else None, payment_method_types=["card"],
        capture_method=params.get("capture_method", "automatic_async"),
        confirmation_method=params.get("confirmation_method", "automatic"), metadata=merged({}, params.get("metadata", {})),
        payment_method_options={"card": {"installments": None, "mandate_options": None, "network": None,
        "request_three_d_secure": "automatic",
                                         **params.get("payment_method_options", {}).get("card", {})}},
        status="requires_confirmation" if method else "requires_payment_method", amount_details={"tip": {}},
        _invoice=params.get("_invoice"), _is_off_session=bool(params.get("off_session")), _return_url=None,
    )  # fmt: skip
    intent.update({name: unset(params[name]) for name in _PLAIN & params.keys()})
    intent.update(_methods_accepted(params), client_secret=f"{intent['id']}_secret_{call.text(25)}")
    return call.save(intent, "payment_intent.created")


def _asked(call: Call) -> Doc:
    """The intent of the path. A browser must know its secret."""
    intent = call.get("payment_intent", call.ids[0], param="intent")
    secret = call.params.get("client_secret")
    if secret is not None and not compare_digest(secret.encode(), intent["client_secret"].encode()):
        raise wrong_secret("payment_intent", "PaymentIntent")
    return intent


def _refuse_checkouts_own(intent: Doc, verb: str) -> None:
    if intent.get("_checkout"):
        remedy = " To cancel it, expire the Checkout Session instead." if verb == "cancel" else ""
        raise conflict(f"You cannot {verb} this PaymentIntent because it was created by a Checkout Session.{remedy}")


def wrong_secret(code: str, noun: str) -> Refusal:
    message = f"The client_secret provided does not match the client_secret associated with the {noun}."
    return invalid(message, param="client_secret", code=f"{code}_invalid_parameter")


def _check_together(params: Doc) -> None:
    given = [
        n for n in ("allowed_payment_method_types", "excluded_payment_method_types", "automatic_payment_methods") if n in params
    ]
    if "allowed_payment_method_types" in given and len(given) > 1:
        raise invalid(f"You may only specify one of these parameters: {', '.join(given)}.", param="allowed_payment_method_types")
    if params.get("payment_method") and "payment_method_data" in params:
        raise invalid(
            "You may only specify one of these parameters: payment_method, payment_method_data.", param="payment_method"
        )


def _check_not_confirming(params: Doc) -> None:
    for name in _ONLY_CONFIRMING:
        if params.get(name):
            raise invalid(f"You can only provide `{name}` when `confirm` is set to true.", param=name)


def _methods_accepted(params: Doc) -> Doc:
    allowed = params.get("allowed_payment_method_types")
    if allowed is not None:
        return {"allowed_payment_method_types": allowed, "automatic_payment_methods": None}
    given = params.get("automatic_payment_methods", {})
    automatic = {"allow_redirects": given.get("allow_redirects", "always"), "enabled": given.get("enabled", True)}
    return {"automatic_payment_methods": automatic, "excluded_payment_method_types": params.get("excluded_payment_method_types")}
