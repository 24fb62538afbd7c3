"""Work is claimed by one, finished under its fence, and never lost."""

import threading
from datetime import datetime, timedelta

from sqlalchemy import Connection

from tallystick.storage import catalog, customers, invoices, jobs, payments
from tallystick.storage.database import Database
from tallystick.storage.jobs import Job, JobName
from tests.storage.worlds import ADA, BEN, NOW, TOKENS, a_payment, an_open_invoice

MINUTE = timedelta(minutes=1)


def claimed(conn: Connection, now: datetime = NOW, **how) -> list[Job]:
    return jobs.claim(conn, now=now, **{"lease": MINUTE, "limit": 10} | how)


def test_a_job_is_done_once(database: Database) -> None:
    with database.transaction("work") as conn:
        jobs.enqueue(conn, JobName.COLLECT, "pay_1", run_at=NOW)
        jobs.enqueue(conn, JobName.COLLECT, "pay_1", run_at=NOW)
        assert jobs.due_count(conn, now=NOW) == 1
        (job,) = claimed(conn)
        assert (job.name, job.subject, job.attempt) == (JobName.COLLECT, "pay_1", 1)
        assert claimed(conn) == []
        assert jobs.finish(conn, job)
        assert not jobs.finish(conn, job)
        assert jobs.next_due_at(conn) is None


def test_a_job_waits_for_its_time_and_may_be_brought_forward(database: Database) -> None:
    with database.transaction("work") as conn:
        jobs.enqueue(conn, JobName.COLLECT, "pay_1", run_at=NOW + 9 * MINUTE)
        assert claimed(conn) == []
        jobs.enqueue(conn, JobName.COLLECT, "pay_1", run_at=NOW + MINUTE)
        jobs.enqueue(conn, JobName.COLLECT, "pay_1", run_at=NOW + 5 * MINUTE)
        assert jobs.next_due_at(conn) == NOW + MINUTE
        assert len(claimed(conn, NOW + MINUTE)) == 1


def test_only_the_newest_fence_ends_a_job(database: Database) -> None:
    with database.transaction("work") as conn:
        jobs.enqueue(conn, JobName.SETTLE, "evt_1", run_at=NOW)
        (stalled,) = claimed(conn)
        (job,) = claimed(conn, NOW + MINUTE)
        assert (job.id, job.attempt) == (stalled.id, 2)
        assert not jobs.finish(conn, stalled)
        assert not jobs.retry(conn, stalled, run_at=NOW, error="late")
        assert not jobs.bury(conn, stalled, error="late")
        assert jobs.finish(conn, job)
        jobs.enqueue(conn, JobName.SETTLE, "evt_1", run_at=NOW)
        (anew,) = claimed(conn)
        assert anew.fence == stalled.fence
        assert not jobs.finish(conn, stalled), "a job of the same key is another job"


def test_what_is_enqueued_while_it_runs_is_run_once_more(database: Database) -> None:
    with database.transaction("work") as conn:
        jobs.enqueue(conn, JobName.COLLECT, "pay_1", run_at=NOW)
        (job,) = claimed(conn)
        jobs.enqueue(conn, JobName.COLLECT, "pay_1", run_at=NOW + MINUTE)
        assert jobs.finish(conn, job)
        assert claimed(conn) == []
        (again,) = claimed(conn, NOW + MINUTE)
        assert again.attempt == 1
        assert jobs.finish(conn, again)
        assert jobs.next_due_at(conn) is None


def test_a_retry_waits_no_longer_than_what_was_enqueued_meanwhile(database: Database) -> None:
    with database.transaction("work") as conn:
        jobs.enqueue(conn, JobName.COLLECT, "pay_1", run_at=NOW)
        (job,) = claimed(conn)
        jobs.enqueue(conn, JobName.COLLECT, "pay_1", run_at=NOW + MINUTE)
        assert jobs.retry(conn, job, run_at=NOW + 60 * MINUTE, error="no answer")
        (again,) = claimed(conn, NOW + MINUTE)
        assert (again.attempt, again.error) == (2, "no answer")


def test_a_retry_comes_at_its_time(database: Database) -> None:
    with database.transaction("work") as conn:
        jobs.enqueue(conn, JobName.COLLECT, "pay_1", run_at=NOW)
        (job,) = claimed(conn)
        assert jobs.retry(conn, job, run_at=NOW + 2 * MINUTE, error="no answer")
        assert claimed(conn, NOW + MINUTE) == []
        assert len(claimed(conn, NOW + 2 * MINUTE)) == 1


def test_the_dead_are_visible_and_begin_anew_when_asked(database: Database) -> None:
    with database.transaction("work") as conn:
        jobs.enqueue(conn, JobName.COLLECT, "pay_1", run_at=NOW)
        (job,) = claimed(conn)
        assert jobs.bury(conn, job, error="refused")
        assert [(dead.subject, dead.error) for dead in jobs.dead(conn)] == [("pay_1", "refused")]
        assert claimed(conn, NOW + 99 * MINUTE) == []
        jobs.enqueue(conn, JobName.COLLECT, "pay_1", run_at=NOW + MINUTE)
        assert jobs.dead(conn) == []
        (anew,) = claimed(conn, NOW + MINUTE)
        assert anew.attempt == 1


def test_only_the_names_asked_for_are_claimed(database: Database) -> None:
    with database.transaction("work") as conn:
        jobs.enqueue(conn, JobName.COLLECT, "pay_1", run_at=NOW)
        jobs.enqueue(conn, JobName.SETTLE, "evt_1", run_at=NOW, key="other key")
        assert [job.name for job in claimed(conn, names=[JobName.SETTLE])] == [JobName.SETTLE]
        assert [job.name for job in claimed(conn)] == [JobName.COLLECT]


def test_many_workers_share_the_work(database: Database) -> None:
    with database.transaction("work") as conn:
        for n in range(60):
            jobs.enqueue(conn, JobName.COLLECT, f"pay_{n}", run_at=NOW)
    done: list[str] = []
    workers = [threading.Thread(target=_work, args=(database, done)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert sorted(done) == sorted(f"pay_{n}" for n in range(60))


def _work(database: Database, done: list[str]) -> None:
    for _ in range(60):
        with database.transaction("claim") as conn:
            found = claimed(conn, limit=3)
        for job in found:
            with database.transaction("finish") as conn:
                if jobs.finish(conn, job):
                    done.append(job.subject)


def test_the_work_of_one_customer_can_be_claimed_without_that_of_others(database: Database) -> None:
    with database.transaction("work") as conn:
        customers.ensure(conn, [ADA, BEN], at=NOW)
        catalog.put_meter(conn, TOKENS, at=NOW)
        for number, who in enumerate((ADA, BEN), start=1):
            invoice = an_open_invoice(number, customer=who)
            invoices.add(conn, invoice)
            payments.add(conn, a_payment(invoice))
            jobs.enqueue(conn, JobName.COLLECT, a_payment(invoice).id, run_at=NOW)
            jobs.enqueue(conn, JobName.DUN, invoice.id, run_at=NOW)
            jobs.enqueue(conn, JobName.EXPORT_USAGE, who, run_at=NOW)
        jobs.enqueue(conn, JobName.RECONCILE, "2026-02-01", run_at=NOW)
        assert claimed(conn, customers=[]) == []
        hers = [(job.name, job.subject) for job in claimed(conn, customers=[ADA])]
        invoice = an_open_invoice(customer=ADA)
        assert hers == [(JobName.COLLECT, a_payment(invoice).id), (JobName.DUN, invoice.id), (JobName.EXPORT_USAGE, ADA)]
        assert len(claimed(conn)) == 4
