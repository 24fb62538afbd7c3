"""Bring one payment as far as it goes: write the question down, ask the provider outside, write the answer down."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import assert_never

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.customers import Customer
from tallystick.domain.invoices import Invoice
from tallystick.domain.payments import Payment, PaymentStatus, Step
from tallystick.flows import _customer_ref, _safety, _settlement, _unpayable
from tallystick.flows.context import Context
from tallystick.providers.protocol import Declined, Done, Limited, Outcome, PaymentRequest, Refused, RequestedLine, Unknown
from tallystick.values.errors import NotFound
from tallystick.values.ids import PaymentId

_STEPS_MAX = 10


@dataclass(frozen=True, slots=True)
class Collected:
    """How far it came. `again_in` is when to ask again; None: not before there is news.

    `client_secret` of the intent `intent_ref` is for the customer's browser alone. `refusal` is what the provider will not
    do, for a person to mend; `said` is what came in place of an answer, with the id of the request.
    """

    payment: Payment
    intent_ref: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    refusal: Refused | None = None
    again_in: timedelta | None = None
    said: str | None = None


@dataclass(frozen=True, slots=True)
class _Question:
    payment: Payment
    step: Step
    customer: Customer
    invoice: Invoice
    first_asked: datetime | None  # for any payment of a customer whom the provider may know by now, and we do not


def collect(ctx: Context, payment_id: PaymentId, *, attempt: int = 0) -> Collected:
    """The payment after every step that could be taken now; safe to call at any time, any number of times.

    `attempt` counts earlier calls that ended in an unknown or limited outcome; each lengthens the wait for the next.
    """
    wait = domain.retries.wait(payment_id, attempt)
    for _ in range(_STEPS_MAX):
        question = _ask(ctx, payment_id)
        if question is None:
            continue
        if question.step is Step.NOTHING:
            return Collected(question.payment)
        outcome = _unpayable.asked(ctx, question.payment) if question.step is Step.WITHDRAW else _call(ctx, question)
        payment = _answer(ctx, question, outcome)
        if (collected := _collected(ctx, question, outcome, payment, wait)) is not None:
            return collected
    with ctx.database.reading() as conn:
        stands = storage.payments.get(conn, payment_id)
        assert stands is not None, f"{payment_id}: was there, and stays"
    return Collected(stands, again_in=wait)


def _collected(ctx: Context, question: _Question, outcome: Outcome | None, payment: Payment, wait: timedelta) -> Collected | None:
    """How far it came, where nothing more is to be asked now; None: go on."""
    step = question.step
    if step is Step.FIND and isinstance(outcome, Done | None):
        ctx.faults.mark("collect.find.nothing" if outcome is None else "collect.find.found")
    match outcome:
        case Limited() | Unknown():
            ctx.faults.mark(f"collect.{step}.{type(outcome).__name__.lower()}")
            return Collected(payment, again_in=max(wait, outcome.after), said=outcome.message)
        case Refused(unheard=unheard) if unheard or step not in {Step.CHARGE, Step.WITHDRAW}:
            return Collected(payment, refusal=outcome)
        case Done() if step is Step.WITHDRAW and payment.status is PaymentStatus.OPEN:
            return Collected(payment, again_in=wait)
        case Done(told) if step is Step.FETCH and not payment.charging:
            return Collected(payment, told.intent_ref, told.client_secret)
        case _:
            return None


def _ask(ctx: Context, payment_id: PaymentId) -> _Question | None:
    """The next question, on disk before it is asked: a crash from here on leaves it open, and the next run asks it again.

    None where somebody else has moved the payment since it was read: asked with an old key, it might be asked twice. And where
    it has just been held, which is why it is not charged.
    """
    return ctx.database.run("ask", lambda conn: _asked(ctx, conn, payment_id))


def _asked(ctx: Context, conn: Connection, payment_id: PaymentId) -> _Question | None:
    payment = storage.payments.get(conn, payment_id)
    if payment is None:
        raise NotFound(f"{payment_id}: there is no such payment")
    customer = storage.customers.get(conn, payment.customer_id)
    invoice = storage.invoices.get(conn, payment.invoice_id)
    assert customer is not None, f"{payment_id}: its customer is kept for ever"
    assert invoice is not None, f"{payment_id}: its invoice is kept for ever"
    now = ctx.clock.now()
    step = domain.payments.next_step(payment, now=now)
    if step is Step.CHARGE and not payment.charging and _safety.held(ctx, conn, payment):
        return None
    if step is not Step.NOTHING and domain.payments.is_too_old(payment.asked_at, now=now):
        ctx.faults.mark("collect.key_too_old")
    saved = _settlement.save(ctx, conn, payment, domain.payments.asked(payment, step, now=now), via="ask")
    first_asked = storage.payments.first_asked(conn, customer.id) if customer.provider_ref is None else None
    return None if saved is None else _Question(saved, step, customer, invoice, first_asked)


def _call(ctx: Context, question: _Question) -> Outcome | None:
    payment, step, now = question.payment, question.step, ctx.clock.now()
    look_first = payment.must_look_first(now)
    is_old = domain.payments.is_too_old(question.first_asked, now=now)
    ref = _customer_ref.ensured(ctx, question.customer, look_first=look_first or is_old or step is Step.FIND)
    if not isinstance(ref, str):
        return ref
    request, key = _request(question.invoice, payment, ref), payment.key(step)
    match step:
        case Step.OPEN:
            return ctx.provider.open(request, key=key)
        case Step.FIND:
            return ctx.provider.find(request)
        case Step.COMPLETE:
            return ctx.provider.complete(payment.ref or "", request, key=key, look_first=payment.round > 0)
        case Step.CHARGE:
            return ctx.provider.charge(payment.ref or "", payment.method, key=key, payment_method=payment.payment_method)
        case Step.FETCH:
            return ctx.provider.fetch(payment.ref or "", payment.method)
        case Step.WITHDRAW | Step.NOTHING:
            raise AssertionError("nothing is asked of the provider here")
        case _:
            assert_never(step)


def _answer(ctx: Context, question: _Question, outcome: Outcome | None) -> Payment:
    """The payment after the outcome; as somebody else has left it, where they were faster."""
    before, step, now = question.payment, question.step, ctx.clock.now()
    match outcome:
        case Done(told):
            after = domain.payments.answered(before, step, now=now, told=told)
        case Declined(decline, told):
            after = replace(domain.payments.answered(before, step, now=now, told=told), decline=decline)
        case Limited() | Unknown(stored=False) | Refused(unheard=True):
            return before
        case Refused():
            after = domain.payments.refused(before, step, now=now)
        case None:
            after = domain.payments.answered(before, step, now=now)
        case Unknown():
            after = replace(before, look_first=True)
        case _:
            assert_never(outcome)
    with ctx.database.transaction("answer") as conn:
        refusal = outcome.code if isinstance(outcome, Refused) else None
        saved = _settlement.save(ctx, conn, before, after, via="answer", refusal=refusal)
        return saved or storage.payments.get(conn, before.id) or before


def _request(invoice: Invoice, payment: Payment, customer_ref: str) -> PaymentRequest:
    assert invoice.due_at is not None, f"{invoice.id}: is open, so it has a due date"
    lines = [RequestedLine(line.id, line.description, line.amount, line.period) for line in invoice.lines]
    besides = (
        ("discount", "Discounts", -invoice.discount),
        ("carried", "Carried from earlier invoices", invoice.carried_in),
        ("credits", "Paid by credit", -invoice.credits_applied),
        ("credited", "Credit notes", payment.amount - invoice.total),
    )
    lines += [RequestedLine(f"{invoice.id}:{key}", said, money, invoice.period) for key, said, money in besides if money.minor]
    return PaymentRequest(
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        customer_ref=customer_ref,
        amount=payment.amount,
        method=payment.method,
        description=f"Invoice {invoice.number}",
        due_at=invoice.due_at,
        lines=tuple(lines),
        payment_id=None if payment.id == domain.payments.payment_id(invoice.id) else payment.id,
        page=payment.page,
    )
