"""3-D Secure: what the customer does on the bank's page, for whichever intent."""

from tallystick.sandbox.call import Call
from tallystick.sandbox.objects import payment_flow, setup_intents
from tallystick.sandbox.state import Doc


def authenticated(call: Call, identifier: str, *, success: bool) -> Doc:
    """The intent after the customer has passed, or failed."""
    if identifier.startswith("seti_"):
        return setup_intents.authenticated(call, call.get("setup_intent", identifier), success=success)
    return payment_flow.authenticated(call, call.get("payment_intent", identifier), success=success)
