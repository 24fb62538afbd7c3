"""Work that was given up: to be looked at, and begun anew once what was wrong is mended."""

from tallystick import storage
from tallystick.flows.context import Context
from tallystick.storage.jobs import Job

_BATCH = 500


def dead_jobs(ctx: Context, *, limit: int = 100) -> list[Job]:
    """The newest first, each with its last error."""
    with ctx.database.reading() as conn:
        return storage.jobs.dead(conn, limit=limit)


def retry_dead_jobs(ctx: Context, *, actor: str = "system") -> int:
    """How many begin anew: due now, with as many attempts before them as at first."""
    now, retried = ctx.clock.now(), 0
    while True:
        with ctx.database.transaction("retry dead jobs") as conn:
            jobs = storage.jobs.dead(conn, limit=_BATCH)
            if not jobs:
                return retried
            for job in jobs:
                storage.jobs.enqueue(conn, job.name, job.subject, run_at=now)
            storage.audit.append(conn, storage.audit.Act(actor, "jobs.retried", "jobs", after={"jobs": len(jobs)}), at=now)
        retried += len(jobs)
