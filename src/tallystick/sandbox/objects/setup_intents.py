"""Setup intents: a card made ready for later charges, without a charge."""

from hmac import compare_digest
from typing import Any

from tallystick.sandbox import cards
from tallystick.sandbox.call import Call, merged, public, unset
from tallystick.sandbox.errors import Refusal, conflict, invalid
from tallystick.sandbox.lists import page
from tallystick.sandbox.objects import payment_flow, payment_methods, saved_cards
from tallystick.sandbox.objects.payment_intents import wrong_secret
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
_CONFIRMABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
_FAILED = cards.Decline(
    "setup_intent_authentication_failure", "",
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.", None,
)  # fmt: skip


@routes.add("POST", "/v1/setup_intents", "SetupIntentCreateParams")
def create(call: Call) -> Doc:
    params = call.params
    if params.get("customer"):
        call = call.at(call.get("customer", params["customer"], param="customer")["test_clock"])
    method = payment_flow.chosen(call, {"payment_method": None, "customer": params.get("customer")}, params)
    given = params.get("automatic_payment_methods", {})
    automatic = {"allow_redirects": given.get("allow_redirects", "always"), "enabled": given.get("enabled", True)}
    more: Doc = {"automatic_payment_methods": automatic}
    if "allowed_payment_method_types" in params:
        more = {
            "allowed_payment_method_types": params["allowed_payment_method_types"],
            "automatic_payment_methods": None,
        }
    intent = begun(
        call, customer=params.get("customer"), description=unset(params.get("description")),
        usage=params.get("usage", "off_session"), metadata=merged({}, params.get("metadata", {})),
        payment_method=method["id"] if method else None,
        status="requires_confirmation" if method else "requires_payment_method", **more,
    )  # fmt: skip
    return confirmed(call, intent, {**params, "payment_method_data": None}) if params.get("confirm") else intent


def begun(call: Call, **values: Any) -> Doc:
    """A setup intent that waits for a card, unless `values` say otherwise."""
    known: Doc = {
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "metadata": {},
        "payment_method_options": {"card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
        "usage": "off_session",
        "_return_url": None,
    }
    intent = call.new("setup_intent", **{**known, **values})
    intent["client_secret"] = f"{intent['id']}_secret_{call.text(25)}"
    return call.save(intent, "setup_intent.created")


@routes.add("GET", "/v1/setup_intents/{id}", "SetupIntentRetrieveParams", publishable=True)
def retrieve(call: Call) -> Doc:
    return _asked(call)


@routes.add("GET", "/v1/setup_intents", "SetupIntentListParams")
def list_page(call: Call) -> Doc:
    wanted = [(name, call.params[name]) for name in ("customer", "payment_method") if name in call.params]
    return page(
        call,
        "setup_intent",
        by=wanted[0] if wanted else None,
        where=lambda doc: all(doc[name] == value for name, value in wanted),
    )


@routes.add("POST", "/v1/setup_intents/{id}", "SetupIntentUpdateParams")
def update(call: Call) -> Doc:
    intent, params = _asked(call), call.params
    changes: Doc = {name: unset(params[name]) for name in ("description",) if name in params}
    if "metadata" in params:
        changes["metadata"] = merged(intent["metadata"], params["metadata"])
    if params.get("customer"):
        changes["customer"] = call.get("customer", params["customer"], param="customer")["id"]
    if params.get("payment_method") and (method := payment_flow.chosen(call, {**intent, **changes}, params)):
        changes |= {"payment_method": method["id"], "status": "requires_confirmation"}
    return call.update(intent, **changes)


@routes.add("POST", "/v1/setup_intents/{id}/confirm", "SetupIntentConfirmParams", publishable=True)
def confirm(call: Call) -> Doc:
    intent = _asked(call)
    _refuse_checkouts_own(intent, "confirm")
    return confirmed(call, intent, call.params)


@routes.add("POST", "/v1/setup_intents/{id}/cancel", "SetupIntentCancelParams")
def cancel(call: Call) -> Doc:
    intent = _asked(call)
    _refuse_checkouts_own(intent, "cancel")
    return _canceled(call, intent, call.params.get("cancellation_reason"))


def abandoned(call: Call, intent: Doc) -> Doc:
    """Canceled, with the Checkout session that it was for."""
    return _canceled(call, intent, "abandoned")


def _canceled(call: Call, intent: Doc, reason: str | None) -> Doc:
    if intent["status"] not in _CONFIRMABLE:
        raise _unexpected(intent, "canceled")
    return call.update(intent, "setup_intent.canceled", status="canceled", cancellation_reason=reason, next_action=None)


def authenticated(call: Call, intent: Doc, *, success: bool) -> Doc:
    """The customer has come back from 3-D Secure."""
    if intent["status"] != "requires_action":
        raise _unexpected(intent, "authenticated")
    method = call.get("payment_method", intent["payment_method"])
    return _succeeded(call, intent, method) if success else _failed(call, intent, method, _FAILED)


def confirmed(call: Call, intent: Doc, params: Doc) -> Doc:
    """The card saved, or the bank asked first. Raises the decline after everything that it leaves behind is written."""
    if intent["status"] not in _CONFIRMABLE:
        raise _unexpected(intent, "confirmed")
    method = payment_flow.chosen(call, intent, {name: value for name, value in params.items() if value is not None})
    if method is None:
        message = "You cannot confirm this SetupIntent because it's missing a payment method."
        raise conflict(message, code="setup_intent_unexpected_state", setup_intent=public(intent))
    intent = call.update(intent, payment_method=method["id"], _return_url=payment_flow.return_url(params))
    card = payment_methods.card_of(method)
    if card.declines and card.is_refused_at_once:
        intent = _failed(call, intent, method, card.declines)
        raise Refusal(402, {**intent["last_setup_error"], "setup_intent": public(intent)}, stored=True)
    if card.authentication in ("always", "unless_set_up"):
        action = payment_flow.next_action(call, intent, params)
        return call.update(
            intent, "setup_intent.requires_action", status="requires_action", next_action=action, last_setup_error=None
        )
    return _succeeded(call, intent, method)


def _succeeded(call: Call, intent: Doc, method: Doc) -> Doc:
    if intent["customer"] and method["customer"] is None:
        payment_methods.belongs_to(call, method, intent["customer"], _is_set_up=True)
    else:
        call.update(method, _is_set_up=True)
    intent = call.update(intent, "setup_intent.succeeded", status="succeeded", next_action=None, last_setup_error=None)
    saved_cards.follow(call, intent)
    return intent


def _failed(call: Call, intent: Doc, method: Doc, decline: cards.Decline) -> Doc:
    error: dict[str, Any] = {"type": "card_error", **payment_methods.said(decline), "payment_method": public(method)}
    error = {name: value for name, value in error.items() if value != ""}
    if decline is _FAILED:
        error["type"] = "invalid_request_error"
    return call.update(
        intent,
        "setup_intent.setup_failed",
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        last_setup_error=error,
    )


def _asked(call: Call) -> Doc:
    intent = call.get("setup_intent", call.ids[0], param="intent")
    secret = call.params.get("client_secret")
    if secret is not None and not compare_digest(secret.encode(), intent["client_secret"].encode()):
        raise wrong_secret("setup_intent", "SetupIntent")
    return intent


def _refuse_checkouts_own(intent: Doc, verb: str) -> None:
    if intent.get("_checkout"):
        remedy = " To cancel it, expire the Checkout Session instead." if verb == "cancel" else ""
        raise invalid(f"You cannot {verb} this SetupIntent because it was created by a Checkout Session.{remedy}", param="intent")


def _unexpected(intent: Doc, what: str) -> Refusal:
    message = f"This SetupIntent cannot be {what} because it has a status of {intent['status']}."
    return conflict(message, code="setup_intent_unexpected_state", setup_intent=public(intent))
