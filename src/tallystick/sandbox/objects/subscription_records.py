"""A subscription's own facts and those of its items: how they are read, changed and told of, whatever the change is."""

from typing import Any

from tallystick.sandbox.call import Call, public
from tallystick.sandbox.objects import due
from tallystick.sandbox.state import Doc

LIVE = frozenset({"trialing", "active", "past_due", "unpaid"})
ENDED = frozenset({"canceled", "incomplete_expired"})
# What is not listed cannot happen.
TRANSITIONS = {
    "incomplete": {"active", "incomplete_expired", "canceled"},
    "trialing": {"active", "paused", "canceled"},
    "active": {"past_due", "paused", "canceled"},
    "past_due": {"active", "unpaid", "paused", "canceled"},
    "unpaid": {"active", "paused", "canceled"},
    "paused": {"active", "canceled"},
    "canceled": set(),
    "incomplete_expired": set(),
}


def items(call: Call, subscription: Doc) -> list[Doc]:
    return call.list("subscription_item", ("subscription", subscription["id"]))


def price(call: Call, item: Doc) -> Doc:
    """The price of the item, with what the sandbox alone knows of it."""
    return call.get("price", item["price"]["id"], param="price")


def is_metered(item: Doc) -> bool:
    return bool(item["price"]["recurring"]["usage_type"] == "metered")


def change(call: Call, subscription: Doc, **changes: Any) -> Doc:
    """The subscription with the changes and with its items as they are; told of at once, unless a whole request is."""
    status = changes.get("status", subscription["status"])
    assert status == subscription["status"] or status in TRANSITIONS[subscription["status"]], f"no way to {status}"
    event = None if subscription["_is_quiet"] else "customer.subscription.updated"
    return call.update(subscription, event, **changes, items=_shown_items(call, subscription))


def quiet(call: Call, subscription: Doc) -> Doc:
    """From here to `told`, its changes are one."""
    return call.update(subscription, _is_quiet=True)


def told(call: Call, before: Doc, event: str = "customer.subscription.updated") -> Doc:
    """One event of all that has changed since `before`, if anything has."""
    after = {**call.get("subscription", before["id"]), "_is_quiet": False, "items": _shown_items(call, before)}
    if event != "customer.subscription.updated":
        return call.save(after, event)
    return call.update(before, event if public(after) != public(before) else None, **after)


def end(call: Call, subscription: Doc, *, status: str = "canceled", last: Doc | None = None, **changes: Any) -> Doc:
    """For good. What is still open is not collected by itself any more, except for the last invoice."""
    assert status in TRANSITIONS[subscription["status"]], f"no way to {status}"
    for invoice in call.list("invoice", ("_subscription", subscription["id"])):
        is_collected = invoice["status"] in ("draft", "open") and invoice["auto_advance"]
        if is_collected and (last is None or invoice["id"] != last["id"]):
            call.update(invoice, "invoice.updated", auto_advance=False, next_payment_attempt=None)
    if status == "incomplete_expired":
        return change(call, subscription, status=status, ended_at=call.now, **changes)
    return call.update(
        subscription, "customer.subscription.deleted", status=status, ended_at=call.now, pause_collection=None,
        canceled_at=subscription["canceled_at"] or call.now, items=_shown_items(call, subscription), _is_quiet=False, **changes,
    )  # fmt: skip


def end_all(call: Call, customer: Doc) -> None:
    """With the customer its subscriptions go."""
    for subscription in call.list("subscription", ("customer", customer["id"])):
        if subscription["status"] not in ENDED:
            end(call, subscription)


def schedule_renewal(call: Call, subscription: Doc) -> None:
    """When the next of its items, its trial or it itself comes to its end."""
    ends = [item["current_period_end"] for item in items(call, subscription)]
    at = min([*ends, *([subscription["cancel_at"]] if subscription["cancel_at"] else [])])
    call.update(subscription, _renews_at=at)
    due.schedule(call, subscription["test_clock"], at, "renew_subscription", subscription=subscription["id"], until=at)


def details(comment: Doc, reason: str | None) -> Doc:
    """Why it was canceled, by whom."""
    return {
        "comment": comment.get("comment") or None, "feedback": comment.get("feedback") or None, "feedback_option": None,
        "reason": reason,
    }  # fmt: skip


def _shown_items(call: Call, subscription: Doc) -> Doc:
    return {
        "object": "list", "data": [public(item) for item in items(call, subscription)], "has_more": False,
        "url": f"/v1/subscription_items?subscription={subscription['id']}",
    }  # fmt: skip
