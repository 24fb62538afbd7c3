"""Work written down in the transaction that causes it, and done after it: claimed under a lease, finished under a fence."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Integer, Row, bindparam, case, func, literal, or_, select
from sqlalchemy.sql.dml import ReturningUpdate

from tallystick.storage import schema
from tallystick.storage.database import insert_of
from tallystick.storage.types import Instant, Key
from tallystick.values.ids import CustomerId, JobId

# Asked for each job, and therefore kept: most of a small statement's time is its making.
_JOBS, _LATER = schema.jobs, bindparam("later", type_=Instant())
_MINE = _JOBS.c.id == bindparam("job"), _JOBS.c.fence == bindparam("held")
_AGAIN = (
    _JOBS.update()
    .where(*_MINE, _JOBS.c.again_at.is_not(None))
    .values(run_at=_JOBS.c.again_at, again_at=None, leased_until=None, attempt=0, error=None)
    .returning(_JOBS.c.id)
)
_DONE = _JOBS.delete().where(*_MINE).returning(_JOBS.c.id)
_ENDED = _JOBS.update().where(*_MINE).values(leased_until=None, again_at=None, error=bindparam("why")).returning(_JOBS.c.id)
# What was enqueued meanwhile is what the next run will see anyway; it comes at the earlier of the two times.
_RETRY = _ENDED.values(run_at=case((_JOBS.c.again_at < _LATER, _JOBS.c.again_at), else_=_LATER))
_BURY = _ENDED.values(dead=True)
# What a customer's jobs are about, beside the customer.
_OWNED = (
    schema.payments,
    schema.invoices,
    schema.subscriptions,
    schema.followed_subscriptions,
    schema.refunds,
    schema.checkouts,
)
_NEXT = select(_JOBS.c.run_at).where(_JOBS.c.dead == False).order_by(_JOBS.c.run_at).limit(1)  # noqa: E712


class JobName(StrEnum):
    """Every kind of work; the worker matches them all."""

    ALERT = "alert"
    BILL_PERIOD = "bill_period"
    COLLECT = "collect"
    COMPARE_USAGE = "compare_usage"
    COMPLETE_CHECKOUT = "complete_checkout"
    DUN = "dun"
    EXPORT_USAGE = "export_usage"
    MAIL = "mail"
    NEW_CARD = "new_card"
    PROVIDER_SUBSCRIPTION = "provider_subscription"
    RECONCILE = "reconcile"
    REFUND = "refund"
    SEND = "send"
    SETTLE = "settle"


class JobStatus(StrEnum):
    """Where a job is: one that has failed, and is tried again by itself, is FAILING; one that was given up is DEAD."""

    WAITING = "waiting"
    RUNNING = "running"
    FAILING = "failing"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Job:
    """`subject` is the id of what it is about. `attempt` counts this run too. Only who holds the newest `fence` may end it."""

    id: JobId
    name: JobName
    subject: str
    attempt: int
    fence: int
    run_at: datetime
    error: str | None = None


def enqueue(conn: Connection, name: JobName, subject: str, *, run_at: datetime, key: str | None = None) -> None:
    """Writes the job down once per key (by default its name and subject).

    One that waits is brought forward to the earlier time. One that is running is run once more after it has finished, since
    what it has read may be older than this. One that is finished is gone, and one that is dead begins anew.
    """
    row = {"name": name.value, "subject": subject, "run_at": run_at, "attempt": 0, "fence": 0, "dead": False}
    conn.execute(_enqueue(conn.dialect.name), {"key": key or f"{name.value}:{subject}", **row})


@cache
def _enqueue(dialect: str) -> Insert:
    table = schema.jobs
    put = insert_of(dialect, table)
    running = table.c.leased_until.is_not(None)
    return put.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "again_at": case((running, func.coalesce(table.c.again_at, put.excluded.run_at)), else_=table.c.again_at),
            "run_at": case(
                (running, table.c.run_at),
                (table.c.dead == True, put.excluded.run_at),  # noqa: E712
                (put.excluded.run_at < table.c.run_at, put.excluded.run_at),
                else_=table.c.run_at,
            ),
            "attempt": case((table.c.dead == True, 0), else_=table.c.attempt),  # noqa: E712
            "dead": False,
        },
    )


def claim(
    conn: Connection,
    *,
    now: datetime,
    lease: timedelta,
    limit: int,
    names: Collection[JobName] | None = None,
    customers: Collection[CustomerId] | None = None,
) -> list[Job]:
    """Up to `limit` jobs that are due, the longest waiting first; nobody else is given them until `now + lease`.

    Of these `customers` alone, where they are given: what is about them, their subscriptions, their invoices or their money.
    """
    # By name, always: a newer version beside this one may have written down a kind of work that this one does not know.
    claimed = _claim(tuple(sorted(JobName if names is None else names)), of_some=customers is not None)
    owners = {} if customers is None else {"customers": sorted(customers)}
    rows = conn.execute(claimed, {"now": now, "until": now + lease, "most": limit, **owners})
    return sorted((_job(row) for row in rows), key=lambda job: int(job.id))


@cache
def _claim(names: tuple[JobName, ...], *, of_some: bool) -> "ReturningUpdate[Any]":
    table, until = schema.jobs, bindparam("until", type_=Instant())
    wanted = table.c.name.in_([literal(name.value, Key()) for name in names])
    due = select(table.c.id).where(table.c.dead == False, table.c.run_at <= bindparam("now"), wanted)  # noqa: E712
    if of_some:
        customers = bindparam("customers", expanding=True, type_=Key())
        theirs = [select(owned.c.id).where(owned.c.customer_id.in_(customers)) for owned in _OWNED]
        due = due.where(or_(table.c.subject.in_(customers), *(table.c.subject.in_(ids) for ids in theirs)))
    due = due.order_by(table.c.run_at, table.c.id).limit(bindparam("most", type_=Integer)).with_for_update(skip_locked=True)
    claimed = table.update().where(table.c.id.in_(due))
    claimed = claimed.values(run_at=until, leased_until=until, attempt=table.c.attempt + 1, fence=table.c.fence + 1)
    return claimed.returning(*table.c)


def finish(conn: Connection, job: Job) -> bool:
    """Done: the job is gone, or waits anew where it was enqueued while it ran. False where somebody else has it now."""
    mine = {"job": int(job.id), "held": job.fence}
    return any(conn.execute(ended, mine).one_or_none() is not None for ended in (_AGAIN, _DONE))


def retry(conn: Connection, job: Job, *, run_at: datetime, error: str) -> bool:
    """To be run again at `run_at`, and why. False where somebody else has it now."""
    later = {"job": int(job.id), "held": job.fence, "later": run_at, "why": error}
    return conn.execute(_RETRY, later).one_or_none() is not None


def bury(conn: Connection, job: Job, *, error: str) -> bool:
    """Given up, and kept for people to look at. False where somebody else has it now."""
    return conn.execute(_BURY, {"job": int(job.id), "held": job.fence, "why": error}).one_or_none() is not None


def due_count(conn: Connection, *, now: datetime) -> int:
    table = schema.jobs.c
    asked = select(func.count()).where(table.dead == False, table.run_at <= now)  # noqa: E712
    count: int = conn.execute(asked).scalar_one()
    return count


def next_due_at(conn: Connection) -> datetime | None:
    """When the next job may be claimed; None where none waits."""
    found: datetime | None = conn.execute(_NEXT).scalar_one_or_none()
    return found


def dead(conn: Connection, *, limit: int = 100) -> list[Job]:
    """Those that were given up, the newest first."""
    table = schema.jobs.c
    asked = select(schema.jobs).where(table.dead == True, table.name.in_(sorted(JobName)))  # noqa: E712
    asked = asked.order_by(table.run_at.desc(), table.id.desc())
    return [_job(row) for row in conn.execute(asked.limit(limit))]


def listed(conn: Connection, status: JobStatus, *, now: datetime, limit: int) -> list[Job]:
    """Those that stand so: what was given up the newest first, of all others the one that is due soonest."""
    if status is JobStatus.DEAD:
        return dead(conn, limit=limit)
    table = schema.jobs.c
    leased = table.leased_until > now
    free = table.leased_until.is_(None) | ~leased
    stands = {
        JobStatus.RUNNING: leased,
        JobStatus.FAILING: free & table.error.is_not(None),
        JobStatus.WAITING: free & table.error.is_(None),
    }
    asked = select(schema.jobs).where(table.dead == False, stands[status], table.name.in_(sorted(JobName)))  # noqa: E712
    return [_job(row) for row in conn.execute(asked.order_by(table.run_at, table.id).limit(limit))]


def find(conn: Connection, job_id: JobId, *, now: datetime) -> tuple[Job, JobStatus] | None:
    """The job, and where it is; None where it is done, or never was."""
    table = schema.jobs.c
    row = conn.execute(select(schema.jobs).where(table.id == int(job_id), table.name.in_(sorted(JobName)))).one_or_none()
    return None if row is None else (_job(row), _status(row, now))


def _status(row: Row[Any], now: datetime) -> JobStatus:
    if row.dead:
        return JobStatus.DEAD
    if row.leased_until is not None and row.leased_until > now:
        return JobStatus.RUNNING
    return JobStatus.WAITING if row.error is None else JobStatus.FAILING


def _job(row: Row[Any]) -> Job:
    return Job(JobId(str(row.id)), JobName(row.name), row.subject, row.attempt, row.fence, row.run_at, row.error)
