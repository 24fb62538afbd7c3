"""What an invoice would be: everything is done as if it were asked for, looked at, and taken back."""

from dataclasses import replace

from tallystick.sandbox.call import Call
from tallystick.sandbox.errors import conflict, invalid
from tallystick.sandbox.objects import (
    cycles,
    invoice_items,
    subscription_changes,
    subscription_flow,
    subscription_invoices,
    subscription_lines,
    subscriptions,
)
from tallystick.sandbox.objects.subscription_records import LIVE, is_metered, items
from tallystick.sandbox.objects.uncovered import refuse_uncovered
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
_UNCOVERED = ("customer_account", "customer_details", "invoice_items", "issuer", "on_behalf_of", "schedule", "schedule_details")
_UNCOVERED_DETAILS = ("billing_schedules", "default_tax_rates", "pause", "resume_at", "start_date")
_OF_A_CHANGE = ("billing_cycle_anchor", "cancel_at", "cancel_at_period_end", "items", "proration_behavior", "proration_date",
                "trial_end")  # fmt: skip


@routes.add("POST", "/v1/invoices/create_preview", "InvoiceCreatePreviewParams")
def create_preview(call: Call) -> Doc:
    params = call.params
    wanted = params.get("subscription_details", {})
    refuse_uncovered(params, _UNCOVERED)
    refuse_uncovered(wanted, _UNCOVERED_DETAILS)
    subscription = call.get("subscription", params["subscription"], param="subscription") if "subscription" in params else None
    identifier = params.get("customer") or (subscription["customer"] if subscription else None)
    if identifier is None:
        raise invalid("Missing required param: customer.", param="customer", code="parameter_missing")
    customer = call.get("customer", identifier, param="customer")
    call = call.at(customer["test_clock"])
    before = call.state.written()
    try:
        found = _of_one(call, subscription, params) if subscription else _of_none(call, customer, params)
        shown = call.get("invoice", found["id"])
    finally:
        call.state.undo(before)
    return {**shown, "id": f"upcoming_{shown['id']}", "billing_reason": "upcoming", "status": "draft", "number": None}


def _of_none(call: Call, customer: Doc, params: Doc) -> Doc:
    """The first invoice of a subscription that nobody has yet, or what waits for an invoice anyway."""
    wanted = params.get("subscription_details", {})
    if not wanted.get("items"):
        raise conflict("No upcoming invoices for customer.", code="invoice_upcoming_none")
    given = {
        name: wanted[name] for name in ("cancel_at_period_end", "items", "proration_behavior", "trial_end") if name in wanted
    }
    more = {"discounts": params.get("discounts") or [], "payment_behavior": "default_incomplete"}
    made = subscriptions.make(call, customer, {**given, **more})
    if made["latest_invoice"] is None:
        raise conflict("No upcoming invoices for customer.", code="invoice_upcoming_none")
    return call.get("invoice", made["latest_invoice"])


def _of_one(call: Call, subscription: Doc, params: Doc) -> Doc:
    """The invoice that the change makes at once; if none, the next one in its time."""
    if subscription["status"] not in LIVE:
        raise conflict("No upcoming invoices for customer.", code="invoice_upcoming_none")
    wanted, known = params.get("subscription_details", {}), subscription["latest_invoice"]
    change = {name: wanted[name] for name in _OF_A_CHANGE if name in wanted}
    if params.get("preview_mode") == "recurring":
        change |= {"proration_behavior": "none"} if change else {}
    if params.get("discounts"):
        change["discounts"] = params["discounts"]
    if wanted.get("cancel_now"):
        subscription = subscription_flow.cancel(call, subscription, {"invoice_now": True, "prorate": True})
    elif change:
        subscription = subscription_changes.update(call, subscription, {**change, "payment_behavior": "default_incomplete"})
    if subscription["latest_invoice"] != known:
        return call.get("invoice", subscription["latest_invoice"])
    return _next(call, subscription, with_pending=params.get("preview_mode") != "recurring")


def _next(call: Call, subscription: Doc, *, with_pending: bool) -> Doc:
    """As it would be with the usage of today, on the day on which it will be."""
    held = call.get("subscription", subscription["id"])
    call = replace(call, now=held["_renews_at"])
    is_last = held["cancel_at"] is not None and held["cancel_at"] <= call.now
    over = [item for item in items(call, held) if item["current_period_end"] <= call.now or is_last]
    spans = [subscription_lines.usage_span(item, call.now) for item in over if is_metered(item) and held["status"] != "trialing"]
    since = min(item["current_period_start"] for item in over)
    invoice = subscription_invoices.begin(call, held, "subscription_cycle", period=(since, call.now))
    for item in over if not is_last else []:
        turn = cycles.cycle(held["billing_cycle_anchor"], item["price"]["recurring"], call.now)
        moved = call.update(item, current_period_start=call.now, current_period_end=turn.end)
        subscription_lines.advance(call, invoice, moved, share=turn.share)
    found = subscription_invoices.finish(call, invoice, spans=[span for span in spans if span], with_pending=with_pending)
    if found is None:
        raise conflict("No upcoming invoices for customer.", code="invoice_upcoming_none")
    return invoice_items.recount(call, found, None)
