"""Understand one delivery, ask the provider how its object stands now, and let our books follow."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.payments import (
    CheckoutCompleted,
    CheckoutExpired,
    Ignored,
    Payment,
    PaymentChanged,
    PaymentRefunded,
    RefundChanged,
    Step,
)
from tallystick.domain.refunds import ProviderRefund
from tallystick.flows import _refunds, _settlement
from tallystick.flows._refunds import Heard
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refunded, RefundOutcome, RefundsOutcome, Refused, Unknown
from tallystick.storage.jobs import JobName
from tallystick.storage.provider_events import Settlement
from tallystick.values.errors import IllegalTransition, NotFound

_PATIENCE = 30  # tries, of a day: so long may it take until we know that we have deleted an object ourselves


def settle(ctx: Context, delivery_id: str, *, attempt: int = 0) -> timedelta | None:
    """None when the delivery is settled, ignored or parked; else how long to wait before the next try.

    The delivery is a hint. What counts is how the object stands when we ask, so order and repetition do not matter.
    `attempt` counts earlier tries; each lengthens the wait for the next.
    """
    with ctx.database.reading() as conn:
        stored = storage.provider_events.get(conn, delivery_id)
    if stored is None:
        raise NotFound(f"{delivery_id}: there is no such delivery")
    fact = ctx.provider.interpret(stored.delivery)
    wait = domain.retries.wait(delivery_id, attempt)
    match fact:
        case PaymentChanged():
            return _payment_changed(ctx, delivery_id, fact, wait=wait, patient=attempt < _PATIENCE)
        case RefundChanged() | PaymentRefunded():
            return _refund_changed(ctx, delivery_id, fact, wait=wait)
        case CheckoutCompleted() | CheckoutExpired():
            _ask_about(ctx, delivery_id, fact)
            return None
        case Ignored(reason):
            _mark(ctx, delivery_id, Settlement.IGNORED, reason)
            return None
        case _:
            assert_never(fact)


def _payment_changed(ctx: Context, delivery_id: str, fact: PaymentChanged, *, wait: timedelta, patient: bool) -> timedelta | None:
    with ctx.database.reading() as conn:
        payment = _payment(conn, fact)
    if payment is None:
        _mark(ctx, delivery_id, Settlement.IGNORED, f"{fact.ref} collects no invoice of ours")
        return None
    if payment.ref not in {None, fact.ref}:
        _mark(ctx, delivery_id, Settlement.PARKED, f"{payment.id} is collected by {payment.ref}, not by {fact.ref}")
        return None
    if payment.ref is None:
        ctx.faults.mark("settle.before_the_answer")
    return _follow(ctx, delivery_id, payment, fact.ref, wait=wait, patient=patient)


def _payment(conn: Connection, fact: PaymentChanged) -> Payment | None:
    payment = storage.payments.by_ref(conn, fact.ref)
    if payment is None and fact.invoice_id is not None:
        payment = storage.payments.of_invoice(conn, fact.invoice_id)
    return payment


def _ask_about(ctx: Context, delivery_id: str, fact: CheckoutCompleted | CheckoutExpired) -> None:
    """Writes down to ask how the page stands; the news itself is only a hint."""
    now = ctx.clock.now()
    with ctx.database.transaction("news of checkout") as conn:
        checkout = storage.checkouts.get(conn, fact.reference)
        if checkout is None:
            reason = f"{fact.ref} is for {fact.reference}, which is no checkout of ours"
            storage.provider_events.mark(conn, delivery_id, Settlement.IGNORED, reason, at=now)
            return
        if checkout.ref not in {None, fact.ref}:
            reason = f"{checkout.id} has the page {checkout.ref}, not {fact.ref}"
            storage.provider_events.mark(conn, delivery_id, Settlement.PARKED, reason, at=now)
            return
        if checkout.ref is None:  # the answer that told of the page was lost
            ctx.faults.mark("settle.checkout_before_the_answer")
            storage.checkouts.move(conn, checkout, replace(checkout, ref=fact.ref))
        storage.jobs.enqueue(conn, JobName.COMPLETE_CHECKOUT, checkout.id, run_at=now)
        storage.provider_events.mark(conn, delivery_id, Settlement.SETTLED, None, at=now)


def _refund_changed(
    ctx: Context, delivery_id: str, fact: RefundChanged | PaymentRefunded, *, wait: timedelta
) -> timedelta | None:
    match _stands_now(ctx, fact):
        case Limited(after=again_in) | Unknown(after=again_in):
            return max(wait, again_in)
        case Refused(unheard=True):
            return wait
        case Refused(code, message):
            _mark(ctx, delivery_id, Settlement.PARKED, f"{code}: {message}")
            return None
        case Refunded(told):
            refunds: Sequence[ProviderRefund] = [told]
        case refunds:
            pass
    try:
        heard = [_refunds.heard(ctx, told) for told in refunds]
    except IllegalTransition as mismatch:
        _mark(ctx, delivery_id, Settlement.PARKED, f"{mismatch.code}: {mismatch.message}")
        return None
    if Heard.LATER in heard:
        return wait
    if Heard.OURS in heard:
        _mark(ctx, delivery_id, Settlement.SETTLED, None)
        return None
    _mark(ctx, delivery_id, Settlement.IGNORED, "gives back nothing that was paid to us")
    return None


def _stands_now(ctx: Context, fact: RefundChanged | PaymentRefunded) -> RefundOutcome | RefundsOutcome:
    if isinstance(fact, RefundChanged):
        return ctx.provider.fetch_refund(fact.ref)
    return ctx.provider.refunds_of(fact.intent_ref)


def _follow(ctx: Context, delivery_id: str, payment: Payment, ref: str, *, wait: timedelta, patient: bool) -> timedelta | None:
    outcome = ctx.provider.fetch(ref, payment.method)
    match outcome:
        case Limited(after=again_in) | Unknown(after=again_in):
            return max(wait, again_in)
        case Refused(unheard=True):
            return wait
        case Refused():
            return _refused(ctx, delivery_id, payment, outcome, again_in=wait if patient else None)
        case _:
            told = outcome.payment
    if told is None:
        return wait
    now = ctx.clock.now()
    try:
        after = domain.payments.learned(payment, told, now=now)
    except IllegalTransition as mismatch:  # it will say the same for ever: people have to look
        _mark(ctx, delivery_id, Settlement.PARKED, f"{mismatch.code}: {mismatch.message}")
        return None
    if after.charging and after.status in domain.payments.FINAL:
        after = domain.payments.answered(after, Step.CHARGE, now=now)
    with ctx.database.transaction("settle") as conn:
        if _settlement.save(ctx, conn, payment, after, via="webhook") is None:
            return timedelta(0)
        storage.provider_events.mark(conn, delivery_id, Settlement.SETTLED, None, at=now)
    return None


def _refused(
    ctx: Context, delivery_id: str, payment: Payment, refusal: Refused, *, again_in: timedelta | None
) -> timedelta | None:
    """The object cannot be asked about: it was deleted, as a draft is with its voided invoice, or people have to look."""
    if payment.status in domain.payments.FINAL:
        _mark(ctx, delivery_id, Settlement.SETTLED, f"{payment.id} is {payment.status} already")
        return None
    if refusal.code == "resource_missing" and again_in is not None:  # perhaps by a void of ours whose answer was lost
        ctx.faults.mark("settle.missing")
        return again_in
    _mark(ctx, delivery_id, Settlement.PARKED, f"{refusal.code}: {refusal.message}")
    return None


def _mark(ctx: Context, delivery_id: str, settlement: Settlement, reason: str | None) -> None:
    ctx.faults.mark(f"delivery.{settlement}")
    with ctx.database.transaction("mark delivery") as conn:
        storage.provider_events.mark(conn, delivery_id, settlement, reason, at=ctx.clock.now())
