"""What a customer can be billed for now: loaded the same way for the invoice and for its preview."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.catalog import Charge, DynamicPrice
from tallystick.domain.lines import Billable, Line
from tallystick.domain.provider_subscriptions import FollowedSubscription
from tallystick.domain.usage import Meter
from tallystick.storage.subscriptions import Counting
from tallystick.values.ids import CustomerId, MeterKey
from tallystick.values.money import Currency, Money
from tallystick.values.time import Period

_HOUR = timedelta(hours=1)


def billables(
    conn: Connection, customer_id: CustomerId, *, until: datetime, only: Iterable[str] | None = None
) -> dict[Currency, list[Billable]]:
    """By currency: each charge's usage since it was last billed, and the late usage of periods billed before.

    Unless `only` some are wanted, also what came late to subscriptions that have ended: no invoice of theirs comes any more.
    """
    meters, charges = storage.catalog.meters(conn), storage.catalog.charges(conn)
    wanted = charges.keys() if only is None else charges.keys() & set(only)
    found: dict[Currency, list[Billable]] = defaultdict(list)
    changed = storage.usage.late_charges(conn, customer_id)
    covered = _covered(conn, customer_id)
    for key in sorted(wanted):
        charge = charges[key]
        meter = meters[charge.meter_key]
        counted = _counted(covered.get(meter.key, []), until=until)
        listed = late(conn, customer_id, charge.key, meters) if key in changed else []
        if key in changed:
            listed = _unlisted(conn, customer_id, charge, meter, covered.get(meter.key, [])) + listed
        for billable in listed + _current(conn, customer_id, charge, meter, until=until, covered=counted):
            found[billable.charge.price.currency].append(billable)
    for key in sorted(changed & _of_ended(covered)) if only is None else ():
        for billable in late(conn, customer_id, key, meters):
            found[billable.charge.price.currency].append(billable)
    return dict(found)


def _covered(conn: Connection, customer_id: CustomerId) -> dict[MeterKey, list[Counting]]:
    """By meter, when a subscription of ours counts its usage, or one that the provider bills does; in the order of time."""
    covered = storage.subscriptions.covered(conn, customer_id)
    for counting in at_provider(conn, customer_id):
        covered[counting.meter_key] = sorted([*covered.get(counting.meter_key, []), counting], key=lambda span: span.counted_from)
    return covered


def at_provider(conn: Connection, customer_id: CustomerId) -> list[Counting]:
    """What the provider bills of the customer's usage by itself."""
    found = []
    for followed in storage.provider_subscriptions.of_customer(conn, customer_id):
        terms = followed.terms
        plan = storage.plans.versions(conn, terms.plans)[terms.plan_key, terms.plan_version]
        for charge in plan.charges if domain.provider_subscriptions.counts(followed) else ():
            if charge.meter_key is not None:
                key = domain.subscriptions.charge_key(followed.id, charge.key)
                found.append(Counting(followed.id, key, charge.meter_key, followed.created_at, followed.ended_at))
    return found


def unbilled(conn: Connection, followed: FollowedSubscription) -> list[tuple[MeterKey, Decimal]]:
    """By meter, what was used while it waited for a first payment that never came, where no charge of ours bills that either."""
    ended_at, terms = followed.ended_at, followed.terms
    if ended_at is None or ended_at <= followed.created_at:
        return []
    waited = Period(followed.created_at, ended_at)
    meters, charges = storage.catalog.meters(conn), storage.catalog.charges(conn).values()
    plan = storage.plans.versions(conn, terms.plans)[terms.plan_key, terms.plan_version]
    found = []
    for meter in [meters[charge.meter_key] for charge in plan.charges if charge.meter_key is not None]:
        usage = storage.usage.total(conn, followed.customer_id, meter, waited)
        ours = [charge.key for charge in charges if charge.meter_key == meter.key]
        if usage.count and not any(_bills(conn, followed.customer_id, key, waited) for key in ours):
            found.append((meter.key, usage.quantity))
    return found


def _bills(conn: Connection, customer_id: CustomerId, charge_key: str, period: Period) -> bool:
    """Whether a charge outside of subscriptions has billed the usage of the period, or the next invoice will."""
    position = storage.usage.position(conn, customer_id, charge_key)
    is_to_come = position is None or position <= period.start
    return is_to_come or bool(storage.invoices.lines_between(conn, customer_id, charge_key, period))


def _counted(spans: Sequence[Counting], *, until: datetime) -> list[Period]:
    """When subscriptions count a meter, before `until`."""
    ends = [(span.counted_from, span.counted_until or until) for span in spans]
    return [Period(start, end) for start, end in ends if start < end]


def _of_ended(covered: Mapping[MeterKey, Sequence[Counting]]) -> set[str]:
    """The charges of subscriptions that count nothing any more."""
    spans = [span for found in covered.values() for span in found]
    return {span.charge_key for span in spans} - {span.charge_key for span in spans if span.counted_until is None}


def _current(
    conn: Connection, customer_id: CustomerId, charge: Charge, meter: Meter, *, until: datetime, covered: Sequence[Period]
) -> list[Billable]:
    start = storage.usage.position(conn, customer_id, charge.key) or storage.usage.first_at(conn, customer_id, meter.key)
    if start is None:
        return []
    found = [measured(conn, customer_id, charge, meter, period) for period in outside(start, until, covered)]
    return [billable for billable in found if billable.usage.count]


def outside(start: datetime, until: datetime, covered: Sequence[Period]) -> list[Period]:
    """What of [start, until) no subscription counts: usage is billed by one of them, or by charges outside of them."""
    parts = []
    for span in covered:
        if span.start >= until:
            break
        if start < span.start:
            parts.append(Period(start, span.start))
        start = max(start, span.end)
    return [*parts, Period(start, until)] if start < until else parts


def _unlisted(
    conn: Connection, customer_id: CustomerId, charge: Charge, meter: Meter, covered: Sequence[Counting]
) -> list[Billable]:
    """What was told only after its time was billed, where no line covers that: a time gets its own.

    It lies before the first period that was billed, or between two subscriptions, where nothing had been used.
    """
    first_at = storage.usage.first_at(conn, customer_id, meter.key)
    position = storage.usage.position(conn, customer_id, charge.key)
    if first_at is None or position is None or first_at >= position:
        return []
    counted, late = _counted(covered, until=position), storage.usage.late_hours(conn, customer_id, charge.key)
    hours = [Period(max(hour, first_at), min(hour + _HOUR, position)) for hour in late if first_at < hour + _HOUR]
    if not any(_gaps(conn, customer_id, charge.key, hour, counted) for hour in hours):
        return []
    gaps = _gaps(conn, customer_id, charge.key, Period(first_at, position), counted)
    touched = [gap for gap in gaps if any(hour.start < gap.end and gap.start < hour.end for hour in hours)]
    found = [measured(conn, customer_id, charge, meter, gap) for gap in touched]
    return [billable for billable in found if billable.usage.count]


def _gaps(conn: Connection, customer_id: CustomerId, charge_key: str, within: Period, counted: Sequence[Period]) -> list[Period]:
    """What of it neither a line of the charge nor a subscription covers."""
    listed = [line.period for line in storage.invoices.lines_between(conn, customer_id, charge_key, within)]
    return outside(within.start, within.end, sorted([*listed, *counted], key=lambda period: period.start))


def late(conn: Connection, customer_id: CustomerId, charge_key: str, meters: Mapping[MeterKey, Meter]) -> list[Billable]:
    """Closed periods whose usage has changed since: to be billed by difference, at the price they were billed with."""
    parts: dict[Period, list[Line]] = defaultdict(list)
    for hour in storage.usage.late_hours(conn, customer_id, charge_key):
        for line in storage.invoices.lines_between(conn, customer_id, charge_key, Period(hour, hour + _HOUR)):
            if line not in parts[line.period]:
                parts[line.period].append(line)
    found = []
    for period, lines in sorted(parts.items(), key=lambda item: item[0].start):
        first = min(lines, key=lambda line: line.part)
        assert first.meter_key is not None, "positions are of what is metered"
        as_sold = Charge(key=charge_key, meter_key=first.meter_key, price=first.price, display_name=first.description)
        now = replace(measured(conn, customer_id, as_sold, meters[first.meter_key], period), share=first.share)
        billable = domain.lines.since(now, lines)
        if billable is not None:
            falls = domain.lines.falls(billable)
            found.append(replace(billable, asked=_asked(conn, customer_id, lines)) if falls else billable)
    return found


def _asked(conn: Connection, customer_id: CustomerId, lines: Sequence[Line]) -> Money:
    """What was asked for by these lines of one charge and period, after all that made it less."""
    total = 0
    for invoice in storage.invoices.of_lines(conn, customer_id, [line.id for line in lines]):
        notes = storage.credit_notes.of_invoice(conn, customer_id, invoice.id)
        asked = domain.credit_notes.asked(invoice, notes)
        total += sum(asked[line.id].minor for line in lines if line.id in asked)
    return Money(total, lines[0].amount.currency)


def clear_late(conn: Connection, customer_id: CustomerId, *, only: Iterable[str] | None = None) -> None:
    """Forgets which closed periods had changed: to be called once their differences are on an invoice."""
    changed = storage.usage.late_charges(conn, customer_id)
    if not changed:
        return
    if only is None:
        only = {*storage.catalog.charges(conn), *_of_ended(storage.subscriptions.covered(conn, customer_id))}
    for key in sorted(changed.intersection(only)):
        storage.usage.clear_late(conn, customer_id, key, storage.usage.late_hours(conn, customer_id, key))


def measured(conn: Connection, customer_id: CustomerId, charge: Charge, meter: Meter, period: Period) -> Billable:
    """All that the charge's meter has measured in the period, as its price needs it."""
    usage = storage.usage.total(conn, customer_id, meter, period)
    if isinstance(charge.price, DynamicPrice):
        amounts = domain.usage.carried_amounts(usage)
    elif domain.rating.needs_events(charge.price):
        amounts = storage.usage.amounts(conn, customer_id, meter, period)
    else:
        amounts = ()
    return Billable(charge, period, usage, amounts)


def advance(conn: Connection, customer_id: CustomerId, billed: Iterable[Billable]) -> None:
    """Notes how far each charge is billed, once `billed` stands on an invoice."""
    for (charge_key, meter_key), end in _billed_through(billed).items():
        storage.usage.advance_position(conn, customer_id, charge_key, meter_key, billed_through=end)


def _billed_through(found: Iterable[Billable]) -> dict[tuple[str, MeterKey], datetime]:
    """How far each charge is billed once `found` stands on an invoice."""
    ends: dict[tuple[str, MeterKey], datetime] = {}
    for billable in found:
        key = (billable.charge.key, billable.charge.meter_key)
        ends[key] = max(ends.get(key, billable.period.end), billable.period.end)
    return ends
