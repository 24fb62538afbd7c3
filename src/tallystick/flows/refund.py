"""Bring one refund as far as it goes: write the question down, ask the provider outside, write the answer down."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from tallystick import domain, storage
from tallystick.domain.payments import Payment
from tallystick.domain.refunds import Refund, RefundStep
from tallystick.flows import _refunds
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refunded, RefundOutcome, RefundRequest, Refused, Unknown
from tallystick.values.errors import NotFound
from tallystick.values.ids import RefundId

_STEPS_MAX = 5


@dataclass(frozen=True, slots=True)
class GivenBack:
    """How far it came. `again_in` is when to ask again; None: not before there is news. `refusal` is for a person to mend, and
    `said` is what came in place of an answer, with the id of the request.
    """

    refund: Refund
    refusal: Refused | None = None
    again_in: timedelta | None = None
    said: str | None = None


@dataclass(frozen=True, slots=True)
class _Question:
    refund: Refund
    payment: Payment
    step: RefundStep


def refund(ctx: Context, refund_id: RefundId, *, attempt: int = 0) -> GivenBack:
    """The refund after every step that could be taken now; safe to call at any time, any number of times.

    `attempt` counts earlier calls that ended in an unknown or limited outcome; each lengthens the wait for the next.
    """
    wait = domain.retries.wait(refund_id, attempt)
    stands = None
    for _ in range(_STEPS_MAX):
        question = _ask(ctx, refund_id)
        if question is None:
            continue
        if question.step is RefundStep.NOTHING:
            return GivenBack(question.refund)
        outcome = _call(ctx, question)
        stands = _answer(ctx, question, outcome)
        match outcome:
            case Limited() | Unknown():
                ctx.faults.mark(f"refund.{question.step}.{type(outcome).__name__.lower()}")
                return GivenBack(stands, again_in=max(wait, outcome.after), said=outcome.message)
            case Refused(unheard=unheard) if unheard or question.step is not RefundStep.ASK:
                return GivenBack(stands, refusal=outcome)
            case Refunded() | Refused():
                return GivenBack(stands)
            case None:
                ctx.faults.mark("refund.find.nothing")
            case _:
                assert_never(outcome)
    with ctx.database.reading() as conn:
        stands = storage.refunds.get(conn, refund_id)
    assert stands is not None, f"{refund_id}: was there, and stays"
    return GivenBack(stands, again_in=wait)


def _ask(ctx: Context, refund_id: RefundId) -> _Question | None:
    """The next question, on disk before it is asked. None where somebody else has moved the refund since it was read."""
    with ctx.database.transaction("ask refund") as conn:
        found = storage.refunds.get(conn, refund_id)
        if found is None:
            raise NotFound(f"{refund_id}: there is no such refund")
        payment = storage.payments.get(conn, found.payment_id)
        assert payment is not None, f"{refund_id}: its payment is kept for ever"
        now = ctx.clock.now()
        step = domain.refunds.next_step(found, now=now)
        if step is not RefundStep.NOTHING and domain.payments.is_too_old(found.asked_at, now=now):
            ctx.faults.mark("refund.key_too_old")
        saved = _refunds.save(ctx, conn, found, domain.refunds.asked(found, step, now=now), via="ask")
        return None if saved is None else _Question(saved, payment, step)


def _call(ctx: Context, question: _Question) -> RefundOutcome | None:
    found, payment = question.refund, question.payment
    assert payment.ref is not None, f"{payment.id}: the provider collected it"
    request = RefundRequest(found.id, found.invoice_id, payment.ref, payment.method, found.amount)
    match question.step:
        case RefundStep.ASK:
            return ctx.provider.refund(request, key=found.key)
        case RefundStep.FIND:
            return ctx.provider.find_refund(request)
        case RefundStep.FETCH:
            return ctx.provider.fetch_refund(found.ref or "")
        case RefundStep.NOTHING:
            raise AssertionError("nothing is asked of the provider for a refund that is over")
        case _:
            assert_never(question.step)


def _answer(ctx: Context, question: _Question, outcome: RefundOutcome | None) -> Refund:
    """The refund after the outcome; as somebody else has left it, where they were faster."""
    before, now = question.refund, ctx.clock.now()
    match outcome:
        case Refunded(told):
            after = domain.refunds.learned(before, told, now=now)
        case Limited() | Unknown(stored=False) | Refused(unheard=True):
            return before
        case Refused(code):
            after = domain.refunds.refused(before, question.step, code, now=now)
        case Unknown():
            after = replace(before, look_first=True)
        case None:
            after = domain.refunds.not_found(before, now=now)
        case _:
            assert_never(outcome)
    if question.step is RefundStep.FIND and isinstance(outcome, Refunded):
        ctx.faults.mark("refund.find.found")
    with ctx.database.transaction("answer refund") as conn:
        return _refunds.save(ctx, conn, before, after, via="answer") or storage.refunds.get(conn, before.id) or before
