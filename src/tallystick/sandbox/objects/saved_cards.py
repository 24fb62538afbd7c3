"""What a setup intent's success means for what it was begun for: a Checkout session, the portal, or a subscription."""

from tallystick.sandbox.call import Call
from tallystick.sandbox.objects.checkout_settling import complete
from tallystick.sandbox.objects.subscription_records import change
from tallystick.sandbox.state import Doc


def follow(call: Call, intent: Doc) -> None:
    """Completes the session that the intent belongs to. The customer's default stays as it is, as at Stripe."""
    if intent.get("_subscription"):
        subscription = call.get("subscription", intent["_subscription"])
        own = subscription["payment_settings"]["save_default_payment_method"] == "on_subscription"
        change(
            call, subscription, pending_setup_intent=None, **({"default_payment_method": intent["payment_method"]} if own else {})
        )
    if intent.get("_checkout"):
        complete(call, call.get("checkout.session", intent["_checkout"]), payment_status="no_payment_required")
    if intent.get("_becomes_default"):
        make_default(call, intent["customer"], intent["payment_method"])


def make_default(call: Call, customer: str, method: str) -> None:
    """What the customer's invoices are charged to from now on, as the portal sets it."""
    doc = call.get("customer", customer)
    call.update(doc, "customer.updated", invoice_settings={**doc["invoice_settings"], "default_payment_method": method})
