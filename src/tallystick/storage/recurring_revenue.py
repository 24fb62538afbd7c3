"""The history of what subscriptions were agreed on, read from the trail: the tables hold only how each stands now."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from tallystick.domain.plan_documents import read_terms
from tallystick.domain.provider_subscriptions import Standing
from tallystick.domain.recurring_revenue import Stretch
from tallystick.domain.subscriptions import PlanTerms, Status
from tallystick.storage import schema
from tallystick.values.ids import CustomerId, SubscriptionId
from tallystick.values.time import instant

_OURS, _THEIRS = "subscription.", "provider_subscription."
_RECURS = frozenset({Status.ACTIVE, Status.PAST_DUE})
_RECURS_THERE = frozenset({Standing.ACTIVE, Standing.PAST_DUE})
# Done by the calendar, whenever that was carried out: from the beginning of the period that they name.
_BY_PERIOD = frozenset({"subscription.created", "subscription.renewed"})


def stretches(conn: Connection) -> list[Stretch]:
    """What every subscription was on, and since when, by customer, subscription and time; what stayed the same is told once."""
    last: dict[SubscriptionId, Stretch] = {}
    found = []
    for told in _told(conn):
        before = last.get(told.subscription_id)
        if before is None or before.terms != told.terms:
            stretch = told if before is None else replace(told, since=max(told.since, before.since))
            last[told.subscription_id] = stretch
            found.append(stretch)
    return sorted(found, key=lambda each: (each.customer_id, each.subscription_id))


def _told(conn: Connection) -> Iterator[Stretch]:
    table, followed = schema.audit.c, {row.id: row for row in conn.execute(select(schema.followed_subscriptions))}
    asked = select(table.at, table.action, table.subject, table.before, table.after).where(
        or_(table.action.startswith(_OURS, autoescape=True), table.action.startswith(_THEIRS, autoescape=True))
    )
    for row in conn.execute(asked.order_by(table.seq)):
        if row.action.startswith(_THEIRS):
            if row.after is not None and "standing" in row.after:
                yield _theirs(row, followed[row.subject])
        elif row.after is not None and "terms" in row.after:
            yield _ours(row)


def _ours(row: Any) -> Stretch:
    terms = read_terms(row.after["terms"]) if row.after["status"] in _RECURS else None
    return Stretch(CustomerId(row.after["customer"]), SubscriptionId(row.subject), _since(row), terms)


def _since(row: Any) -> datetime:
    """From when on it holds: what happens at the end of a period, however late that was carried out, from there."""
    at: datetime = row.at
    if row.action in _BY_PERIOD:
        return instant(row.after["period"].partition("/")[0], field="period")
    if row.before is not None and row.after["status"] == Status.CANCELED and row.before["cancel_at_period_end"]:
        return min(at, instant(row.before["period"].partition("/")[2], field="period"))
    return at


def _theirs(row: Any, followed: Row[Any]) -> Stretch:
    """The provider's word for how it stands, and with how many seats, since we heard it; the rest is what was asked for."""
    terms: PlanTerms | None = None
    if row.after["standing"] in _RECURS_THERE:
        known = read_terms(followed.terms)
        terms = replace(known, seats=row.after.get("seats", known.seats))
    return Stretch(CustomerId(followed.customer_id), SubscriptionId(row.subject), row.at, terms)
