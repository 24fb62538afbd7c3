"""The life of a payment intent: confirm, authenticate, charge, capture, cancel. Its endpoints are in payment_intents.py."""

from typing import Any

from tallystick.sandbox import cards
from tallystick.sandbox.call import Call, public
from tallystick.sandbox.errors import Refusal, conflict, invalid
from tallystick.sandbox.objects import charges, due, payment_methods, settling
from tallystick.sandbox.state import Doc

# What is not listed cannot happen.
TRANSITIONS = {
    "requires_payment_method": {
        "requires_confirmation",
        "requires_action",
        "requires_capture",
        "processing",
        "succeeded",
        "canceled",
    },
    "requires_confirmation": {
        "requires_payment_method",
        "requires_action",
        "requires_capture",
        "processing",
        "succeeded",
        "canceled",
    },
    "requires_action": {
        "requires_payment_method",
        "requires_confirmation",
        "requires_capture",
        "processing",
        "succeeded",
        "canceled",
    },
    "requires_capture": {"succeeded", "canceled"},
    "processing": {"succeeded", "requires_payment_method", "canceled"},
    "succeeded": set(),
    "canceled": set(),
}
CLEARS_AFTER_SECONDS = 60  # where money takes its time
_CONFIRMABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
_AUTHENTICATION_FAILED = cards.Decline(
    "payment_intent_authentication_failure", "", "The provided PaymentMethod has failed authentication. You can provide "
    "payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again.", None,
)  # fmt: skip


def confirm(call: Call, intent: Doc, params: Doc) -> Doc:
    """Tries to take the money. Raises the decline after everything that it leaves behind is written."""
    if intent["status"] not in _CONFIRMABLE:
        raise unexpected(intent, "confirm", "You cannot confirm this PaymentIntent because it has a status of")
    method = chosen(call, intent, params)
    if method is None:
        raise unexpected_method(intent)
    _check_return_url(call, intent, params)
    intent = call.update(intent, **_remembered(intent, params), payment_method=method["id"])
    card = payment_methods.card_of(method)
    if _must_authenticate(intent, method, card, params):
        return _authentication_needed(call, intent, method, card, params)
    intent = _charge(call, intent, method, card)
    if intent["last_payment_error"]:
        raise refused(intent)
    return intent


def authenticated(call: Call, intent: Doc, *, success: bool) -> Doc:
    """The customer has come back from 3-D Secure. Declined now, the intent says so itself: there is no request to refuse."""
    if intent["status"] != "requires_action":
        raise unexpected(intent, "authenticate", "There is nothing to authenticate: this PaymentIntent has a status of")
    call = call.at(_clock_of(call, intent))
    method = call.get("payment_method", intent["payment_method"])
    if not success:
        return _failed(call, intent, method, _AUTHENTICATION_FAILED, None)
    return _charge(call, intent, method, payment_methods.card_of(method))


def cancel(call: Call, intent: Doc, reason: str | None) -> Doc:
    if "canceled" not in TRANSITIONS[intent["status"]]:
        raise unexpected(intent, "cancel", "You cannot cancel this PaymentIntent because it has a status of")
    if intent["status"] == "requires_capture":
        charge = call.get("charge", intent["latest_charge"])
        call.update(charge, "charge.refunded", refunded=True, amount_refunded=charge["amount"])
    intent = call.update(
        intent, "payment_intent.canceled", status="canceled", canceled_at=call.now, cancellation_reason=reason,
        next_action=None, amount_capturable=0,
    )  # fmt: skip
    settling.follow(call, intent)
    return intent


def capture(call: Call, intent: Doc, amount: int) -> Doc:
    if intent["status"] != "requires_capture":
        raise unexpected(intent, "capture", "This PaymentIntent could not be captured because it has a status of")
    method = call.get("payment_method", intent["payment_method"])
    charges.capture(call, call.get("charge", intent["latest_charge"]), amount, payment_methods.card_of(method))
    intent = call.update(intent, "payment_intent.succeeded", status="succeeded", amount_received=amount, amount_capturable=0)
    settling.follow(call, intent)
    return intent


def chosen(call: Call, intent: Doc, params: Doc) -> Doc | None:
    """The payment method that is given now, or the intent's. Raises where it is somebody else's or spent."""
    if "payment_method_data" in params:
        method: Doc | None = payment_methods.from_data(call, params["payment_method_data"])
    else:
        identifier = params.get("payment_method") or intent["payment_method"]
        method = payment_methods.find(call, identifier) if identifier else None
    if method is not None:
        _check_owner(method, params.get("customer", intent["customer"]))
    return method


def refused(intent: Doc) -> Refusal:
    """402, with the intent inside: of a refused create it is the only trace that the caller gets."""
    error = intent["last_payment_error"]
    return Refusal(402, {**error, "payment_intent": public(intent)}, stored=True)


def unexpected(intent: Doc, verb: str, why: str) -> Refusal:
    allowed = {"confirm": _CONFIRMABLE, "capture": {"requires_capture"}, "authenticate": {"requires_action"}}.get(
        verb, {status for status, after in TRANSITIONS.items() if "canceled" in after}
    )
    statuses = ", ".join(sorted(allowed))
    message = f"{why} {intent['status']}. Only a PaymentIntent with one of the following statuses may be used: {statuses}."
    return conflict(message, code="payment_intent_unexpected_state", payment_intent=public(intent))


def unexpected_method(intent: Doc) -> Refusal:
    message = (
        "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent "
        "with a payment method and then confirm it again, or confirm it again directly with a payment method."
    )
    return conflict(message, code="payment_intent_unexpected_state", payment_intent=public(intent))


def _check_owner(method: Doc, customer: str | None) -> None:
    owner = method["customer"]
    if owner is not None and customer is None:
        raise invalid(
            f"The PaymentMethod supplied ({method['id']}) belongs to a Customer, please include the Customer in the `customer` "
            "parameter on the PaymentIntent.", param="payment_method",
        )  # fmt: skip
    if owner is not None and owner != customer:
        message = f"The payment method supplied ({method['id']}) belongs to a different Customer."
        raise invalid(message, param="payment_method")
    if method["_is_spent"]:
        raise invalid(
            f"The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a "
            f"connected account without Customer attachment, or was detached from a Customer. "
            f"It may not be used again: {method['id']}.",
            param="payment_method",
        )


def _check_return_url(call: Call, intent: Doc, params: Doc) -> None:
    automatic = intent["automatic_payment_methods"] or {}
    if (
        automatic.get("allow_redirects") == "always" and not call.is_publishable and not params.get("off_session")
        and not params.get("return_url") and not params.get("use_stripe_sdk") and not intent["_invoice"]
    ):  # fmt: skip
        raise conflict(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment "
            "methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept "
            "redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and "
            "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents."
        )


def _remembered(intent: Doc, params: Doc) -> Doc:
    names = ("capture_method", "receipt_email", "setup_future_usage", "shipping")
    changes: Doc = {name: params[name] or None for name in names if name in params}
    return {
        **changes,
        "_return_url": return_url(params),
        "_is_off_session": bool(params.get("off_session", intent["_is_off_session"])),
    }


def return_url(params: Doc) -> str | None:
    """Where the bank's page sends the customer back to; with Stripe.js the page itself goes on."""
    return None if params.get("use_stripe_sdk") else params.get("return_url")


def _must_authenticate(intent: Doc, method: Doc, card: cards.TestCard, params: Doc) -> bool:
    options: Doc = params.get("payment_method_options") or intent["payment_method_options"] or {}
    asked = options.get("card", {}).get("request_three_d_secure")
    if card.authentication == "none":
        return asked in ("any", "challenge") and not intent["_is_off_session"]
    if card.authentication == "always" or not intent["_is_off_session"]:
        return True
    return not method["_is_set_up"]


def _authentication_needed(call: Call, intent: Doc, method: Doc, card: cards.TestCard, params: Doc) -> Doc:
    # An invoice's intent waits for the customer instead, who is told by mail and pays on the hosted page.
    if not intent["_invoice"] and (intent["_is_off_session"] or params.get("error_on_requires_action")):
        charge = charges.attempt(call, intent, method, card, cards.AUTHENTICATION_REQUIRED, is_captured=False)
        raise refused(_failed(call, intent, method, cards.AUTHENTICATION_REQUIRED, charge))
    intent = call.update(
        intent, "payment_intent.requires_action", status="requires_action", next_action=next_action(call, intent, params),
        last_payment_error=None,
    )  # fmt: skip
    settling.follow(call, intent)
    return intent


def next_action(call: Call, intent: Doc, params: Doc) -> Doc:
    """Where the customer authenticates: a redirect of the page, unless Stripe.js is there to show it."""
    url = f"{call.public_url}/sandbox/3ds/{intent['id']}"
    if back := return_url(params):
        return {"type": "redirect_to_url", "redirect_to_url": {"return_url": back, "url": url}}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url}}


def _charge(call: Call, intent: Doc, method: Doc, card: cards.TestCard) -> Doc:
    if card.clears == "at_once":
        return _charged(call, intent, method, card)
    done: dict[str, Any] = {"status": "processing", "next_action": None, "last_payment_error": None}
    intent = call.update(intent, "payment_intent.processing", **done)
    _keep_method(call, intent, method)
    due.schedule(call, _clock_of(call, intent), call.now + CLEARS_AFTER_SECONDS, "clear_payment", intent=intent["id"])
    settling.follow(call, intent)
    return intent


@due.task("clear_payment")
def _clear(call: Call, facts: Doc) -> None:
    """The money has come, or it turns out that it does not."""
    intent = call.state.get("payment_intent", facts["intent"])
    if intent is None or intent["status"] != "processing":
        return
    method = call.get("payment_method", intent["payment_method"])
    card = payment_methods.card_of(method)
    if card.clears == "later":
        _charged(call, intent, method, card)
        return
    charge = charges.attempt(call, intent, method, card, cards.NEVER_CLEARED, is_captured=True)
    _failed(call, intent, method, cards.NEVER_CLEARED, charge)


def _charged(call: Call, intent: Doc, method: Doc, card: cards.TestCard) -> Doc:
    is_held = intent["capture_method"] == "manual"
    charge = charges.attempt(call, intent, method, card, card.declines, is_captured=not is_held)
    if card.declines:
        return _failed(call, intent, method, card.declines, charge)
    _keep_method(call, intent, method)
    done: dict[str, Any] = {"next_action": None, "last_payment_error": None, "latest_charge": charge["id"]}
    if is_held:
        event = "payment_intent.amount_capturable_updated"
        return call.update(intent, event, status="requires_capture", amount_capturable=intent["amount"], **done)
    intent = call.update(intent, "payment_intent.succeeded", status="succeeded", amount_received=intent["amount"], **done)
    settling.follow(call, intent)
    return intent


def _keep_method(call: Call, intent: Doc, method: Doc) -> None:
    """Saved where that was asked for; a method without a customer has now been used once, and that is all."""
    is_set_up = method["_is_set_up"] or intent["setup_future_usage"] == "off_session"
    if intent["setup_future_usage"] and intent["customer"] and method["customer"] is None:
        payment_methods.belongs_to(call, method, intent["customer"], _is_set_up=is_set_up)
    else:
        call.update(method, _is_set_up=is_set_up, _is_spent=method["customer"] is None)


def _failed(call: Call, intent: Doc, method: Doc, decline: cards.Decline, charge: Doc | None) -> Doc:
    error = {"type": "card_error", **payment_methods.said(decline), "payment_method": public(method)}
    error = {name: value for name, value in error.items() if value != ""}
    error["doc_url"] = f"https://stripe.com/docs/error-codes/{decline.code.replace('_', '-')}"
    if charge:
        error["charge"] = charge["id"]
    if decline is _AUTHENTICATION_FAILED:
        error["type"] = "invalid_request_error"
    intent = call.update(
        intent, "payment_intent.payment_failed", status="requires_payment_method", payment_method=None, next_action=None,
        last_payment_error=error, latest_charge=charge["id"] if charge else intent["latest_charge"],
    )  # fmt: skip
    settling.follow(call, intent)
    return intent


def _clock_of(call: Call, intent: Doc) -> str | None:
    customer = call.state.get("customer", intent["customer"]) if intent["customer"] else None
    clock: str | None = customer.get("test_clock") if customer else None
    return clock
