"""The vital signs of the business: observed where they happen, in that transaction, and measured when they are asked for."""

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.operations import Measure, Tally, Vital
from tallystick.domain.payments import Payment, PaymentStatus
from tallystick.flows.context import Context


def observe_payment(ctx: Context, conn: Connection, before: Payment, after: Payment) -> None:
    """Whether an attempt to collect has just come to something, or to nothing; each counts once, however often it is told."""
    now = ctx.clock.now()
    if after.status is PaymentStatus.SUCCEEDED:
        if before.status is not PaymentStatus.SUCCEEDED:
            storage.operations.observe(conn, Vital.PAYMENTS, f"{after.id}:paid", good=True, at=now)
        return
    if after.decline is not None and (after.decline != before.decline or (before.charging and not after.charging)):
        storage.operations.observe(conn, Vital.PAYMENTS, f"{after.id}:{after.charges}", good=False, at=now)


def measured(ctx: Context, conn: Connection) -> list[Measure]:
    """Every vital sign as it is now."""
    rules = ctx.outgoing.vitals
    return [domain.operations.measure(rules, vital, _tally(ctx, conn, vital)) for vital in Vital]


def _tally(ctx: Context, conn: Connection, vital: Vital) -> Tally:
    now = ctx.clock.now()
    if vital is Vital.UNPAID_INVOICES:
        return storage.operations.unpaid(conn, now=now)
    return storage.operations.tally(conn, vital, since=now - ctx.outgoing.vitals.windows[vital])
