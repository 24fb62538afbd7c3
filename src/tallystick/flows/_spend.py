"""What a customer's usage of this month comes to, rated live, and whether one use more is within the cap."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.alerts import Spending
from tallystick.domain.catalog import Charge
from tallystick.domain.entitlements import Decision
from tallystick.domain.spend_caps import Cost, Part, Spend, SpendCap
from tallystick.domain.subscriptions import charge_key
from tallystick.flows import _alerts, _billables
from tallystick.flows._quota import Standing
from tallystick.flows.context import Context
from tallystick.storage.subscriptions import Counting
from tallystick.values.decimals import EXACT
from tallystick.values.ids import CustomerId, MeterKey
from tallystick.values.money import Money
from tallystick.values.time import Period

_ZERO = Decimal(0)
SUBJECT = "calendar_month"


@dataclass(frozen=True, slots=True)
class Capped:
    """The decision under the cap, and what it comes to: None where there is no cap."""

    decision: Decision
    spending: Spending | None = None

    def watch(self, ctx: Context, conn: Connection) -> None:
        """Tells what is worth telling, once it was taken."""
        if self.spending is not None:
            _alerts.watch_spend(ctx, conn, self.spending)


def capped(
    conn: Connection, found: Standing, decision: Decision, requested: Decimal, *, given_back: Decimal = _ZERO, lock: bool = True
) -> Capped:
    """The quota's decision on so much more, where `given_back` is reserved no longer, under the customer's cap.

    With `lock` nobody else spends until the transaction has ended.
    """
    if not decision.allowed or requested <= given_back:
        return Capped(decision)
    cap = (storage.spend_caps.locked if lock else storage.spend_caps.get)(conn, found.customer_id)
    if cap is None:
        return Capped(decision)
    more = EXACT.subtract(requested, given_back)
    before, after = _costs(conn, cap, at=found.at, more=(found.meter.key, more))
    period = cap.period(found.at)
    spending = Spending(cap.customer_id, SUBJECT, cap.limit, before.billed, after.billed, period.start, period.end)
    return Capped(domain.spend_caps.decide(cap, decision, before=before, after=after), spending)


def standing(conn: Connection, cap: SpendCap, *, at: datetime) -> Spend:
    """How the cap stands."""
    before, _ = _costs(conn, cap, at=at)
    return Spend(cap, cap.period(at), before.billed)


def _costs(conn: Connection, cap: SpendCap, *, at: datetime, more: tuple[MeterKey, Decimal] | None = None) -> tuple[Cost, Cost]:
    """What the month comes to, with what is reserved; and what it would, with so much more of one meter."""
    meters, month = storage.catalog.meters(conn), cap.period(at)
    held = storage.spend_caps.held(conn, cap.customer_id, meters, now=at)
    now, then = list[Part](), list[Part]()
    for charge, period in _counting(conn, cap.customer_id, month):
        if charge.price.currency != cap.limit.currency:
            continue
        billable = _billables.measured(conn, cap.customer_id, charge, meters[charge.meter_key], period)
        part = Part(charge.price, billable.usage, tuple(billable.amounts))
        is_now = at in period
        if is_now and charge.meter_key in held:
            part = part.plus([held[charge.meter_key]])
        now.append(part)
        then.append(part.plus([more[1]]) if is_now and more is not None and more[0] == charge.meter_key else part)
    nothing = Money(0, cap.limit.currency)
    before = domain.spend_caps.cost(now, nothing)
    return before, before if more is None else domain.spend_caps.cost(then, nothing)


def _counting(conn: Connection, customer_id: CustomerId, month: Period) -> list[tuple[Charge, Period]]:
    """Which charges count usage of this month, each for which part of it: those of subscriptions, and elsewhere all others."""
    covered = storage.subscriptions.covered(conn, customer_id)
    found = _of_subscriptions(conn, customer_id, [span for spans in covered.values() for span in spans], month)
    for charge in storage.catalog.charges(conn).values():
        spans = [Period(s.counted_from, s.counted_until or month.end) for s in covered.get(charge.meter_key, []) if _is(s, month)]
        found += [(charge, period) for period in _billables.outside(month.start, month.end, spans)]
    return found


def _of_subscriptions(
    conn: Connection, customer_id: CustomerId, spans: Sequence[Counting], month: Period
) -> list[tuple[Charge, Period]]:
    if not spans:
        return []
    sold, free_until = _sold(conn, customer_id)
    found = []
    for span in spans:
        start = max(span.counted_from, month.start, free_until.get(span.charge_key, month.start))
        end = min(span.counted_until or month.end, month.end)
        if start >= end:
            continue
        charge = sold.get(span.charge_key) or _as_billed(conn, customer_id, span, Period(start, end))
        if charge is not None:
            found.append((charge, Period(start, end)))
    return found


def _sold(conn: Connection, customer_id: CustomerId) -> tuple[dict[str, Charge], dict[str, datetime]]:
    """The usage charges of the customer's subscriptions, and until when each costs nothing, for it was on trial."""
    sold, free_until = dict[str, Charge](), dict[str, datetime]()
    for kept in storage.subscriptions.of_customer(conn, customer_id):
        subscription = kept.subscription
        plans = storage.plans.versions(conn, subscription.terms.plans)
        for charge in domain.subscriptions.sold(subscription.terms, plans).charges:
            if charge.meter_key is not None:
                key = charge_key(subscription.id, charge.key)
                sold[key] = Charge(key, charge.meter_key, charge.price, charge.description)
                if subscription.trial_end is not None:
                    free_until[key] = subscription.trial_end
    return sold, free_until


def _as_billed(conn: Connection, customer_id: CustomerId, span: Counting, period: Period) -> Charge | None:
    """A charge that is not sold any more, at the price of its last line."""
    lines = storage.invoices.lines_between(conn, customer_id, span.charge_key, period)
    return Charge(span.charge_key, span.meter_key, lines[-1].price) if lines else None


def _is(span: Counting, month: Period) -> bool:
    return span.counted_from < month.end and (span.counted_until is None or span.counted_until > month.start)
