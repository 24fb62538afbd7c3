"""Jobs on the wire: what is to be done outside, how it stands, and what the provider said when it failed."""

import re
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel

from tallystick.values.time import rfc3339

if TYPE_CHECKING:
    from tallystick.storage.jobs import Job

JobState = Literal["waiting", "running", "failing", "dead"]
_REQUEST_ID = re.compile(r"\breq_\w+", re.ASCII)


class JobShown(BaseModel):
    """`run_at` is when it is due; of one that runs, until when it is left alone. `request_ids` are those the provider named."""

    id: str
    name: str
    subject: str
    status: JobState
    attempts: int
    run_at: str
    error: str | None
    request_ids: list[str]

    @classmethod
    def of(cls, job: "Job", status: JobState) -> Self:
        return cls(
            id=job.id,
            name=job.name.value,
            subject=job.subject,
            status=status,
            attempts=job.attempt,
            run_at=rfc3339(job.run_at),
            error=job.error,
            request_ids=_REQUEST_ID.findall(job.error or ""),
        )


class JobsShown(BaseModel):
    """`due` are waiting to be done, the oldest for `lag_seconds`; `dead` were given up; `data` are those that were asked for."""

    due: int
    dead: int
    lag_seconds: int
    worker_seen_at: str | None
    data: list[JobShown]


class RetriedShown(BaseModel):
    retried: int
