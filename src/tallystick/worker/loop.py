"""Claim → run → finish: one job at a time, each under a lease, each run at least once and safe to run again."""

import threading
import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import assert_never

import structlog

from tallystick import domain, flows, storage
from tallystick.flows._usage_totals import Compared
from tallystick.flows.context import Context
from tallystick.providers.protocol import Refused
from tallystick.storage.jobs import Job, JobName
from tallystick.values.decimals import plain
from tallystick.values.errors import Busy, Conflict, IllegalTransition, TallystickError
from tallystick.values.ids import (
    AlertId,
    CheckoutId,
    CustomerId,
    EndpointId,
    InvoiceId,
    MessageId,
    PaymentId,
    RefundId,
    SubscriptionId,
)
from tallystick.worker import schedule

LEASE = timedelta(minutes=5)
ATTEMPTS_MAX = 40
_RETRY_FIRST = timedelta(seconds=5)
_NOT_YET = "not known yet"

log = structlog.get_logger("tallystick.worker")


def run_due(ctx: Context, *, limit: int = 50, customers: Collection[CustomerId] | None = None) -> int:
    """Claims up to `limit` jobs that are due now, all or those of some customers, and runs them; how many were claimed.

    One that fails waits longer each time, then is buried.
    """
    with ctx.database.transaction("claim jobs") as conn:
        jobs = storage.jobs.claim(conn, now=ctx.clock.now(), lease=LEASE, limit=limit, customers=customers)
    for job in jobs:
        if ctx.clock.now() >= job.run_at:
            ctx.faults.mark("jobs.lease_over")  # the provider was slow: by now others may have what is left
            break
        _run(ctx, job)
    return len(jobs)


def run_until_idle(ctx: Context, *, rounds_max: int = 10_000, customers: Collection[CustomerId] | None = None) -> int:
    """Runs jobs, all or those of some customers, until none is due now; how many were run."""
    total = 0
    for _ in range(rounds_max):
        ran = run_due(ctx, customers=customers)
        if ran == 0:
            break
        total += ran
    return total


def catch_up(ctx: Context) -> int:
    """Every sweep once, then jobs until none is due; how many were run."""
    schedule.Sweeps().run_due(ctx)
    return run_until_idle(ctx)


def _run(ctx: Context, job: Job) -> None:
    ctx.faults.point(f"job:{job.name}:before")
    try:
        again = _work(ctx, job)
    except Busy as busy:
        _again(ctx, job, error=f"{busy.code}: {busy.message}", after=_RETRY_FIRST)
    except TallystickError as error:
        log.warning("job.failed", job=job.id, name=job.name, subject=job.subject, code=error.code, attempt=job.attempt)
        _observe(ctx, job, good=False)
        _later(ctx, job, error=f"{error.code}: {error.message}", after=_wait(job, error))
    except Exception as bug:  # of ours, in one job: the others must be done all the same, so it counts as a failed attempt
        ctx.faults.mark("job.crashed")
        log.error("job.crashed", job=job.id, name=job.name, subject=job.subject, attempt=job.attempt, **_where(bug))
        _observe(ctx, job, good=False)
        _later(ctx, job, error=f"crashed: {type(bug).__name__}", after=_wait(job, bug))
    else:
        ctx.faults.point(f"job:{job.name}:after")
        again_in, why = (again.after, again.said) if isinstance(again, _Again) else (again, _NOT_YET)
        _observe(ctx, job, good=not again_in or domain.usage_exports.is_turn(again_in))
        if again_in is None:
            with ctx.database.transaction("finish job") as conn:
                storage.jobs.finish(conn, job)
        else:
            _again(ctx, job, error=why, after=again_in)


def _observe(ctx: Context, job: Job, *, good: bool) -> None:
    """Of the work whose success is a vital sign, whether this run came to its end."""
    if job.name is JobName.EXPORT_USAGE:
        flows.observe.observe_sync(ctx, f"{job.id}:{job.fence}", good=good)


def _wait(job: Job, error: Exception) -> timedelta:
    """Who was overtaken reads again and goes on at once; what is wrong in itself is asked about less and less often."""
    if isinstance(error, Conflict) and not isinstance(error, IllegalTransition):
        return _RETRY_FIRST
    return domain.retries.wait(job.subject, job.attempt, first=_RETRY_FIRST)


def _where(bug: Exception) -> dict[str, object]:
    """What and where, for the log. Neither its text nor its variables: both may hold what no log may, such as secrets."""
    frames = traceback.StackSummary.extract(traceback.walk_tb(bug.__traceback__), lookup_lines=False)
    return {"error": type(bug).__name__, "where": [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames][-12:]}


def _work(ctx: Context, job: Job) -> "_Again | timedelta | None":  # noqa: C901, PLR0911, PLR0912 a case for each kind of work
    """None when the job is done; else how long to wait before it is run again."""
    match job.name:
        case JobName.ALERT:
            flows.tell_alert.tell_alert(ctx, AlertId(job.subject))
            return None
        case JobName.BILL_PERIOD:
            flows.bill_period.bill_period(ctx, SubscriptionId(job.subject))
            return None
        case JobName.COLLECT:
            collected = flows.collect.collect(ctx, PaymentId(job.subject), attempt=job.attempt)
            _check_refusal(job, collected.refusal)
            return _again_in(collected.again_in, collected.said)
        case JobName.COMPARE_USAGE:
            period, day = flows.sweep_usage.compared_period(job.subject), flows.sweep_usage.compared_day(job.subject)
            _tell_differences(flows.compare_usage.compare_usage(ctx, period, day=day))
            return None
        case JobName.COMPLETE_CHECKOUT:
            return flows.complete_checkout.complete_checkout(ctx, CheckoutId(job.subject), attempt=job.attempt)
        case JobName.DUN:
            flows.dun.dun(ctx, InvoiceId(job.subject))
            return None
        case JobName.EXPORT_USAGE:
            exported = flows.export_usage.export_usage(ctx, CustomerId(job.subject), attempt=job.attempt)
            _check_refusal(job, exported.refusal)
            return exported.again_in
        case JobName.MAIL:
            message_id, _, target = job.subject.partition("/")
            return flows.mail_message.mail_message(ctx, MessageId(message_id), target)
        case JobName.NEW_CARD:
            return flows.pay_with_new_card.pay_with_new_card(ctx, CustomerId(job.subject), attempt=job.attempt)
        case JobName.PROVIDER_SUBSCRIPTION:
            brought = flows.bring_provider_subscription.bring_provider_subscription(
                ctx, SubscriptionId(job.subject), attempt=job.attempt
            )
            _check_refusal(job, brought.refusal)
            return brought.again_in
        case JobName.SEND:
            message_id, _, target = job.subject.partition("/")
            return flows.send_message.send_message(ctx, MessageId(message_id), EndpointId(target))
        case JobName.RECONCILE:
            return flows.reconcile.due(ctx, job.subject, attempt=job.attempt)
        case JobName.REFUND:
            given_back = flows.refund.refund(ctx, RefundId(job.subject), attempt=job.attempt)
            _check_refusal(job, given_back.refusal)
            return _again_in(given_back.again_in, given_back.said)
        case JobName.SETTLE:
            return flows.settle.settle(ctx, job.subject, attempt=job.attempt)
        case _:
            assert_never(job.name)


@dataclass(frozen=True, slots=True)
class _Again:
    """To be run again after a while, for that is what the provider said in place of an answer."""

    after: timedelta
    said: str


def _again_in(after: timedelta | None, said: str | None) -> _Again | timedelta | None:
    return after if after is None or said is None else _Again(after, said)


def _tell_differences(compared: Sequence[Compared]) -> None:
    for each in compared:
        if each.difference or each.problem:
            log.warning(
                "usage.differs", customer=each.customer_id, meter=each.meter_key, recorded=plain(each.recorded),
                difference=None if each.difference is None else plain(each.difference), problem=each.problem,
            )  # fmt: skip


def _check_refusal(job: Job, refusal: Refused | None) -> None:
    if refusal is not None:
        raise Refusal(f"{job.subject}: the provider refused: {refusal.message}", code=refusal.code)


class Refusal(TallystickError):
    """The provider will not do it as things are; a person has to look."""

    code = "provider_refused"


def _again(ctx: Context, job: Job, *, error: str, after: timedelta) -> None:
    """Nothing is wrong with the job: an outage may last longer than any number of attempts."""
    with ctx.database.transaction("retry job") as conn:
        storage.jobs.retry(conn, job, run_at=ctx.clock.now() + after, error=error)


def _later(ctx: Context, job: Job, *, error: str, after: timedelta) -> None:
    """It failed: buried after many attempts, of which the last two failed alike, for the others may have met an outage."""
    if job.attempt < ATTEMPTS_MAX or job.error != error:
        _again(ctx, job, error=error, after=after)
        return
    ctx.faults.mark("job.buried")
    log.error("job.buried", job=job.id, name=job.name, subject=job.subject, attempt=job.attempt, reason=error)
    with ctx.database.transaction("bury job") as conn:
        storage.jobs.bury(conn, job, error=error)


def run_forever(ctx: Context, stop: threading.Event, *, idle: float = 0.5) -> None:
    """Sweeps and jobs until `stop` is set, resting `idle` seconds when nothing is due. A failure is logged and tried again."""
    sweeps = schedule.Sweeps()
    while not stop.is_set():
        _guarded(lambda: sweeps.run_due(ctx))
        if not _guarded(lambda: run_due(ctx)):
            stop.wait(idle)


def _guarded(step: Callable[[], object]) -> object:
    """What `step` returns; None where it failed, for a sweep that fails must not stop the jobs, nor a failure the worker."""
    try:
        return step()
    except TallystickError as error:
        log.error("worker.failed", code=error.code, detail=error.message)
    except Exception as bug:  # of ours: a worker that died of it would be missed by nobody until money is late
        log.error("worker.crashed", **_where(bug))
    return None
