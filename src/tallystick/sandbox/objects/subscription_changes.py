"""A change of a subscription that runs: its items, its cycle, its trial, its end, and what is to be paid for that."""

from tallystick.sandbox.call import Call, merged, unset
from tallystick.sandbox.errors import conflict, invalid
from tallystick.sandbox.objects import cycles, discounts, due, prorations, subscription_flow, subscription_invoices
from tallystick.sandbox.objects.subscription_records import (
    ENDED,
    LIVE,
    change,
    details,
    is_metered,
    items,
    quiet,
    schedule_renewal,
    told,
)
from tallystick.sandbox.objects.subscription_terms import chosen_price, new_item, priced, quantity_of
from tallystick.sandbox.objects.uncovered import refuse_uncovered
from tallystick.sandbox.state import Doc

_PLAIN = ("collection_method", "days_until_due", "description")
_WHEN_ENDED = frozenset({"metadata", "cancellation_details", "expand"})
_WHEN_INCOMPLETE = _WHEN_ENDED | {"default_payment_method", "description", "payment_settings"}


def update(call: Call, subscription: Doc, params: Doc) -> Doc:
    """The subscription as the parameters want it; one event of it all."""
    _check(subscription, params)
    before, subscription = subscription, quiet(call, subscription)
    subscription = _with_plain(call, subscription, params)
    if "discounts" in params:
        subscription = _with_discounts(call, subscription, params["discounts"] or [])
    proration = params.get("proration_behavior", "create_prorations")
    starts_over = _items_changed(call, subscription, params, proration)
    if subscription["status"] == "trialing" and isinstance(params.get("trial_end"), int):
        subscription = _with_trial(call, subscription, params["trial_end"])
    starts_over = starts_over or params.get("billing_cycle_anchor", {}).get("type") == "now" or params.get("trial_end") == "now"
    invoice = None
    if starts_over:
        at = params.get("proration_date", call.now)
        subscription, invoice = subscription_flow.restart(call, subscription, at, credits_unused=proration != "none")
    elif proration == "always_invoice" and "items" in params:
        invoice = subscription_invoices.finish(call, subscription_invoices.begin(call, subscription, "subscription_update"))
    if invoice is not None:
        _collect(call, invoice, params.get("payment_behavior", "allow_incomplete"))
    return _with_end(call, before, params)


def _collect(call: Call, invoice: Doc, behavior: str) -> None:
    invoice = subscription_invoices.collect(call, invoice, behavior)
    subscription = call.get("subscription", invoice["_subscription"])
    if invoice["status"] == "open" and subscription["status"] == "active":
        change(call, subscription, status="past_due")


def _check(subscription: Doc, params: Doc) -> None:
    status = subscription["status"]
    allowed = _WHEN_ENDED if status in ENDED else _WHEN_INCOMPLETE if status not in LIVE else None
    if allowed is not None and params.keys() - allowed:
        names = ", ".join(sorted(params.keys() - allowed))
        raise conflict(f"A subscription that is {status} cannot be changed in this way: {names}.")
    if params.get("payment_behavior") == "pending_if_incomplete":
        refuse_uncovered({"payment_behavior[pending_if_incomplete]": True}, ["payment_behavior[pending_if_incomplete]"])
    if isinstance(params.get("trial_end"), int) and status != "trialing":
        raise invalid("The sandbox covers a new trial_end only for a subscription in its trial.", param="trial_end")
    starts = [item["current_period_start"] for item in subscription["items"]["data"]]
    ends = [item["current_period_end"] for item in subscription["items"]["data"]]
    if "proration_date" in params and not max(starts) <= params["proration_date"] <= min(ends):
        raise invalid("proration_date must be within the current period.", param="proration_date")


def _with_plain(call: Call, subscription: Doc, params: Doc) -> Doc:
    changes: Doc = {name: unset(params[name]) for name in _PLAIN if name in params}
    if "metadata" in params:
        changes["metadata"] = merged(subscription["metadata"], params["metadata"])
    if "default_payment_method" in params:
        changes["default_payment_method"] = own_method(call, params["default_payment_method"], subscription["customer"])
    if "payment_settings" in params:
        changes["payment_settings"] = payment_settings(subscription["payment_settings"], params["payment_settings"])
    if "trial_settings" in params:
        changes["trial_settings"] = params["trial_settings"]
    if "pause_collection" in params:
        changes["pause_collection"] = _pause(call, subscription, params["pause_collection"])
    if "cancellation_details" in params:
        known = subscription["cancellation_details"] or {}
        changes["cancellation_details"] = details({**known, **params["cancellation_details"]}, known.get("reason"))
    if subscription["status"] in LIVE:
        check_terms({**subscription, **changes})
    return change(call, subscription, **changes)


def own_method(call: Call, identifier: str, customer: str) -> str | None:
    """The card, if it is the customer's."""
    if not identifier:
        return None
    found = call.get("payment_method", identifier, param="default_payment_method")
    if found["customer"] != customer:
        raise invalid(
            f"The customer does not have a payment method with the ID {identifier}. "
            "The payment method must be attached to the customer.", param="default_payment_method", code="resource_missing",
        )  # fmt: skip
    return identifier


def payment_settings(known: Doc, given: Doc) -> Doc:
    refuse_uncovered(given, ("payment_method_options", "payment_method_types"))
    return {**known, **given}


def check_terms(subscription: Doc) -> None:
    is_sent = subscription["collection_method"] == "send_invoice"
    if is_sent != (subscription["days_until_due"] is not None):
        message = "If invoices are sent, you must specify `days_until_due`, and else you cannot."
        raise invalid(message, param="days_until_due", code="parameter_missing" if is_sent else None)


def _pause(call: Call, subscription: Doc, given: Doc | str) -> Doc | None:
    if not isinstance(given, dict):
        return None
    at = given.get("resumes_at")
    if at is not None:
        if at <= call.now:
            raise invalid("resumes_at must be in the future.", param="pause_collection[resumes_at]")
        due.schedule(call, subscription["test_clock"], at, "resume_collection", subscription=subscription["id"], until=at)
    return {"behavior": given["behavior"], "resumes_at": at}


def _with_discounts(call: Call, subscription: Doc, wanted: list[Doc]) -> Doc:
    now = discounts.redeem(call, wanted, subscription)
    discounts.drop(call, [name for name in subscription["discounts"] if name not in now])
    return change(call, subscription, discounts=now)


def _items_changed(call: Call, subscription: Doc, params: Doc, proration: str) -> bool:
    """Whether the change is one of interval, so that every item starts over."""
    at = params.get("proration_date", call.now)
    prorates = proration != "none" and subscription["status"] != "trialing"
    starts_over = False
    for wanted in params.get("items", []):
        if wanted.get("id"):
            item = call.get("subscription_item", wanted["id"], param="items[0][id]")
            if item["subscription"] != subscription["id"]:
                raise invalid(f"No such subscription item: '{item['id']}' on this subscription.", param="items[0][id]")
            if wanted.get("deleted"):
                _remove(call, subscription, item, at, prorates=prorates and not wanted.get("clear_usage"))
            else:
                starts_over |= _reprice(call, subscription, item, wanted, at=at, prorates=prorates)
        else:
            _add(call, subscription, wanted, at=at, prorates=prorates)
    if not items(call, subscription):
        raise conflict("A subscription must have at least one item.", param="items")
    if "items" in params:
        schedule_renewal(call, change(call, call.get("subscription", subscription["id"])))
    return starts_over


def _add(call: Call, subscription: Doc, wanted: Doc, *, at: int, prorates: bool) -> None:
    trial_end, found = subscription["trial_end"], chosen_price(call, wanted)
    is_trial = subscription["status"] == "trialing"
    until = trial_end if is_trial else cycles.cycle(subscription["billing_cycle_anchor"], found["recurring"], call.now).end
    item = new_item(call, subscription, found, wanted, until=until)
    if prorates:
        prorations.debit(call, subscription, item, at)


def _reprice(call: Call, subscription: Doc, item: Doc, wanted: Doc, *, at: int, prorates: bool) -> bool:
    old = item["price"]
    found = chosen_price(call, wanted) if "price" in wanted or "price_data" in wanted else call.get("price", old["id"])
    is_other = found["id"] != old["id"]
    kept = item.get("quantity") if not is_other and not is_metered(item) else None
    counted = quantity_of(found, wanted.get("quantity", kept))
    changes: Doc = {"metadata": merged(item["metadata"], wanted["metadata"])} if "metadata" in wanted else {}
    if not is_other and counted.get("quantity") == item.get("quantity"):
        call.update(item, **changes)
        return False
    if found["currency"] != subscription["currency"]:
        raise invalid(f"The price {found['id']} is in another currency.", param="items[0][price]")
    if prorates and is_metered(item):
        prorations.bill_usage(call, subscription, item, at)
    elif prorates:
        item = prorations.credit(call, subscription, item, at)
    starts_over = not cycles.is_same(old["recurring"], found["recurring"])
    fresh = {**{name: value for name, value in item.items() if name != "quantity"}, **counted, **priced(found), **changes}
    item = call.save({**fresh, "_usage_from": call.now if is_other else item["_usage_from"]})
    if prorates and not starts_over:
        prorations.debit(call, subscription, item, at)
    return starts_over


def _remove(call: Call, subscription: Doc, item: Doc, at: int, *, prorates: bool) -> None:
    if prorates and is_metered(item):
        prorations.bill_usage(call, subscription, item, at)
    elif prorates:
        prorations.credit(call, subscription, item, at)
    call.state.delete("subscription_item", item["id"])


def _with_trial(call: Call, subscription: Doc, trial_end: int) -> Doc:
    if trial_end <= call.now:
        raise invalid("trial_end must be in the future, or `now`.", param="trial_end")
    for item in items(call, subscription):
        call.update(item, current_period_end=trial_end)
    subscription = change(call, subscription, trial_end=trial_end, billing_cycle_anchor=trial_end)
    schedule_renewal(call, subscription)
    subscription_flow.warn_of_trial_end(call, subscription)
    return call.get("subscription", subscription["id"])


def _with_end(call: Call, before: Doc, params: Doc) -> Doc:
    """To be ended with its period, or not any more."""
    subscription = call.get("subscription", before["id"])
    wanted = planned_end(call, subscription, params)
    if wanted is not None:
        known = subscription["cancellation_details"] or {}
        is_asked = wanted["cancel_at"] is not None
        why = details(known, "cancellation_requested" if is_asked else None)
        subscription = change(call, subscription, **wanted, canceled_at=call.now if is_asked else None, cancellation_details=why)
        schedule_renewal(call, subscription)
    return told(call, before)


def planned_end(call: Call, subscription: Doc, params: Doc) -> Doc | None:
    """When it is to end, as far as the parameters say something about that."""
    ends = [item["current_period_end"] for item in items(call, subscription)]
    at = params.get("cancel_at")
    if at not in (None, "", "min_period_end", "max_period_end") and at not in ends:
        raise invalid("The sandbox covers cancel_at only at the end of a current period.", param="cancel_at")
    if at == "" or params.get("cancel_at_period_end") is False:
        return {"cancel_at": None, "cancel_at_period_end": False} if subscription["cancel_at"] else None
    if at is None and not params.get("cancel_at_period_end"):
        return None
    chosen = min(ends) if at == "min_period_end" else at if isinstance(at, int) else max(ends)
    return {"cancel_at": chosen, "cancel_at_period_end": bool(params.get("cancel_at_period_end"))}
