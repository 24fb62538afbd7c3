"""What a payment intent's new state means for the invoice that it was made for."""

from tallystick.sandbox.call import Call
from tallystick.sandbox.state import Doc


def follow(call: Call, intent: Doc) -> None:
    """Brings the invoice of the intent, if it has one, to what the intent now says."""
    if not intent["_invoice"]:
        return
