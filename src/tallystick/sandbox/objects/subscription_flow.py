"""The life of a subscription: begun, renewed, out of its trial, paused, resumed, ended."""

from dataclasses import replace
from typing import Any

from tallystick.sandbox.call import Call
from tallystick.sandbox.errors import Refusal, conflict
from tallystick.sandbox.objects import (
    cycles,
    discounts,
    due,
    invoice_flow,
    prorations,
    setup_intents,
    subscription_invoices,
    subscription_lines,
)
from tallystick.sandbox.objects.subscription_records import (
    LIVE,
    change,
    details,
    end,
    is_metered,
    items,
    quiet,
    schedule_renewal,
    told,
)
from tallystick.sandbox.state import Doc

_HOUR, _DAY = 3600, 86400
_INCOMPLETE_SECONDS = 23 * _HOUR
_TRIAL_WARNING_SECONDS = 3 * _DAY


def whole(call: Call, function: Any, *arguments: Any) -> Doc:
    """What the function does, all of it or nothing: a payment that fails leaves no trace where the caller asked for that."""
    before = call.state.written()
    try:
        done: Doc = function(call, *arguments)
    except Refusal:
        call.state.undo(before)
        raise
    return done


def begin(call: Call, subscription: Doc, behavior: str, *, prorates: bool) -> Doc:
    """Its first invoice, and the status that follows from it. Told of as one event, whatever it took."""
    is_trial = subscription["status"] == "trialing"
    invoice = subscription_invoices.begin(call, subscription, "subscription_create")
    for item in items(call, subscription):
        share = cycles.cycle(subscription["billing_cycle_anchor"], item["price"]["recurring"], call.now).share
        if is_trial or share == 1 or prorates:
            subscription_lines.advance(call, invoice, item, share=share, is_free=is_trial)
    first = subscription_invoices.finish(call, invoice)
    if first is not None:
        first = subscription_invoices.collect(call, first, behavior)
    subscription = call.get("subscription", subscription["id"])
    if subscription["status"] == "incomplete" and (first is None or first["status"] == "paid"):
        subscription = change(call, subscription, status="active")
    if (first is None or not first["amount_due"]) and needs_method(call, subscription):
        intent = setup_intents.begun(call, customer=subscription["customer"], _subscription=subscription["id"])
        subscription = change(call, subscription, pending_setup_intent=intent["id"])
    schedule_renewal(call, subscription)
    if subscription["status"] == "incomplete":
        _later(call, subscription, call.now + _INCOMPLETE_SECONDS, "expire_subscription")
    subscription = told(call, subscription, "customer.subscription.created")
    if is_trial:
        warn_of_trial_end(call, subscription)
    return subscription


def warn_of_trial_end(call: Call, subscription: Doc) -> None:
    """Three days before; at once, where it is less."""
    at = subscription["trial_end"] - _TRIAL_WARNING_SECONDS
    if at <= call.now:
        call.emit("customer.subscription.trial_will_end", subscription)
    else:
        _later(call, subscription, at, "warn_of_trial_end", trial_end=subscription["trial_end"])


def needs_method(call: Call, subscription: Doc) -> bool:
    """Whether there is nothing that it could be charged to."""
    customer = call.get("customer", subscription["customer"])
    method = subscription["default_payment_method"] or customer["invoice_settings"]["default_payment_method"]
    return subscription["collection_method"] == "charge_automatically" and not method


def restart(call: Call, subscription: Doc, at: int, *, credits_unused: bool) -> tuple[Doc, Doc | None]:
    """A new cycle from now on, for every item at once; and the invoice of what is due for it."""
    was_trial = subscription["status"] == "trialing"
    spans = []
    for item in items(call, subscription):
        if credits_unused and not was_trial:
            item = prorations.credit(call, subscription, item, at)  # noqa: PLW2901 the same item, after
        span = subscription_lines.usage_span(item, call.now) if is_metered(item) and not was_trial else None
        spans += [span] if span else []
        ends = cycles.cycle(call.now, item["price"]["recurring"], call.now).end
        call.update(item, current_period_start=call.now, current_period_end=ends, _usage_from=call.now)
    changes: Doc = {"billing_cycle_anchor": call.now}
    if was_trial:
        changes |= {"status": "active", "trial_end": call.now}
    subscription = change(call, subscription, **changes)
    invoice = subscription_invoices.begin(call, subscription, "subscription_update")
    for item in items(call, subscription):
        subscription_lines.advance(call, invoice, item)
    found = subscription_invoices.finish(call, invoice, spans=spans)
    schedule_renewal(call, call.get("subscription", subscription["id"]))
    return call.get("subscription", subscription["id"]), found


def cancel(call: Call, subscription: Doc, params: Doc) -> Doc:
    """Now. Without `invoice_now`, what was used and not billed is nobody's debt; without `prorate`, nothing is given back."""
    before = quiet(call, subscription)
    if subscription["status"] == "incomplete":
        _void_first(call, subscription)
    if params.get("prorate") and subscription["status"] in LIVE - {"trialing"}:
        for item in items(call, subscription):
            prorations.credit(call, subscription, item, call.now)
    last = None
    if params.get("invoice_now"):
        last = _last_invoice(call, before, "subscription_update")
    elif not params.get("prorate"):
        drop_pending(call, subscription)
    if last is not None:
        last = subscription_invoices.collect(call, last, "allow_incomplete")
    subscription = call.get("subscription", subscription["id"])
    why = details(params.get("cancellation_details", {}), "cancellation_requested")
    return end(call, subscription, last=last, cancellation_details=why, cancel_at_period_end=False)


def pause(call: Call, subscription: Doc, why: str) -> Doc:
    """No more invoices and no more service, until it is resumed."""
    paused = {"subscription": {"type": why}, "transitioned_at": call.now, "type": "subscription"}
    subscription = change(call, subscription, status="paused", status_details={"paused": paused})
    if not subscription["_is_quiet"]:
        call.emit("customer.subscription.paused", subscription)
    return subscription


def resume(call: Call, subscription: Doc, behavior: str) -> Doc:
    """A new cycle from now on; active as soon as its invoice is paid."""
    if subscription["status"] != "paused":
        raise conflict(f"This subscription cannot be resumed: its status is {subscription['status']}, not paused.")
    before = subscription
    for item in items(call, subscription):
        call.update(item, _usage_from=call.now, _debits=[])
    subscription, invoice = restart(call, quiet(call, subscription), call.now, credits_unused=False)
    if invoice is None:
        subscription = change(call, subscription, status="active", status_details=None)
    else:
        change(call, subscription, _resumes_with=invoice["id"])
        invoice = subscription_invoices.collect(
            call, invoice, "default_incomplete" if behavior == "resume_on_payment_attempt" else "allow_incomplete"
        )
        if invoice["status"] == "open":
            call.update(invoice, auto_advance=False, next_payment_attempt=None)
    subscription = told(call, before)
    if subscription["status"] == "active":
        call.emit("customer.subscription.resumed", subscription)
    return subscription


def drop_pending(call: Call, subscription: Doc) -> None:
    for item in call.list("invoiceitem", ("customer", subscription["customer"])):
        if item["invoice"] is None and item.get("_subscription") == subscription["id"] and item["proration"]:
            call.remove(item, "invoiceitem.deleted")


@due.task("renew_subscription")
def _renew(call: Call, facts: Doc) -> None:
    subscription = call.state.get("subscription", facts["subscription"])
    if not subscription or subscription["status"] not in LIVE or subscription["_renews_at"] != facts["until"]:
        return
    before, subscription = subscription, quiet(call, subscription)
    call = replace(call, now=facts["until"])
    if subscription["status"] == "trialing" and subscription["trial_end"] <= call.now:
        subscription = _trial_over(call, subscription)
    if subscription["status"] in LIVE:
        if subscription["cancel_at"] is not None and subscription["cancel_at"] <= call.now:
            _end_as_planned(call, subscription)
            return
        _renewed(call, subscription)
    after = told(call, before) if subscription["status"] != "canceled" else subscription
    if after["status"] == "paused":
        call.emit("customer.subscription.paused", after)


def _renewed(call: Call, subscription: Doc) -> None:
    """The items whose period is over begin another; one invoice for them all."""
    over = [item for item in items(call, subscription) if item["current_period_end"] <= call.now]
    since = min(item["current_period_start"] for item in over)
    found = [subscription_lines.usage_span(item, call.now) for item in over if is_metered(item)]
    invoice = subscription_invoices.begin(call, subscription, "subscription_cycle", period=(since, call.now))
    for item in over:
        turn = cycles.cycle(subscription["billing_cycle_anchor"], item["price"]["recurring"], call.now)
        item = call.update(item, current_period_start=call.now, current_period_end=turn.end, _usage_from=call.now)  # noqa: PLW2901
        subscription_lines.advance(call, invoice, item, share=turn.share)
    made = subscription_invoices.finish(call, invoice, spans=[span for span in found if span])
    subscription = call.get("subscription", subscription["id"])
    if made is not None:
        subscription_invoices.plan(call, made, subscription)
    running = discounts.running(call, subscription["discounts"])
    schedule_renewal(call, change(call, subscription, discounts=running))


def _trial_over(call: Call, subscription: Doc) -> Doc:
    """What was used in a trial is free. Without a card it goes on, stops, or waits, as its settings say."""
    for item in items(call, subscription):
        call.update(item, _usage_from=call.now)
    what = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if what == "create_invoice" or not needs_method(call, subscription):
        return change(call, subscription, status="active")
    if what == "pause":
        return pause(call, subscription, "trial_end_without_payment_method")
    return end(call, subscription, cancellation_details=details({}, None))


def _end_as_planned(call: Call, subscription: Doc) -> None:
    last = _last_invoice(call, subscription, "subscription_cycle")
    subscription = call.get("subscription", subscription["id"])
    if last is not None:
        subscription_invoices.plan(call, last, subscription)
    end(call, subscription, last=last)


def _last_invoice(call: Call, subscription: Doc, reason: str) -> Doc | None:
    """What was used and not billed, and what waited."""
    found = [subscription_lines.usage_span(item, call.now) for item in items(call, subscription) if is_metered(item)]
    invoice = subscription_invoices.begin(call, subscription, reason)
    return subscription_invoices.finish(call, invoice, spans=[span for span in found if span])


@due.task("expire_subscription")
def _expire(call: Call, facts: Doc) -> None:
    """Nobody has made the first payment within its day."""
    subscription = call.state.get("subscription", facts["subscription"])
    if subscription and subscription["status"] == "incomplete":
        _void_first(call, subscription)
        end(call, subscription, status="incomplete_expired")


@due.task("warn_of_trial_end")
def _warn(call: Call, facts: Doc) -> None:
    subscription = call.state.get("subscription", facts["subscription"])
    if subscription and subscription["status"] == "trialing" and subscription["trial_end"] == facts["trial_end"]:
        call.emit("customer.subscription.trial_will_end", subscription)


@due.task("resume_collection")
def _resume_collection(call: Call, facts: Doc) -> None:
    subscription = call.state.get("subscription", facts["subscription"])
    pause_now = subscription["pause_collection"] if subscription else None
    if subscription and pause_now and pause_now["resumes_at"] == facts["until"]:
        change(call, subscription, pause_collection=None)


def _void_first(call: Call, subscription: Doc) -> None:
    invoice = call.get("invoice", subscription["latest_invoice"])
    if invoice["status"] == "open":
        invoice_flow.void(call, invoice)


def _later(call: Call, subscription: Doc, at: int, name: str, **facts: Any) -> None:
    due.schedule(call, subscription["test_clock"], at, name, subscription=subscription["id"], **facts)
