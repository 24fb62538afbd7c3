"""What the button on a Checkout page does: a card saved, a sum paid, or a subscription begun. Its endpoints are beside it."""

from tallystick.sandbox.call import Call
from tallystick.sandbox.objects import (
    invoice_flow,
    payment_flow,
    payment_intents,
    setup_intents,
    subscription_flow,
    subscriptions,
)
from tallystick.sandbox.objects.subscription_records import ENDED
from tallystick.sandbox.state import Doc


def confirmed(call: Call, session: Doc, card: Doc) -> Doc:
    """The intent that the card was tried on, of whichever kind. Raises the decline; the page is then open as before."""
    match session["mode"]:
        case "setup":
            return setup_intents.confirmed(call, call.get("setup_intent", session["setup_intent"]), card)
        case "payment":
            return _paid(call, session, card)
        case _:
            whole: Doc = subscription_flow.whole(call, _subscribed, session, card)
            return whole


def intent_of(call: Call, session: Doc) -> Doc | None:
    """The intent that the page has come to so far; None: nobody has tried a card that would need one."""
    if session["setup_intent"]:
        return call.get("setup_intent", session["setup_intent"])
    return call.get("payment_intent", session["payment_intent"]) if session["payment_intent"] else None


def abandoned(call: Call, session: Doc) -> None:
    """With the session goes what waited for it."""
    intent = intent_of(call, session)
    if intent is not None and intent["object"] == "setup_intent":
        setup_intents.abandoned(call, intent)
    elif intent is not None:
        payment_flow.cancel(call, intent, "abandoned")
    begun = call.get("subscription", session["_begun"]) if session.get("_begun") else None
    if begun is not None and begun["status"] not in ENDED:  # its own time is over before its page's
        subscription_flow.cancel(call, begun, {})


def _paid(call: Call, session: Doc, card: Doc) -> Doc:
    """By one payment intent, made when a card is first tried, as at Stripe."""
    intent = intent_of(call, session)
    if intent is None:
        about = session["_about"]
        wanted = {"amount": session["amount_total"], "currency": session["currency"], "customer": session["customer"], **about}
        intent = call.update(payment_intents.new(call, wanted, None), _checkout=session["id"])
        call.update(session, payment_intent=intent["id"])
    return payment_flow.confirm(call, intent, {**card, "off_session": False})


def _subscribed(call: Call, session: Doc, card: Doc) -> Doc:
    """Begun with its first invoice, which the card pays; where nothing is due yet, the card is saved for later."""
    begun = session.get("_begun")
    if begun is None:
        customer = call.get("customer", session["customer"])
        wanted = {
            **session["_about"], "items": [line["item"] for line in session["_lines"]], "payment_behavior": "default_incomplete",
            "payment_settings": {"save_default_payment_method": "on_subscription"},
        }  # fmt: skip
        begun = subscriptions.make(call, customer, wanted)["id"]
        session = call.update(session, _begun=begun)
    subscription = call.get("subscription", begun)
    invoice = call.get("invoice", subscription["latest_invoice"]) if subscription["latest_invoice"] else None
    payment = invoice_flow.default_payment(call, invoice) if invoice and invoice["status"] == "open" else None
    if payment is not None:
        intent = call.update(call.get("payment_intent", payment["_payment_intent"]), _checkout=session["id"])
        return payment_flow.confirm(call, intent, {**card, "off_session": False})
    waiting = subscription["pending_setup_intent"]
    saving = (
        call.get("setup_intent", waiting)
        if waiting
        else setup_intents.begun(call, customer=session["customer"], _subscription=begun)
    )
    return setup_intents.confirmed(call, call.update(saving, _checkout=session["id"]), card)
