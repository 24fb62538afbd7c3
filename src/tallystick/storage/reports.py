"""Read models for the doors: flat rows, as a page shows them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Row, Select, func, literal, or_, select, tuple_, type_coerce

from tallystick.domain.invoices import InvoiceStatus
from tallystick.domain.ledger import Account
from tallystick.domain.payments import PaymentStatus
from tallystick.domain.recurring_revenue import Seen, part
from tallystick.domain.subscriptions import Status
from tallystick.domain.usage import Meter
from tallystick.storage import schema
from tallystick.storage.types import Instant, Key
from tallystick.storage.usage_totals import by_day, total
from tallystick.values.ids import CustomerId, InvoiceId
from tallystick.values.money import Money, currency
from tallystick.values.time import Period

_DAY = timedelta(days=1)
_DAY_MICROS = 86_400_000_000
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """An invoice in a list, without its lines."""

    id: InvoiceId
    customer_id: CustomerId
    number: str | None
    status: InvoiceStatus
    total: Money
    period: Period
    created_at: datetime
    due_at: datetime | None
    closed_at: datetime | None


def invoice_rows(
    conn: Connection,
    *,
    customer_id: CustomerId | None = None,
    status: InvoiceStatus | None = None,
    after: InvoiceRow | None = None,
    limit: int,
) -> list[InvoiceRow]:
    """Newest first, beginning behind `after`."""
    table = schema.invoices.c
    asked = select(schema.invoices).order_by(table.created_at.desc(), table.id.desc()).limit(limit)
    if customer_id is not None:
        asked = asked.where(table.customer_id == customer_id)
    if status is not None:
        asked = asked.where(table.status == status.value)
    if after is not None:
        place = tuple_(literal(after.created_at, Instant()), literal(after.id, Key()))
        asked = asked.where(tuple_(table.created_at, table.id) < place)
    return [_invoice_row(row) for row in conn.execute(asked)]


def usage_by_day(conn: Connection, customer_id: CustomerId, meter: Meter, period: Period) -> list[tuple[date, Decimal]]:
    """The quantity of each UTC day of the period, cut to the period at both ends."""
    days = list(_days(period))
    whole = [day for day in days if day.length == _DAY]
    found = by_day(conn, customer_id, meter, Period(whole[0].start, whole[-1].end)) if whole else {}
    edges = {day.start: total(conn, customer_id, meter, day).quantity for day in days if day.length < _DAY}
    quantities = found | edges
    return [(day.start.date(), quantities[day.start]) for day in days]


def _days(period: Period) -> Iterator[Period]:
    at = period.start
    while at < period.end:
        end = min(at.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY, period.end)
        yield Period(at, end)
        at = end


def balances(conn: Connection, customer_id: CustomerId) -> dict[Account, list[Money]]:
    """What stands on each account of the customer, by currency; accounts at zero are left out."""
    table = schema.ledger_entries.c
    asked = (
        select(table.account, table.currency, func.sum(table.amount).label("amount"))
        .where(table.customer_id == customer_id)
        .group_by(table.account, table.currency)
        .order_by(table.account, table.currency)
    )
    found: dict[Account, list[Money]] = {}
    for row in conn.execute(asked):
        if row.amount:
            found.setdefault(Account(row.account), []).append(Money(int(row.amount), currency(row.currency)))
    return found


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer in a list: the newest of the subscriptions that have not ended, and what is owed, by currency."""

    id: CustomerId
    email: str | None
    name: str | None
    created_at: datetime
    plan_key: str | None
    status: Status | None
    owed: tuple[Money, ...]


def customer_rows(conn: Connection, *, search: str = "", after: str | None = None, limit: int) -> list[CustomerRow]:
    """By id, beginning behind `after`; of those that have the text in their id, e-mail address or name."""
    table = schema.customers.c
    asked = select(schema.customers).order_by(table.id).limit(limit)
    if search:
        wanted = search.lower()
        asked = asked.where(
            or_(*(func.lower(each).contains(wanted, autoescape=True) for each in (table.id, table.email, table.name)))
        )
    if after is not None:
        asked = asked.where(table.id > after)
    rows = conn.execute(asked).all()
    ids = [row.id for row in rows]
    plans, owed = _plans_of(conn, ids), _owed_by(conn, ids)
    return [
        CustomerRow(
            id=CustomerId(row.id),
            email=row.email,
            name=row.name,
            created_at=row.created_at,
            plan_key=plans[row.id][0] if row.id in plans else None,
            status=plans[row.id][1] if row.id in plans else None,
            owed=tuple(owed.get(row.id, ())),
        )
        for row in rows
    ]


def money_by_day(conn: Connection, account: Account, period: Period) -> list[tuple[date, Money]]:
    """What was booked on the account on each UTC day of the period, by day and currency; days without any are left out."""
    entries, booked = schema.ledger_entries.c, schema.ledger_transactions.c
    day = _day_of(booked.at)
    asked = (
        select(day.label("day"), entries.currency, func.sum(entries.amount).label("amount"))
        .join_from(
            schema.ledger_entries,
            schema.ledger_transactions,
            (entries.customer_id == booked.customer_id) & (entries.transaction_id == booked.id),
        )
        .where(entries.account == account.value, booked.at >= period.start, booked.at < period.end)
        .group_by(day, entries.currency)
        .order_by(day, entries.currency)
    )
    return [(_day(row.day), Money(int(row.amount), currency(row.currency))) for row in conn.execute(asked)]


def subscribers_at(conn: Connection, at: datetime) -> int:
    """How many subscriptions had begun by then, and not ended."""
    table = schema.subscriptions.c
    asked = select(func.count()).where(table.started_at <= at, or_(table.ended_at.is_(None), table.ended_at > at))
    return int(conn.execute(asked).scalar_one())


def subscriptions_ended(conn: Connection, period: Period) -> int:
    """How many subscriptions ended within the period."""
    table = schema.subscriptions.c
    asked = select(func.count()).where(table.ended_at >= period.start, table.ended_at < period.end)
    return int(conn.execute(asked).scalar_one())


def payment_counts(conn: Connection, period: Period) -> dict[PaymentStatus, int]:
    """How the payments that were begun within the period stand."""
    table = schema.payments.c
    asked = select(table.status, func.count().label("payments")).where(
        table.created_at >= period.start, table.created_at < period.end
    )
    return {PaymentStatus(row.status): row.payments for row in conn.execute(asked.group_by(table.status))}


def declines(conn: Connection, period: Period) -> dict[str, int]:
    """Why the payments begun within the period that were declined last were so, by the provider's code."""
    table = schema.payments.c
    asked = select(table.decline).where(
        table.created_at >= period.start, table.created_at < period.end, table.decline.is_not(None)
    )
    return dict(Counter(row.decline["code"] for row in conn.execute(asked) if row.decline))


@dataclass(frozen=True, slots=True)
class PaymentMonth:
    """The payments that were begun in a calendar month in UTC, by how they stand now.

    Of those that were tried, so many were declined at least once, and so many of these were paid in the end. `reasons` are
    the codes of their newest declines, the most frequent first.
    """

    month: date
    tried: int
    failed: int
    recovered: int
    reasons: tuple[tuple[str, int], ...]

    @property
    def failure_rate(self) -> Decimal | None:
        return part(self.failed, self.tried)


def payment_months(conn: Connection, months: Sequence[Seen]) -> list[PaymentMonth]:
    """Each of these months, in their order."""
    succeeded = dict.fromkeys((seen.month for seen in months), 0)
    failed: dict[date, list[tuple[PaymentStatus, str]]] = {seen.month: [] for seen in months}
    if not months:
        return []
    whole = months[0].before < schema.payments.c.created_at, schema.payments.c.created_at <= months[-1].after
    day = _day_of(schema.payments.c.created_at)
    paid = select(day.label("day"), func.count().label("payments")).where(
        *whole, schema.payments.c.status == PaymentStatus.SUCCEEDED.value
    )
    for row in conn.execute(paid.group_by(day)):
        succeeded[_day(row.day).replace(day=1)] += row.payments
    for row in conn.execute(_declined().where(*whole)):
        code = row.code or row.decline["code"]
        failed[row.created_at.date().replace(day=1)].append((PaymentStatus(row.status), code))
    return [_payment_month(seen.month, succeeded[seen.month], failed[seen.month]) for seen in months]


def _payment_month(month: date, succeeded: int, failed: Sequence[tuple[PaymentStatus, str]]) -> PaymentMonth:
    recovered = sum(status is PaymentStatus.SUCCEEDED for status, _ in failed)
    reasons = Counter(code for _, code in failed)
    ordered = sorted(reasons.items(), key=lambda found: (-found[1], found[0]))
    return PaymentMonth(month, succeeded + len(failed) - recovered, len(failed), recovered, tuple(ordered))


def _declined() -> Select[Any]:
    """The payments of which at least one attempt was declined, with the code of the newest one in the words of dunning."""
    payments, tries, dunning = schema.payments, schema.dunning_tries.c, schema.dunning
    tried = select(tries.charge).where(
        tries.customer_id == payments.c.customer_id, tries.payment_id == payments.c.id, tries.failed_at.is_not(None)
    )
    of = (dunning.c.customer_id == payments.c.customer_id) & (dunning.c.invoice_id == payments.c.invoice_id)
    return (
        select(payments.c.created_at, payments.c.status, payments.c.decline, dunning.c.code)
        .select_from(payments.outerjoin(dunning, of))
        .where(or_(payments.c.decline.is_not(None), tried.exists()))
    )


@dataclass(frozen=True, slots=True)
class TopCustomer:
    """What was earned with one customer."""

    id: CustomerId
    email: str | None
    name: str | None
    revenue: Money


def top_customers(conn: Connection, period: Period, *, limit: int) -> list[TopCustomer]:
    """With whom most was earned in the period, less what was given back; so many of each currency, the most first."""
    entries, booked, customers = schema.ledger_entries.c, schema.ledger_transactions.c, schema.customers.c
    earned = -func.sum(entries.amount)
    place = func.row_number().over(partition_by=entries.currency, order_by=(earned.desc(), entries.customer_id))
    by_customer = (
        select(entries.customer_id, entries.currency, earned.label("earned"), place.label("place"))
        .join_from(
            schema.ledger_entries,
            schema.ledger_transactions,
            (entries.customer_id == booked.customer_id) & (entries.transaction_id == booked.id),
        )
        .where(entries.account.in_([Account.REVENUE.value, Account.REFUNDS.value]))
        .where(booked.at >= period.start, booked.at < period.end)
        .group_by(entries.customer_id, entries.currency)
        .subquery()
    )
    asked = (
        select(by_customer, customers.email, customers.name)
        .join_from(by_customer, schema.customers, by_customer.c.customer_id == customers.id)
        .where(by_customer.c.place <= limit, by_customer.c.earned > 0)
        .order_by(by_customer.c.currency, by_customer.c.place)
    )
    return [
        TopCustomer(CustomerId(row.customer_id), row.email, row.name, Money(int(row.earned), currency(row.currency)))
        for row in conn.execute(asked)
    ]


def thresholds(conn: Connection, customer_id: CustomerId) -> dict[str, tuple[int, ...]]:
    """At which whole percents of a meter's quota the customer is told, where they have said so."""
    table = schema.alert_thresholds.c
    asked = select(table.meter_key, table.percents).where(table.customer_id == customer_id)
    return {row.meter_key: tuple(row.percents) for row in conn.execute(asked)}


def is_preview_of(conn: Connection, customer_id: CustomerId, preview_id: str) -> bool:
    table = schema.subscription_previews.c
    asked = select(table.id).where(table.customer_id == customer_id, table.id == preview_id)
    return conn.execute(asked).one_or_none() is not None


def _day_of(at: ColumnElement[Any]) -> ColumnElement[int]:
    """The whole days since 1970: both engines divide whole numbers to a whole one, as nothing was booked before."""
    return type_coerce(at, BigInteger).op("/", return_type=BigInteger())(literal(_DAY_MICROS, BigInteger))


def _day(days: int) -> date:
    return _EPOCH + timedelta(days=int(days))


def _plans_of(conn: Connection, ids: Sequence[str]) -> dict[str, tuple[str, Status]]:
    table = schema.subscriptions.c
    asked = select(table.customer_id, table.plan_key, table.status).where(
        table.customer_id.in_(ids), table.status != Status.CANCELED.value
    )
    return {row.customer_id: (row.plan_key, Status(row.status)) for row in conn.execute(asked.order_by(table.started_at))}


def _owed_by(conn: Connection, ids: Sequence[str]) -> dict[str, list[Money]]:
    table = schema.ledger_entries.c
    asked = (
        select(table.customer_id, table.currency, func.sum(table.amount).label("amount"))
        .where(table.customer_id.in_(ids), table.account == Account.RECEIVABLE.value)
        .group_by(table.customer_id, table.currency)
        .order_by(table.customer_id, table.currency)
    )
    found: dict[str, list[Money]] = {}
    for row in conn.execute(asked):
        if row.amount:
            found.setdefault(row.customer_id, []).append(Money(int(row.amount), currency(row.currency)))
    return found


def _invoice_row(row: Row[Any]) -> InvoiceRow:
    return InvoiceRow(
        id=InvoiceId(row.id),
        customer_id=CustomerId(row.customer_id),
        number=row.number,
        status=InvoiceStatus(row.status),
        total=Money(row.total, currency(row.currency)),
        period=Period(row.period_start, row.period_end),
        created_at=row.created_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
    )
