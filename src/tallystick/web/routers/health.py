"""Is it alive, is it ready, and how is it doing."""

from typing import Literal

from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from tallystick.flows.backlog import Backlog
from tallystick.values.errors import TallystickError
from tallystick.values.time import rfc3339
from tallystick.web.door import Door, TheDoor, router
from tallystick.web.metrics import CONTENT_TYPE
from tallystick.web.provider_check import Standing
from tallystick.web.security import PUBLIC

routes = router("health")
JOB_LAG_MAX_S = 300


class Alive(BaseModel):
    status: Literal["ok"]


class Ready(BaseModel):
    """`worker` is late where a due job has waited for five minutes, or none has been seen for as long.

    `provider` is who stands behind, `provider_status` whether an answer came in the last minutes, and `circuits` the kinds of its
    endpoints that are left alone because they do not answer. Neither takes readiness away: usage is still recorded.
    """

    status: Literal["ok", "not_ready"]
    database: str
    schema_version: str | None
    worker: Literal["ok", "late", "unknown"]
    jobs_due: int | None
    jobs_dead: int | None
    job_lag_seconds: int | None
    worker_seen_at: str | None
    provider: str
    provider_status: Standing
    circuits: dict[str, str]


@routes.get("/healthz", dependencies=[PUBLIC], summary="The process answers")
def healthz() -> Alive:
    return Alive(status="ok")


@routes.get(
    "/readyz",
    dependencies=[PUBLIC],
    summary="The database answers, with the schema that this code needs",
    response_model=Ready,
    responses={503: {"model": Ready, "description": "Not ready; `database` says why."}},
)
def readyz(door: TheDoor) -> Response:
    """A late worker is told, and takes nothing away: usage is still recorded."""
    database, version, backlog = "ok", None, None
    try:
        version = door.billing.context.database.schema_version()
        door.billing.context.database.check_schema()
        backlog = door.billing.backlog()
    except TallystickError as error:
        database = error.code
    ready = _ready(door, database, version, backlog)
    return JSONResponse(ready.model_dump(), 200 if database == "ok" else 503)


def _ready(door: Door, database: str, version: str | None, backlog: Backlog | None) -> Ready:
    context = door.billing.context
    lag = None if backlog is None else int(backlog.lag.total_seconds())
    seen_at = None if backlog is None else backlog.seen_at
    gone = seen_at is not None and (context.clock.now() - seen_at).total_seconds() > JOB_LAG_MAX_S
    return Ready(
        status="ok" if database == "ok" else "not_ready",
        database=database,
        schema_version=version,
        worker="unknown" if lag is None else "late" if gone or lag > JOB_LAG_MAX_S else "ok",
        jobs_due=None if backlog is None else backlog.due,
        jobs_dead=None if backlog is None else backlog.dead,
        job_lag_seconds=lag,
        worker_seen_at=None if seen_at is None else rfc3339(seen_at),
        provider=context.provider.name,
        provider_status=door.check.standing(),
        circuits=door.check.circuits(),
    )


@routes.get(
    "/metrics",
    dependencies=[PUBLIC],
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(door: TheDoor) -> Response:
    """No names of customers in it: who may reach the port may read it."""
    backlog = door.billing.backlog()
    door.metrics.jobs.labels("due").set(backlog.due)
    door.metrics.jobs.labels("dead").set(backlog.dead)
    door.metrics.job_lag.set(backlog.lag.total_seconds())
    door.metrics.watched(door.billing.operations())
    provider = door.billing.context.provider
    door.metrics.asked({} if provider.circuits is None else provider.circuits.states())
    door.metrics.waited({} if provider.paces is None else provider.paces.waited())
    return Response(door.metrics.page(), media_type=CONTENT_TYPE)
