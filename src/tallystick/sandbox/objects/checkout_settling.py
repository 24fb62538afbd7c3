"""What a payment intent's new state means for the Checkout session on whose page it was begun."""

from typing import Any

from tallystick.sandbox.call import Call
from tallystick.sandbox.state import Doc


def follow(call: Call, intent: Doc) -> None:
    """Completes the session, if the intent has one; of one that is complete, tells what became of money that took its time."""
    if not intent.get("_checkout"):
        return
    session = call.get("checkout.session", intent["_checkout"])
    match intent["status"]:
        case "succeeded" if session["status"] == "open":
            complete(call, session, payment_status="paid")
        case "succeeded":
            call.update(session, "checkout.session.async_payment_succeeded", payment_status="paid")
        case "processing":
            complete(call, session, payment_status="unpaid")
        case "requires_payment_method" if session["status"] == "complete":
            call.emit("checkout.session.async_payment_failed", session)
        case _:
            pass


def complete(call: Call, session: Doc, **changes: Any) -> Doc:
    """Nothing more can be done on its page; from here on it names the subscription that was begun there."""
    if session["mode"] == "subscription":
        subscription = call.get("subscription", session["_begun"])
        changes |= {"subscription": subscription["id"], "invoice": subscription["latest_invoice"]}
    return call.update(session, "checkout.session.completed", status="complete", url=None, **changes)
