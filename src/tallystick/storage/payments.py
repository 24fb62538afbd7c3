"""Payments: one that is live per invoice; who saves one must have read its newest version."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, or_, select, text

from tallystick.domain.pages import Page
from tallystick.domain.payments import Decline, Method, Payment, PaymentStatus
from tallystick.domain.safety import Hold, Reason
from tallystick.domain.withdrawals import Why, Withdrawal
from tallystick.storage import schema
from tallystick.storage.database import insert_new
from tallystick.values.ids import CustomerId, InvoiceId, PaymentId
from tallystick.values.money import Currency, Money, currency

# Asked for each step of each payment, and therefore kept: most of a small statement's time is its making.
_PAYMENTS = schema.payments.c
_GET = select(schema.payments).where(_PAYMENTS.id == bindparam("payment"))
_BY_REF = select(schema.payments).where(_PAYMENTS.ref == bindparam("ref"))
_OWNER = select(schema.invoices.c.customer_id).where(schema.invoices.c.id == bindparam("invoice")).scalar_subquery()
_OF_INVOICE = (
    select(schema.payments)
    .where(_PAYMENTS.customer_id == _OWNER, _PAYMENTS.invoice_id == bindparam("invoice"))
    .order_by((_PAYMENTS.status == PaymentStatus.CANCELED.value), _PAYMENTS.created_at.desc(), _PAYMENTS.id)
    .limit(1)
)
_MOVE = (
    schema.payments.update()
    .where(
        _PAYMENTS.customer_id == bindparam("customer"),
        _PAYMENTS.id == bindparam("payment"),
        _PAYMENTS.status == bindparam("was"),
        _PAYMENTS.version == bindparam("read"),
    )
    .returning(_PAYMENTS.id)
)


def add(conn: Connection, payment: Payment) -> bool:
    """False where this payment, or another one that is live for its invoice, is there already."""
    row = _row(payment) | {
        "customer_id": payment.customer_id,
        "id": payment.id,
        "invoice_id": payment.invoice_id,
        "method": payment.method.value,
        "amount": payment.amount.minor,
        "currency": payment.amount.currency.code,
        "created_at": payment.created_at,
        "page": None if payment.page is None else asdict(payment.page),
    }
    return bool(insert_new(conn, schema.payments, [row], [schema.payments.c.id]))


def get(conn: Connection, payment_id: PaymentId) -> Payment | None:
    row = conn.execute(_GET, {"payment": payment_id}).one_or_none()
    return None if row is None else _payment(row)


def of_invoice(conn: Connection, invoice_id: InvoiceId) -> Payment | None:
    """The live one; else the last that was canceled."""
    row = conn.execute(_OF_INVOICE, {"invoice": invoice_id}).one_or_none()
    return None if row is None else _payment(row)


def by_ref(conn: Connection, ref: str) -> Payment | None:
    """The payment that the provider's object of this id collects."""
    row = conn.execute(_BY_REF, {"ref": ref}).one_or_none()
    return None if row is None else _payment(row)


def move(conn: Connection, before: Payment, after: Payment) -> bool:
    """Saves `after`, whose version is the next one. False, and nothing written, where someone was faster."""
    assert after.version == before.version + 1, f"{before.id}: each save is the next version"
    mine = {"customer": before.customer_id, "payment": before.id, "was": before.status.value, "read": before.version}
    return conn.execute(_MOVE, mine | _row(after)).one_or_none() is not None


def lock(conn: Connection, payment: Payment) -> None:
    """Until the end of the transaction nobody moves this payment, or gives anything of it back. On SQLite a writer is alone."""
    table = schema.payments.c
    mine = (table.customer_id == payment.customer_id, table.id == payment.id)
    conn.execute(select(table.id).where(*mine).with_for_update())


def give_back(conn: Connection, payment: Payment, amount: Money) -> bool:
    """Sets so much of the payment aside for a refund. False, and nothing written, where that is more than is left of it."""
    return _refunded(conn, payment, amount.minor)


def take_back(conn: Connection, payment: Payment, amount: Money) -> bool:
    """The same undone: the refund of this amount has failed."""
    return _refunded(conn, payment, -amount.minor)


def _refunded(conn: Connection, payment: Payment, change: int) -> bool:
    table = schema.payments
    after = table.c.refunded + change
    moved = table.update().where(
        table.c.customer_id == payment.customer_id,
        table.c.id == payment.id,
        table.c.status == PaymentStatus.SUCCEEDED.value,
        after >= 0,
        after <= table.c.amount,
    )
    return conn.execute(moved.values(refunded=after).returning(table.c.id)).one_or_none() is not None


def to_compare(conn: Connection, *, since: datetime) -> list[Payment]:
    """Those that the provider has and that are not final, and those of which something was heard since."""
    table = schema.payments.c
    asked = select(schema.payments).where(table.ref.is_not(None), or_(text(schema.NOT_FINAL), table.updated_at >= since))
    return [_payment(row) for row in conn.execute(asked.order_by(table.updated_at, table.id))]


def stale(conn: Connection, *, before: datetime, limit: int) -> list[Payment]:
    """Those that are not final and of which nothing was heard since `before`, the longest silent first."""
    table = schema.payments.c
    asked = select(schema.payments).where(table.updated_at < before, text(schema.NOT_FINAL))
    return [_payment(row) for row in conn.execute(asked.order_by(table.updated_at, table.id).limit(limit))]


def owed(conn: Connection, customer_id: CustomerId) -> list[Payment]:
    """The customer's payments that are charged without them, were tried, and still wait for money; in the order of their ids."""
    table = schema.payments.c
    asked = select(schema.payments).where(
        table.customer_id == customer_id,
        table.status == PaymentStatus.OPEN.value,
        table.automatic == True,  # noqa: E712
        table.charges > 0,
    )
    return [_payment(row) for row in conn.execute(asked.order_by(table.id))]


def waiting(conn: Connection, customer_id: CustomerId) -> list[Payment]:
    """The customer's payments whose object stands at the provider and waits for money; in the order of their ids."""
    table = schema.payments.c
    asked = select(schema.payments).where(
        table.customer_id == customer_id, table.status == PaymentStatus.OPEN.value, table.ref.is_not(None)
    )
    return [_payment(row) for row in conn.execute(asked.order_by(table.id))]


def first_asked(conn: Connection, customer_id: CustomerId) -> datetime | None:
    """When the oldest question was asked that is still open, of the customer's payments that the provider has not told of."""
    table = schema.payments.c
    open_ones = (table.customer_id == customer_id, table.ref.is_(None), text(schema.NOT_FINAL))
    first: datetime | None = conn.execute(select(func.min(table.asked_at)).where(*open_ones)).scalar_one()
    return first


def charges_begun(conn: Connection, customer_id: CustomerId, *, since: datetime, until: datetime) -> int:
    """How many charges of the customer's payments were begun since then, and before `until`.

    Of each payment its row knows the last one, and the tries of dunning know those that have failed before it.
    """
    tries, table = schema.dunning_tries.c, schema.payments.c
    failed = select(tries.payment_id, tries.charge).where(
        tries.customer_id == customer_id, tries.begun_at >= since, tries.begun_at < until
    )
    last = select(table.id, table.charges).where(
        table.customer_id == customer_id, table.charged_at >= since, table.charged_at < until
    )
    return int(conn.execute(select(func.count()).select_from(failed.union(last).subquery())).scalar_one())


def last_paid(conn: Connection, customer_id: CustomerId, money: Currency, *, limit: int) -> list[Money]:
    """What the customer's last payments in that currency came to, of those that have succeeded; the newest first.

    What was given back of one was not paid; where that is all of it, it does not count.
    """
    table = schema.payments.c
    kept = table.amount - table.refunded
    asked = select(kept).where(
        table.customer_id == customer_id, table.status == PaymentStatus.SUCCEEDED.value, table.currency == money.code, kept > 0
    )
    return [
        Money(minor, money) for minor in conn.execute(asked.order_by(table.created_at.desc(), table.id).limit(limit)).scalars()
    ]


def _row(payment: Payment) -> dict[str, Any]:
    """What changes in the life of a payment."""
    return {
        "status": payment.status.value,
        "updated_at": payment.updated_at,
        "automatic": payment.automatic,
        "payment_method": payment.payment_method,
        "ref": payment.ref,
        "url": payment.url,
        "ready": payment.ready,
        "charges": payment.charges,
        "charging": payment.charging,
        "charged_at": payment.charged_at,
        "held": None if payment.held is None else payment.held.reason.value,
        "held_after": None if payment.held is None else payment.held.charges,
        "released_at": None if payment.held is None else payment.held.released_at,
        "round": payment.round,
        "look_first": payment.look_first,
        "asked_at": payment.asked_at,
        "decline": None if payment.decline is None else _decline(payment.decline),
        "withdrawal": None if payment.withdrawal is None else asdict(payment.withdrawal),
        "version": payment.version,
    }


def _decline(decline: Decline) -> dict[str, str]:
    known = {"payment_method": decline.payment_method, "attempt": decline.attempt}
    return {"code": decline.code, "message": decline.message, **{name: ref for name, ref in known.items() if ref is not None}}


def _withdrawal(told: dict[str, str]) -> Withdrawal:
    return Withdrawal(Why(told["why"]), told["reason"], told["actor"])


def _payment(row: Row[Any]) -> Payment:
    return Payment(
        id=PaymentId(row.id),
        invoice_id=InvoiceId(row.invoice_id),
        customer_id=CustomerId(row.customer_id),
        method=Method(row.method),
        amount=Money(row.amount, currency(row.currency)),
        status=PaymentStatus(row.status),
        created_at=row.created_at,
        updated_at=row.updated_at,
        automatic=row.automatic,
        payment_method=row.payment_method,
        ref=row.ref,
        url=row.url,
        ready=row.ready,
        charges=row.charges,
        charging=row.charging,
        charged_at=row.charged_at,
        held=None if row.held is None else Hold(Reason(row.held), row.held_after, row.released_at),
        round=row.round,
        look_first=row.look_first,
        asked_at=row.asked_at,
        decline=None if row.decline is None else Decline(**row.decline),
        page=None if row.page is None else Page(**row.page),
        withdrawal=None if row.withdrawal is None else _withdrawal(row.withdrawal),
        version=row.version,
    )
