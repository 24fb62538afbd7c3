"""What follows when a bank disputes a payment: how the dispute stands is asked for, and the books say where the money is."""

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.alerts import AlertKind
from tallystick.domain.disputes import OVER, Dispute, ProviderDispute
from tallystick.domain.payments import DisputeChanged, PaymentStatus
from tallystick.flows import _alerts, _news, _outgoing
from tallystick.flows._news import News, Result
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refused, Unknown
from tallystick.storage.provider_events import Settlement
from tallystick.values.time import rfc3339


def follow(ctx: Context, news: News, fact: DisputeChanged) -> Result:
    """A dispute has no transitions to keep, so what we know is read before the question: who was overtaken asks again."""
    with ctx.database.reading() as conn:
        before = storage.disputes.by_ref(conn, fact.ref)
    told = ctx.provider.fetch_dispute(fact.ref)
    if isinstance(told, Refused | Limited | Unknown):
        return _news.no_answer(ctx, news, told)
    with ctx.database.transaction("settle dispute") as conn:
        payment = None if told.payment_ref is None else storage.payments.by_ref(conn, told.payment_ref)
        if payment is None:
            return _news.noted(ctx, conn, news, Settlement.IGNORED, f"{told.ref} disputes nothing that was paid to us")
        storage.payments.lock(conn, payment)
        if payment.status is not PaymentStatus.SUCCEEDED:
            return news.wait  # the news of the payment itself is still on its way
        now = ctx.clock.now()
        after = (
            domain.disputes.opened(payment, told, now=now) if before is None else domain.disputes.learned(before, told, now=now)
        )
        if after != before and not _save(ctx, conn, before, after, news):
            ctx.faults.mark("dispute.lost_race")
            return news.wait
        return _news.noted(ctx, conn, news, Settlement.SETTLED)


def _save(ctx: Context, conn: Connection, before: Dispute | None, after: Dispute, news: News) -> bool:
    saved = storage.disputes.add(conn, after) if before is None else storage.disputes.move(conn, before, after)
    if not saved:
        return False
    now = ctx.clock.now()
    storage.customers.lock(conn, after.customer_id)
    booking = domain.disputes.book(before, after, at=now)
    if booking is not None:
        booked = storage.ledger.book(conn, booking)
        assert booked, f"{after.id}: each of its versions is booked once"
    was = None if before is None else {"status": before.status, "withdrawn": before.withdrawn}
    said = {"via": news.via, "ref": after.ref, "status": after.status, "withdrawn": after.withdrawn, **_sum(after)}
    storage.audit.append(conn, storage.audit.Act("provider", "dispute.moved", after.id, before=was, after=said), at=now)
    ctx.faults.mark(f"dispute.{after.status}.{news.via}")
    _tell(ctx, conn, before, after)
    return True


def _tell(ctx: Context, conn: Connection, before: Dispute | None, after: Dispute) -> None:
    number = storage.invoices.get(conn, after.invoice_id)
    assert number is not None, f"{after.id}: is of an invoice of ours"
    facts = {
        "ref": after.ref,
        "reason": after.reason,
        "status": after.status.value,
        "invoice": number.number or after.invoice_id,
        "amount_minor": str(after.amount.minor),
        "currency": after.amount.currency.code,
        "due_by": None if after.due_by is None else rfc3339(after.due_by),
    }
    over, was_over = after.status in OVER, before is not None and before.status in OVER
    if (before is None and not over) or (over and not was_over):
        kind = AlertKind.DISPUTE_CLOSED if over else AlertKind.DISPUTE_OPENED
        since = after.created_at if not over else after.updated_at
        _alerts.tell(
            conn,
            domain.alerts.of_provider(kind, after.id, facts, customer_id=after.customer_id, since=since, at=ctx.clock.now()),
        )
    body = {"customer": after.customer_id, "invoice": after.invoice_id, "status": after.status.value, **_sum(after)}
    news_type = "dispute.opened" if before is None else "dispute.closed" if over else "dispute.updated"
    _outgoing.publish(ctx, conn, news_type, after.id, body, customer_id=after.customer_id)


def _sum(dispute: Dispute | ProviderDispute) -> dict[str, object]:
    return {"amount": dispute.amount.minor, "currency": dispute.amount.currency.code}
