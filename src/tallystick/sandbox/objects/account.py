"""Whose sandbox this is: one account, which cannot be changed."""

from tallystick.sandbox.call import Call
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.skeletons import skeleton
from tallystick.sandbox.state import Doc

routes = Routes()
_ID = "acct_sandbox"


@routes.add("GET", "/v1/account", "AccountRetrieveCurrentParams")
def retrieve(_: Call) -> Doc:
    """It may do everything that the sandbox can."""
    may = {"charges_enabled": True, "payouts_enabled": True, "details_submitted": True}
    return {**skeleton("account"), **may, "id": _ID, "country": "US", "default_currency": "usd", "type": "standard"}
