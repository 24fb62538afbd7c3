"""Invoices of a subscription: begun, filled by whoever needs one, then told of; and collected, now or in an hour."""

from tallystick.sandbox.call import Call
from tallystick.sandbox.errors import Refusal
from tallystick.sandbox.objects import discounts, invoice_flow, invoice_items, invoices, subscription_lines
from tallystick.sandbox.objects.subscription_records import change
from tallystick.sandbox.state import Doc


def begin(call: Call, subscription: Doc, reason: str, *, period: tuple[int, int] | None = None) -> Doc:
    """A draft without lines, of which nobody has heard."""
    customer = call.get("customer", subscription["customer"])
    start, end = period or (call.now, call.now)
    details = {"metadata": subscription["metadata"], "subscription": subscription["id"]}
    terms = {name: subscription[name] for name in ("collection_method", "days_until_due") if subscription[name] is not None}
    invoice = invoices.new(call, terms, customer, subscription["currency"])
    running = discounts.running(call, subscription["discounts"])
    invoice.update(
        billing_reason=reason, period_start=start, period_end=end, discounts=running, description=subscription["description"],
        parent={"quote_details": None, "subscription_details": details, "type": "subscription_details"},
        _discounts=running, _subscription=subscription["id"], _usage=[],
    )  # fmt: skip
    return call.save(invoice)


def finish(call: Call, invoice: Doc, *, spans: list[Doc] | None = None, with_pending: bool = True) -> Doc | None:
    """The draft, announced with what waited for it and with the usage of the spans; None, and gone, where it has no line."""
    invoice = call.update(call.get("invoice", invoice["id"]), _usage=spans or [])
    if with_pending:
        invoice = invoice_items.pull_pending(call, invoice, None)
    invoice = subscription_lines.count_usage(call, invoice)
    invoice = invoice_items.recount(call, invoice, None)
    if not invoice["lines"]["data"]:
        call.state.delete("invoice", invoice["id"])
        return None
    call.emit("invoice.created", invoice)
    change(call, call.get("subscription", invoice["_subscription"]), latest_invoice=invoice["id"])
    return invoice


def plan(call: Call, invoice: Doc, subscription: Doc) -> None:
    """Finalised in an hour, unless collection is paused or was given up; what a pause says then happens to it."""
    pause = subscription["pause_collection"]
    waits = subscription["status"] == "unpaid" or (pause is not None and pause["behavior"] == "keep_as_draft")
    then = pause["behavior"] if pause and not waits else None
    invoice_flow.plan(call, call.update(invoice, auto_advance=not waits, _then=then))


def collect(call: Call, invoice: Doc, behavior: str) -> Doc:
    """Finalised now, and paid if that can be done. Raises what stood in the way where the caller asked for all or nothing."""
    if invoice["collection_method"] == "send_invoice":
        invoice_flow.plan(call, call.update(invoice, auto_advance=True))
        return call.get("invoice", invoice["id"])
    invoice = invoice_flow.finalize(call, invoice)
    if invoice["status"] != "open" or behavior == "default_incomplete":
        return invoice
    try:
        return invoice_flow.pay(call, invoice, {})
    except Refusal as refusal:
        if behavior == "error_if_incomplete" or (refusal.status < 402 and invoice["billing_reason"] == "subscription_create"):
            raise
        invoice = call.get("invoice", invoice["id"])
        if invoice["billing_reason"] == "subscription_create":
            return invoice
        return invoice_flow.plan_next_try(call, call.update(invoice, auto_advance=True), 0)
