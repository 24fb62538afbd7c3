"""Work that was given up, or that waits: to be looked at, and begun anew once what was wrong is mended."""

import re

from tallystick import storage
from tallystick.flows.context import Context
from tallystick.storage.jobs import Job, JobStatus
from tallystick.values.errors import Conflict, InvalidInput, NotFound
from tallystick.values.ids import JobId

_BATCH = 500
_ID = re.compile(r"[0-9]{1,18}", re.ASCII)


def dead_jobs(ctx: Context, *, limit: int = 100) -> list[Job]:
    """The newest first, each with its last error."""
    with ctx.database.reading() as conn:
        return storage.jobs.dead(conn, limit=limit)


def list_jobs(ctx: Context, status: str, *, limit: int = 100) -> list[Job]:
    """Those that stand so, each with its last error. Raises InvalidInput."""
    if status not in {known.value for known in JobStatus}:
        raise InvalidInput(f"status: one of {', '.join(JobStatus)}", field="status")
    with ctx.database.reading() as conn:
        return storage.jobs.listed(conn, JobStatus(status), now=ctx.clock.now(), limit=limit)


def retry_job(ctx: Context, job_id: str, *, actor: str = "system") -> tuple[Job, JobStatus]:
    """The job, due now; one that was given up begins anew, and one that is due already stays as it is.

    Raises NotFound, and Conflict while it runs.
    """
    now = ctx.clock.now()
    with ctx.database.transaction("retry job") as conn:
        found = storage.jobs.find(conn, JobId(job_id), now=now) if _ID.fullmatch(job_id) else None
        if found is None:
            raise NotFound("job: there is no such job; what is done is gone", field="job")
        job, status = found
        if status is JobStatus.RUNNING:
            raise Conflict(f"job {job_id}: is running just now; see first what becomes of it", code="job_running")
        if status is JobStatus.DEAD or job.run_at > now:
            storage.jobs.enqueue(conn, job.name, job.subject, run_at=now)
            what = {"name": job.name.value, "subject": job.subject, "status": status.value, "attempts": job.attempt}
            storage.audit.append(conn, storage.audit.Act(actor, "job.retried", job.id, before=what), at=now)
        again = storage.jobs.find(conn, job.id, now=now)
        assert again is not None, "it waits"
        return again


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
