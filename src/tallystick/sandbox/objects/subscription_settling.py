"""What an invoice's new state means for the subscription that it was made for."""

from tallystick.sandbox.call import Call
from tallystick.sandbox.objects.subscription_records import change
from tallystick.sandbox.state import Doc


def paid(call: Call, invoice: Doc) -> None:
    """The latest invoice settled: what had waited for it goes on. Given up and voided count as paid does."""
    subscription = _of(call, invoice)
    if subscription is None or subscription["latest_invoice"] != invoice["id"]:
        return
    is_paid, status = invoice["status"] == "paid", subscription["status"]
    if status in ("past_due", "unpaid") or (status == "incomplete" and is_paid):
        change(call, subscription, status="active")
    elif status == "paused" and is_paid and subscription.get("_resumes_with") == invoice["id"]:
        resumed = change(call, subscription, status="active", status_details=None, _resumes_with=None)
        if not resumed["_is_quiet"]:
            call.emit("customer.subscription.resumed", resumed)


def keep_method(call: Call, invoice: Doc, method: str | None) -> None:
    """The card that paid becomes the subscription's own, where that was asked for."""
    subscription = _of(call, invoice)
    if subscription and method and subscription["payment_settings"]["save_default_payment_method"] == "on_subscription":
        change(call, subscription, default_payment_method=method)


def failed(call: Call, invoice: Doc) -> None:
    subscription = _of(call, invoice)
    if subscription and subscription["status"] == "active" and subscription["latest_invoice"] == invoice["id"]:
        change(call, subscription, status="past_due")


def given_up(call: Call, invoice: Doc) -> None:
    """No more attempts will be made."""
    subscription = _of(call, invoice)
    if subscription and subscription["status"] == "past_due" and subscription["latest_invoice"] == invoice["id"]:
        change(call, subscription, status="unpaid")


def lose_discounts(call: Call, invoice: Doc, ended: list[str]) -> None:
    """What was for one invoice is not for the next."""
    subscription = _of(call, invoice)
    if subscription and ended:
        change(call, subscription, discounts=[name for name in subscription["discounts"] if name not in ended])


def default_method(call: Call, invoice: Doc) -> str | None:
    subscription = _of(call, invoice)
    method: str | None = subscription["default_payment_method"] if subscription else None
    return method


def _of(call: Call, invoice: Doc) -> Doc | None:
    identifier = invoice.get("_subscription")
    return call.state.get("subscription", identifier) if identifier else None
