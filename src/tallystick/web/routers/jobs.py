"""What is left to do outside, how late it is, and what was given up: looked at, and begun anew."""

from typing import Annotated

from fastapi import Path, Query

from tallystick.web.door import Billing, Caller, Scope, router
from tallystick.web.job_schemas import JobShown, JobsShown, JobState, RetriedShown
from tallystick.web.schemas import Key, moment
from tallystick.web.security import needs

routes = router("jobs")
_ADMIN = [needs(Scope.ADMIN)]


@routes.get("/v1/jobs", dependencies=_ADMIN, summary="What is left to do, and what was given up")
def list_jobs(
    billing: Billing, status: Annotated[JobState, Query()] = "dead", limit: Annotated[int, Query(ge=1, le=200)] = 100
) -> JobsShown:
    """Those that were given up, the newest first; or those that wait, run or fail, the one that is due soonest first."""
    backlog = billing.backlog()
    return JobsShown(
        due=backlog.due,
        dead=backlog.dead,
        lag_seconds=int(backlog.lag.total_seconds()),
        worker_seen_at=moment(backlog.seen_at),
        data=[JobShown.of(job, status) for job in billing.jobs(status, limit=limit)],
    )


@routes.post("/v1/jobs/retry", dependencies=_ADMIN, summary="Begin anew what was given up")
def retry_jobs(billing: Billing, caller: Caller) -> RetriedShown:
    """All of it, once what was wrong is mended; asked again, nothing is left to begin."""
    return RetriedShown(retried=billing.retry_dead_jobs(actor=caller.actor))


@routes.post("/v1/jobs/{job_id}/retry", dependencies=_ADMIN, summary="Do one job now", status_code=202)
def retry_job(billing: Billing, caller: Caller, job_id: Annotated[Key, Path()]) -> JobShown:
    """One that was given up begins anew, one that waits is brought forward; while it runs: 409. No key is kept: twice is once."""
    job, status = billing.retry_job(job_id, actor=caller.actor)
    return JobShown.of(job, status.value)
