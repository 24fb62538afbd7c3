"""Bugs of the kinds that billing engines have shipped, planted one at a time: the simulator must find each of them."""

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

from sqlalchemy import text

from tallystick import domain, storage
from tallystick.domain.payments import Payment, PaymentStatus, Step
from tallystick.domain.refunds import Refund, RefundStatus, RefundStep
from tallystick.domain.usage import Answer, Event, Meter, Usage, Verdict
from tallystick.flows import (
    _billables,
    _follow,
    _issue,
    _news,
    _operations,
    _refunds,
    _settlement,
    _unpayable,
    bill_usage,
    collect,
    ingest,
    refund,
    settle,
)
from tallystick.providers.protocol import Refused, Unknown
from tallystick.providers.stripe import client, outcomes, translate
from tallystick.storage.provider_events import Settlement
from tallystick.values.decimals import from_steps, to_steps
from tallystick.values.ids import TransactionId
from tallystick.values.money import Money
from tallystick.worker import loop
from tests.simulation.seams import Crash
from tests.simulation.weather import RETRY, SOMETIMES, SWEEP, WEBHOOK, Weather
from tests.simulation.world import World

Planting = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True)
class Bug:
    """`plant` changes the engine while it is entered; `rates` and `closed` are the weather in which it shows.

    It is looked for in so many seeds; one that shows in few of them, from the first that is known to show it on.
    """

    name: str
    plant: Planting
    rates: dict[str, float] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    seeds_max: int = 12
    seeds_from: int = 0

    def sky(self, seed: int, usual: Weather) -> Weather:
        """Of what is there in some worlds only, just what the bug is about."""
        rates = {**usual.rates, **dict.fromkeys(SOMETIMES, 0.0), **self.rates}
        return replace(usual, seed=seed, rates=rates, closed=self.closed)


BUGS: list[Bug] = []


def bug(
    *, closed: tuple[str, ...] = (), seeds_max: int = 12, seeds_from: int = 0, **rates: float
) -> Callable[[Callable[[], Iterator[None]]], Planting]:
    """Registers a planting under its function's name."""

    def register(plant: Callable[[], Iterator[None]]) -> Planting:
        entered = contextmanager(plant)
        BUGS.append(Bug(plant.__name__, entered, rates, frozenset(closed), seeds_max, seeds_from))
        return entered

    return register


def instead(owner: Any, name: str, other: Any) -> Any:
    return patch.object(owner, name, other)


# Ingestion

Sent = Sequence[tuple[Event, Meter]]


@bug(crash=0.02, busy=0.04)
def marked_as_seen_before_it_is_written() -> Iterator[None]:
    seen: set[tuple[str, str, str]] = set()
    real = storage.usage.append

    def append(conn: Any, events: Sent, *, at: Any) -> list[Verdict]:
        known = [(e.customer_id, e.source, e.id) in seen for e, _ in events]
        seen.update((e.customer_id, e.source, e.id) for e, _ in events)
        new = iter(real(conn, [pair for pair, old in zip(events, known, strict=True) if not old], at=at))
        return [Verdict.DUPLICATE if old else next(new) for old in known]

    with instead(storage.usage, "append", append):
        yield


@bug(crash=0.02)
def seen_names_are_kept_in_memory() -> Iterator[None]:
    seen: set[tuple[str, str, str]] = set()
    real, restart, numbers = storage.usage.append, World._restart, count(1)

    def append(conn: Any, events: Sent, *, at: Any) -> list[Verdict]:
        named = []
        for event, meter in events:
            name = (event.customer_id, event.source, event.id)
            named.append((event if name in seen else replace(event, id=f"{event.id}#{next(numbers)}"), meter))
            seen.add(name)
        return real(conn, named, at=at)

    def forget(self: World, process: str) -> None:
        seen.clear()
        restart(self, process)

    with instead(storage.usage, "append", append), instead(World, "_restart", forget):
        yield


@bug(pause=0.0)
def a_name_is_its_parts_joined_by_dashes() -> Iterator[None]:
    first: dict[str, tuple[str, str, str]] = {}
    real = storage.usage.append

    def append(conn: Any, events: Sent, *, at: Any) -> list[Verdict]:
        known = []
        for event, _ in events:
            name = (event.customer_id, event.source, event.id)
            known.append(first.setdefault("-".join(name), name) != name)
        new = iter(real(conn, [pair for pair, old in zip(events, known, strict=True) if not old], at=at))
        return [Verdict.DUPLICATE if old else next(new) for old in known]

    with instead(storage.usage, "append", append):
        yield


@bug(crash=0.02)
def a_batch_is_acknowledged_before_its_commit() -> Iterator[None]:
    real = ingest.ingest

    def early(ctx: Any, events: Sequence[Event], **more: Any) -> list[Answer]:
        try:
            return real(ctx, events, **more)
        except Crash:
            return [Answer(event.id, Verdict.RECORDED) for event in events]

    with instead(ingest, "ingest", early):
        yield


@bug(late=0.35)
def late_events_are_lost() -> Iterator[None]:
    from tallystick.storage import usage_intake

    with instead(usage_intake, "mark_late", lambda *_: None):
        yield


@bug(before_all=0.2)
def usage_before_the_first_bill_is_lost() -> Iterator[None]:
    with instead(_billables, "_unlisted", lambda *_: []):
        yield


# Invoices


@bug(late=0.35)
def late_usage_is_billed_again_in_full() -> Iterator[None]:
    def since(now: Any, lines: Sequence[Any]) -> Any:
        return replace(now, part=len(lines))

    with instead(domain.lines, "since", since):
        yield


@bug()
def each_third_is_rounded() -> Iterator[None]:
    real = domain.lines.rated

    def rated(price: Any, usage: Usage, amounts: Any, **more: Any) -> Any:
        whole = real(price, usage, amounts, **more)
        if domain.rating.needs_events(price):
            return whole
        third = real(price, replace(usage, quantity=from_steps(to_steps(usage.quantity, 6) // 3, 6)), amounts, **more)
        return whole._replace(total=Money(third.total.minor * 3, third.total.currency))

    with instead(domain.lines, "rated", rated):
        yield


@bug()
def the_billing_position_stays_where_it_was() -> Iterator[None]:
    with instead(storage.usage, "advance_position", lambda *_, **__: None):
        yield


@bug(crash=0.06)
def an_invoice_number_is_taken_outside_of_the_transaction() -> Iterator[None]:
    numbers = count(1)

    def next_number(conn: Any) -> int:
        number = next(numbers)
        conn.execute(text("DELETE FROM tallystick_counters WHERE name = 'invoice_numbers'"))
        conn.execute(text("INSERT INTO tallystick_counters (name, value) VALUES ('invoice_numbers', :n)"), {"n": number})
        return number

    with instead(storage.invoices, "next_number", next_number):
        yield


@bug()
def what_was_carried_is_forgotten() -> Iterator[None]:
    real = _issue.reductions

    def reductions(conn: Any, customer_id: Any, currency: Any, **more: Any) -> Any:
        return replace(real(conn, customer_id, currency, **more), carried=Money(0, currency))

    with instead(_issue, "reductions", reductions):
        yield


# Payments


@bug(lost_reply=0.2, timeout_after_success=0.2)
def each_attempt_has_a_new_key() -> Iterator[None]:
    numbers = count(1)
    with instead(Payment, "key", lambda self, step: f"{self.id}:{step}:{next(numbers)}"):
        yield


@bug(outage=1.0, long_outage=1.0, timeout_after_success=0.4, lost_reply=0.3, closed=(WEBHOOK,), seeds_max=40)
def an_old_key_is_used_without_looking() -> Iterator[None]:
    with instead(Payment, "must_look_first", lambda self, now: False):
        yield


@bug(timeout_after_success=0.2, lost_reply=0.2)
def a_timeout_counts_as_a_failure() -> Iterator[None]:
    real = collect._answer

    def answer(ctx: Any, question: Any, outcome: Any) -> Payment:
        if isinstance(outcome, Unknown) and question.step is Step.OPEN:
            payment = question.payment
            with ctx.database.transaction("answer") as conn:
                anew = replace(payment, round=payment.round + 1, asked_at=None)
                return _settlement.save(ctx, conn, payment, anew, via="answer") or payment
        return real(ctx, question, outcome)

    with instead(collect, "_answer", answer):
        yield


@bug()
def the_pay_page_makes_its_own_object() -> Iterator[None]:
    real = client.StripeProvider.open

    def opened(self: Any, request: Any, *, key: str) -> Any:
        outcome = real(self, request, key=key)
        real(self, request, key=f"{key}:page")
        return outcome

    with instead(client.StripeProvider, "open", opened):
        yield


@bug(stored_500=0.3)
def a_stored_failure_counts_as_final() -> Iterator[None]:
    real = outcomes.of

    def of(error: Any) -> Any:
        outcome = real(error)
        return Refused("stored", "final") if isinstance(outcome, Unknown) and outcome.stored else outcome

    with instead(outcomes, "of", of):
        yield


@bug(void=0.9)
def void_leaves_the_providers_object_payable() -> Iterator[None]:
    def canceled(ctx: Any, payment: Payment) -> Payment:
        return replace(payment, status=PaymentStatus.CANCELED, updated_at=ctx.clock.now())

    with instead(_unpayable, "canceled", canceled):
        yield


# Refunds


@bug(credit=0.9, lost_reply=0.3, timeout_after_success=0.3, closed=(WEBHOOK,), seeds_max=20)
def each_attempt_to_refund_has_a_new_key() -> Iterator[None]:
    numbers = count(1)
    with instead(Refund, "key", property(lambda self: f"{self.id}:{next(numbers)}")):
        yield


@bug(credit=0.9)
def more_goes_back_than_was_paid() -> Iterator[None]:
    """Two locks are off at once: what was credited before is forgotten, and so is what was set aside of the payment."""
    with (
        instead(domain.credit_notes, "left", lambda invoice, earlier: invoice.total),
        instead(storage.payments, "give_back", lambda *_: True),
        instead(storage.payments, "take_back", lambda *_: True),
    ):
        yield


@bug(credit=0.9, lost_request=0.3, lost_reply=0.2, seeds_from=16, seeds_max=24)
def a_refund_is_done_when_its_answer_is_lost() -> Iterator[None]:
    real = refund._answer

    def answer(ctx: Any, question: Any, outcome: Any) -> Refund:
        if isinstance(outcome, Unknown) and question.step is RefundStep.ASK:
            done = replace(question.refund, status=RefundStatus.SUCCEEDED, asked_at=None)
            with ctx.database.transaction("answer refund") as conn:
                return _refunds.save(ctx, conn, question.refund, done, via="answer") or done
        return real(ctx, question, outcome)

    with instead(refund, "_answer", answer):
        yield


@bug(credit=0.9)
def a_credited_invoice_is_still_asked_for_in_full() -> Iterator[None]:
    """The payment that a credit note makes too large is left as it is at the provider."""

    def canceled(ctx: Any, payment: Payment) -> Payment:
        return replace(payment, status=PaymentStatus.CANCELED, updated_at=ctx.clock.now())

    with instead(_unpayable, "canceled", canceled):
        yield


# News


@bug(webhook_reorder=0.8, webhook_delay=0.5, webhook_duplicate=0.5, closed=(SWEEP,))
def a_webhook_is_believed_blindly() -> Iterator[None]:
    def believed(ctx: Any, news: Any, payment: Payment, ref: str) -> Any:
        with ctx.database.transaction("settle") as conn:
            stored = storage.provider_events.get(conn, news.delivery_id)
            assert stored is not None
            doc = json.loads(stored.delivery.body)["data"]["object"]
            told = translate.intent(doc) if doc["object"] == "payment_intent" else translate.invoice(doc)
            payment_told = getattr(told, "payment", told)
            after = replace(payment, ref=ref, status=payment_told.status, updated_at=ctx.clock.now())
            _settlement.save(ctx, conn, payment, after, via="webhook")
            return _news.noted(ctx, conn, news, Settlement.SETTLED)

    with instead(_follow, "_ask_payment", believed):
        yield


@bug(crash=0.03, closed=(SWEEP,), seeds_max=30)
def a_delivery_is_settled_before_its_effect() -> Iterator[None]:
    real = settle.settle

    def early(ctx: Any, delivery_id: str, *, attempt: int = 0) -> Any:
        with ctx.database.transaction("mark delivery") as conn:
            stored = storage.provider_events.get(conn, delivery_id)
            if stored is None or stored.settlement is not Settlement.NEW:
                return None
            storage.provider_events.mark(conn, delivery_id, Settlement.SETTLED, None, at=ctx.clock.now())
        return real(ctx, delivery_id, attempt=attempt)

    with instead(settle, "settle", early):
        yield


@bug(webhook_duplicate=0.5)
def money_is_booked_with_every_good_news() -> Iterator[None]:
    real, numbers = _settlement.save, count(1)

    def save(ctx: Any, conn: Any, before: Payment, after: Payment, **how: Any) -> Any:
        saved = real(ctx, conn, before, after, **how)
        if saved is not None and before.status is after.status is PaymentStatus.SUCCEEDED:
            booking = domain.payments.book_payment(after, at=ctx.clock.now())
            again = TransactionId(f"{booking.id}-{next(numbers)}")
            storage.ledger.book(conn, dataclasses.replace(booking, id=again))
        return saved

    with instead(_settlement, "save", save):
        yield


# Work


@bug(crash=0.03, lost_request=0.2, closed=(SWEEP,))
def a_job_is_finished_before_its_work() -> Iterator[None]:
    real = loop._work

    def work(ctx: Any, job: Any) -> Any:
        with ctx.database.transaction("finish job") as conn:
            storage.jobs.finish(conn, job)
        return real(ctx, job)

    with instead(loop, "_work", work):
        yield


@bug(crash=0.03)
def a_lease_never_ends() -> Iterator[None]:
    with instead(loop, "LEASE", timedelta(days=3650)):
        yield


@bug(crash=0.03, closed=(RETRY,))
def the_job_is_written_after_the_invoice() -> Iterator[None]:
    """Where nobody sweeps, an invoice whose job was lost to a crash is never collected."""
    real, enqueue = bill_usage.bill_usage, storage.jobs.enqueue

    def billed(ctx: Any, order: Any, collection: Any, **more: Any) -> Any:
        waiting: list[tuple[Any, ...]] = []
        with instead(storage.jobs, "enqueue", lambda conn, name, subject, *, run_at: waiting.append((name, subject, run_at))):
            invoices = real(ctx, order, collection, **more)
        with ctx.database.transaction("enqueue") as conn:
            for name, subject, run_at in waiting:
                enqueue(conn, name, subject, run_at=run_at)
        return invoices

    with ExitStack() as stack:
        stack.enter_context(instead(bill_usage, "bill_usage", billed))
        stack.enter_context(instead(storage.payments, "stale", lambda *_, **__: []))
        yield


@bug(reboot=0.5)
def the_time_between_two_boots_is_billed() -> Iterator[None]:
    def unread_since(boots: Sequence[Any], reading: Any) -> Any:
        return max((boot.read_through for boot in boots), default=reading.boot_at)

    with instead(domain.uptime, "unread_since", unread_since):
        yield


@bug(reboot=0.5, clock_step=0.9, seeds_max=40)
def each_boot_is_billed_by_its_own_clock() -> Iterator[None]:
    def unread_since(boots: Sequence[Any], reading: Any) -> Any:
        return next((boot.read_through for boot in boots if boot.boot_id == reading.boot_id), reading.boot_at)

    with instead(domain.uptime, "unread_since", unread_since):
        yield


# Vital signs


@bug()
def an_attempt_counts_each_time_it_is_told() -> Iterator[None]:
    real, numbers = storage.operations.observe, count()

    def observe(conn: Any, vital: Any, subject: str, **how: Any) -> None:
        real(conn, vital, f"{subject}:{next(numbers)}", **how)

    with instead(storage.operations, "observe", observe):
        yield


@bug()
def only_what_we_charge_ourselves_is_observed() -> Iterator[None]:
    real = _operations.observe_payment

    def observe_payment(ctx: Any, conn: Any, before: Payment, after: Payment) -> None:
        if before.charging:
            real(ctx, conn, before, after)

    with instead(_operations, "observe_payment", observe_payment):
        yield
