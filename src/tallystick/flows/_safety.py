"""Before a charge is begun: one that is beyond a safety bound is held instead, and the operator told."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.alerts import AlertKind
from tallystick.domain.invoices import Invoice
from tallystick.domain.payments import Payment
from tallystick.domain.safety import PAID_MAX, Asked, Excess
from tallystick.flows import _alerts
from tallystick.flows.context import Context
from tallystick.values.decimals import plain

_DAY = timedelta(days=1)


def held(ctx: Context, conn: Connection, payment: Payment) -> bool:
    """Whether the next charge of this payment must not be begun: it is held from now on, which people are told of once.

    Call it in the transaction that would write down that it is begun. Of one customer, one charge at a time is looked at, so
    that two do not each take themselves for the last of the day. True also where somebody else has just moved the payment.
    """
    storage.payments.lock(conn, payment)  # the payment first, as where one is voided
    storage.customers.lock(conn, payment.customer_id)
    invoice = storage.invoices.get(conn, payment.invoice_id)
    assert invoice is not None, f"{payment.id}: its invoice is kept for ever"
    now = ctx.clock.now()
    released = None if payment.held is None else payment.held.reason
    found = domain.safety.excess(ctx.terms.safety, _asked(conn, payment, invoice, now=now), released=released)
    if found is None:
        return False
    after = domain.payments.held_back(payment, found.reason, now=now)
    if storage.payments.move(conn, payment, replace(after, version=payment.version + 1)):
        _tell(conn, payment, invoice, found, now=now)
        ctx.faults.mark("payment.held")
    return True


def _asked(conn: Connection, payment: Payment, invoice: Invoice, *, now: datetime) -> Asked:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    begun = storage.payments.charges_begun(conn, payment.customer_id, since=today, until=today + _DAY)
    paid = storage.payments.last_paid(conn, payment.customer_id, payment.amount.currency, limit=PAID_MAX)
    return Asked(payment.amount, len(invoice.lines), begun, paid)


def _tell(conn: Connection, payment: Payment, invoice: Invoice, found: Excess, *, now: datetime) -> None:
    """Once for each reason: of a payment that was released, the next one is news."""
    said = {"held_for": found.reason.value, "value": plain(found.found), "limit": plain(found.bound)}
    act = storage.audit.Act("safety", "payment.held", invoice.id, after={"payment": payment.id, **said})
    storage.audit.append(conn, act, at=now)
    money = {"amount_minor": str(payment.amount.minor), "currency": payment.amount.currency.code}
    facts = {"payment": payment.id, "invoice": invoice.number or invoice.id, **money, **said}
    alert = domain.alerts.of_provider(
        AlertKind.PAYMENT_HELD, f"{payment.id}:{found.reason}", facts,
        customer_id=payment.customer_id, since=payment.created_at, at=now,
    )  # fmt: skip
    _alerts.tell(conn, alert)
