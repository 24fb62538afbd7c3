"""Understand news of the provider's, ask how its object stands now, and let our books follow: the same whoever brought it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.alerts import AlertKind
from tallystick.domain.payments import (
    CheckoutCompleted,
    CheckoutExpired,
    CustomerChanged,
    DisputeChanged,
    Ignored,
    MethodsChanged,
    NotFinalized,
    Payment,
    PaymentChanged,
    PaymentRefunded,
    RefundChanged,
    Step,
    SubscriptionChanged,
    SubscriptionInvoiceChanged,
    SubscriptionPageChanged,
    UsageRejected,
)
from tallystick.domain.refunds import ProviderRefund
from tallystick.flows import (
    _alerts,
    _customer_news,
    _disputes,
    _news,
    _provider_subscriptions,
    _refunds,
    _settlement,
    _usage_news,
)
from tallystick.flows._news import News, Result
from tallystick.flows._refunds import Heard
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refunded, RefundOutcome, RefundsOutcome, Refused, Unknown
from tallystick.storage.jobs import JobName
from tallystick.storage.provider_events import Settlement
from tallystick.values.errors import IllegalTransition


def follow(ctx: Context, news: News) -> Result:  # noqa: C901, PLR0911, PLR0912 a case for each fact
    """What became of the news, or how long to wait before it is looked into again.

    The news is a hint. What counts is how the object stands when we ask, so order and repetition do not matter.
    """
    match news.fact:
        case PaymentChanged():
            return _payment_changed(ctx, news, news.fact)
        case NotFinalized():
            return _not_finalized(ctx, news, news.fact)
        case RefundChanged() | PaymentRefunded():
            return _refund_changed(ctx, news, news.fact)
        case DisputeChanged():
            return _disputes.follow(ctx, news, news.fact)
        case CustomerChanged():
            return _customer_news.follow(ctx, news, news.fact)
        case MethodsChanged():
            return _customer_news.methods(ctx, news, news.fact)
        case CheckoutCompleted() | CheckoutExpired():
            return _ask_about(ctx, news, news.fact)
        case UsageRejected():
            return _usage_news.follow(ctx, news, news.fact)
        case SubscriptionChanged():
            return _provider_subscriptions.follow(ctx, news, news.fact)
        case SubscriptionPageChanged():
            return _provider_subscriptions.page(ctx, news, news.fact)
        case SubscriptionInvoiceChanged():
            return _provider_subscriptions.mirror(ctx, news, news.fact)
        case Ignored(reason):
            return _news.mark(ctx, news, Settlement.IGNORED, reason)
        case _:
            assert_never(news.fact)


def _payment_changed(ctx: Context, news: News, fact: PaymentChanged) -> Result:
    with ctx.database.reading() as conn:
        payment = _payment(conn, fact)
    if payment is None:
        return _news.mark(ctx, news, Settlement.IGNORED, f"{fact.ref} collects no invoice of ours")
    if payment.ref not in {None, fact.ref}:
        return _news.mark(ctx, news, Settlement.PARKED, f"{payment.id} is collected by {payment.ref}, not by {fact.ref}")
    if payment.ref is None:
        ctx.faults.mark("settle.before_the_answer")
    return _ask_payment(ctx, news, payment, fact.ref)


def _payment(conn: Connection, fact: PaymentChanged | NotFinalized) -> Payment | None:
    payment = storage.payments.by_ref(conn, fact.ref)
    if payment is None and fact.invoice_id is not None:
        payment = storage.payments.of_invoice(conn, fact.invoice_id)
    return payment


def _ask_payment(ctx: Context, news: News, payment: Payment, ref: str) -> Result:
    outcome = ctx.provider.fetch(ref, payment.method)
    if isinstance(outcome, Refused) and not outcome.unheard:
        return _refused(ctx, news, payment, outcome)
    if isinstance(outcome, Refused | Limited | Unknown):
        return _news.no_answer(ctx, news, outcome)
    told, now = outcome.payment, ctx.clock.now()
    if told is None:
        return news.wait
    try:
        after = domain.payments.learned(payment, told, now=now)
    except IllegalTransition as mismatch:  # it will say the same for ever: people have to look
        return _news.mark(ctx, news, Settlement.PARKED, f"{mismatch.code}: {mismatch.message}")
    if after.charging and after.status in domain.payments.FINAL:
        after = domain.payments.answered(after, Step.CHARGE, now=now)
    with ctx.database.transaction("settle") as conn:
        if _settlement.save(ctx, conn, payment, after, via=news.via) is None:
            return news.wait * 0
        return _news.noted(ctx, conn, news, Settlement.SETTLED)


def _refused(ctx: Context, news: News, payment: Payment, refusal: Refused) -> Result:
    """The object cannot be asked about: it was deleted, as a draft is with its voided invoice, or people have to look."""
    if payment.status in domain.payments.FINAL:
        return _news.mark(ctx, news, Settlement.SETTLED, f"{payment.id} is {payment.status} already")
    if refusal.code == "resource_missing" and news.is_patient:  # perhaps by a void of ours whose answer was lost
        ctx.faults.mark("settle.missing")
        return news.wait
    return _news.no_answer(ctx, news, refusal)


def _not_finalized(ctx: Context, news: News, fact: NotFinalized) -> Result:
    with ctx.database.transaction("not finalized") as conn:
        payment = _payment(conn, fact)
        invoice = None if payment is None else storage.invoices.get(conn, payment.invoice_id)
        if payment is None or invoice is None or payment.status in domain.payments.FINAL:
            return _news.noted(ctx, conn, news, Settlement.IGNORED, f"{fact.ref} collects nothing that is open here")
        told = {"ref": fact.ref, "reason": fact.reason, "invoice": invoice.number or invoice.id}
        alert = domain.alerts.of_provider(
            AlertKind.INVOICE_NOT_FINALIZED, payment.id, told,
            customer_id=payment.customer_id, since=payment.created_at, at=ctx.clock.now(),
        )  # fmt: skip
        _alerts.tell(conn, alert)
        return _news.noted(ctx, conn, news, Settlement.SETTLED, fact.reason)


def _ask_about(ctx: Context, news: News, fact: CheckoutCompleted | CheckoutExpired) -> Result:
    """Writes down to ask how the page stands; the news itself is only a hint."""
    now = ctx.clock.now()
    with ctx.database.transaction("news of checkout") as conn:
        checkout = storage.checkouts.get(conn, fact.reference)
        if checkout is None:
            reason = f"{fact.ref} is for {fact.reference}, which is no checkout of ours"
            return _news.noted(ctx, conn, news, Settlement.IGNORED, reason)
        if checkout.ref not in {None, fact.ref}:
            return _news.noted(ctx, conn, news, Settlement.PARKED, f"{checkout.id} has the page {checkout.ref}, not {fact.ref}")
        if checkout.ref is None:  # the answer that told of the page was lost
            ctx.faults.mark("settle.checkout_before_the_answer")
            storage.checkouts.move(conn, checkout, replace(checkout, ref=fact.ref))
        storage.jobs.enqueue(conn, JobName.COMPLETE_CHECKOUT, checkout.id, run_at=now)
        return _news.noted(ctx, conn, news, Settlement.SETTLED)


def _refund_changed(ctx: Context, news: News, fact: RefundChanged | PaymentRefunded) -> Result:
    told = _stands_now(ctx, fact)
    if isinstance(told, Refused | Limited | Unknown):
        return _news.no_answer(ctx, news, told)
    refunds: Sequence[ProviderRefund] = [told.refund] if isinstance(told, Refunded) else told
    try:
        heard = [_refunds.heard(ctx, refund, via=news.via) for refund in refunds]
    except IllegalTransition as mismatch:
        return _news.mark(ctx, news, Settlement.PARKED, f"{mismatch.code}: {mismatch.message}")
    if Heard.LATER in heard:
        return news.wait
    if Heard.OURS in heard:
        return _news.mark(ctx, news, Settlement.SETTLED)
    return _news.mark(ctx, news, Settlement.IGNORED, "gives back nothing that was paid to us")


def _stands_now(ctx: Context, fact: RefundChanged | PaymentRefunded) -> RefundOutcome | RefundsOutcome:
    if isinstance(fact, RefundChanged):
        return ctx.provider.fetch_refund(fact.ref)
    return ctx.provider.refunds_of(fact.intent_ref)
