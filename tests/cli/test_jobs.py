"""Work is seen in the shell by where it is; what was given up is begun anew there, all of it or one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tallystick.storage.database import Database
from tallystick.storage.jobs import Job, JobName, bury, claim, enqueue, retry
from tests.cli.conftest import Shell

LONG_AGO, IN_A_CENTURY = datetime(2026, 1, 1, tzinfo=UTC), datetime(2126, 1, 1, tzinfo=UTC)


@pytest.fixture
def database(shell: Shell) -> Iterator[Database]:
    shell("migrate")
    opened = Database.from_url(f"sqlite:///{shell.folder / 'tallystick.db'}")
    yield opened
    opened.close()


def claimed(database: Database, subject: str, *, lease: timedelta = timedelta(0)) -> Job:
    """A job that a worker has taken, and holds that long."""
    with database.transaction("claim") as conn:
        enqueue(conn, JobName.SETTLE, subject, run_at=LONG_AGO)
        (job,) = claim(conn, now=LONG_AGO, lease=lease, limit=1)
    return job


def buried(database: Database, subject: str) -> Job:
    job = claimed(database, subject)
    with database.transaction("bury") as conn:
        bury(conn, job, error="crashed: KeyError")
    return job


def subjects(shell: Shell, status: str) -> list[str]:
    return [each["subject"] for each in shell.json("jobs", "--status", status)]


def test_dead_jobs_are_listed_with_their_reason_and_begun_anew(shell: Shell, database: Database) -> None:
    job = buried(database, "evt_1")
    (shown,) = shell.json("jobs")
    assert (shown["id"], shown["name"], shown["subject"], shown["status"]) == (job.id, "settle", "evt_1", "dead")
    assert (shown["attempts"], shown["error"]) == (1, "crashed: KeyError")
    assert "0 due; 1 given up; no worker was seen yet" in shell("jobs")
    assert "begun anew: 1" in shell("jobs", "--retry")
    assert shell.json("jobs") == []
    assert "1 due, the oldest for" in shell("jobs")


def test_jobs_are_listed_by_where_they_are(shell: Shell, database: Database) -> None:
    buried(database, "evt_dead")
    failing = claimed(database, "evt_failing")
    with database.transaction("fail") as conn:
        retry(conn, failing, run_at=IN_A_CENTURY, error="api_error: Stripe is down")
    claimed(database, "evt_running", lease=IN_A_CENTURY - LONG_AGO)
    with database.transaction("wait") as conn:
        enqueue(conn, JobName.SETTLE, "evt_waiting", run_at=IN_A_CENTURY)
    for status in ("dead", "failing", "running", "waiting"):
        assert subjects(shell, status) == [f"evt_{status}"]
    assert "Stripe is down" in shell("jobs", "--status", "failing")
    assert shell.json("jobs", "--status", "waiting")[0]["run_at"] == "2126-01-01T00:00:00Z"
    shell("jobs", "--status", "lost", exit_status=1)
    assert shell.err == "tallystick: status: one of waiting, running, failing, dead [invalid_input]\n"


def test_one_job_begins_anew_and_the_others_stay(shell: Shell, database: Database) -> None:
    first, _ = buried(database, "evt_1"), buried(database, "evt_2")
    for _ in range(2):
        begun = shell.json("jobs", "retry", first.id)
        assert (begun["id"], begun["status"], begun["attempts"]) == (first.id, "failing", 0), "until it has gone well"
    assert f"{first.id}: settle evt_1, failing, due " in shell("jobs", "retry", first.id)
    assert (subjects(shell, "dead"), subjects(shell, "failing")) == (["evt_2"], ["evt_1"])
    assert [act["actor"] for act in shell.json("audit") if act["action"] == "job.retried"] == ["shell"], "twice is once"


def test_a_job_that_runs_is_left_alone_and_one_that_is_not_there_is_not_found(shell: Shell, database: Database) -> None:
    running = claimed(database, "evt_1", lease=IN_A_CENTURY - LONG_AGO)
    shell("jobs", "retry", running.id, exit_status=1)
    assert shell.err.endswith("[job_running]\n")
    for unknown in ("999", "settle"):
        shell("jobs", "retry", unknown, exit_status=1)
        assert shell.err == "tallystick: job: there is no such job; what is done is gone [not_found]\n"


def test_all_are_begun_anew_only_of_what_was_given_up(shell: Shell, database: Database) -> None:
    buried(database, "evt_1")
    shell("jobs", "--status", "failing", "--retry", exit_status=1)
    assert "--retry" in shell.err
    assert subjects(shell, "dead") == ["evt_1"]
