"""Work that was given up is seen in the shell, and begun anew there."""

from datetime import UTC, datetime

from tallystick.storage.database import Database
from tallystick.storage.jobs import JobName, bury, claim, dead, enqueue
from tests.cli.conftest import Shell


def test_dead_jobs_are_listed_with_their_reason_and_begun_anew(shell: Shell) -> None:
    shell("migrate")
    database, now = Database.from_url(f"sqlite:///{shell.folder / 'tallystick.db'}"), datetime(2026, 1, 1, tzinfo=UTC)
    with database.transaction("bury") as conn:
        enqueue(conn, JobName.SETTLE, "evt_1", run_at=now)
        (job,) = claim(conn, now=now, lease=now - now, limit=1)
        bury(conn, job, error="crashed: KeyError")
    assert shell.json("jobs") == [{"name": "settle", "subject": "evt_1", "attempts": 1, "error": "crashed: KeyError"}]
    assert "1 begin anew" in shell("jobs", "--retry")
    assert shell.json("jobs") == []
    with database.reading() as conn:
        assert dead(conn) == []
    database.close()
