"""Is it alive, is it ready, and how is it doing."""

from typing import Literal

from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from tallystick.flows.backlog import Backlog
from tallystick.values.errors import TallystickError
from tallystick.web.door import TheDoor, router
from tallystick.web.metrics import CONTENT_TYPE
from tallystick.web.security import PUBLIC

routes = router("health")
JOB_LAG_MAX_S = 300


class Alive(BaseModel):
    status: Literal["ok"]


class Ready(BaseModel):
    """`worker` is late where a due job has waited for five minutes. `provider` is who stands behind; it is not asked."""

    status: Literal["ok", "not_ready"]
    database: str
    schema_version: str | None
    worker: Literal["ok", "late", "unknown"]
    jobs_due: int | None
    jobs_dead: int | None
    job_lag_seconds: int | None
    provider: str


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
    ready = _ready(door.billing.context.provider.name, database, version, backlog)
    return JSONResponse(ready.model_dump(), 200 if database == "ok" else 503)


def _ready(provider: str, database: str, version: str | None, backlog: Backlog | None) -> Ready:
    lag = None if backlog is None else int(backlog.lag.total_seconds())
    return Ready(
        status="ok" if database == "ok" else "not_ready",
        database=database,
        schema_version=version,
        worker="unknown" if lag is None else "late" if lag > JOB_LAG_MAX_S else "ok",
        jobs_due=None if backlog is None else backlog.due,
        jobs_dead=None if backlog is None else backlog.dead,
        job_lag_seconds=lag,
        provider=provider,
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
    return Response(door.metrics.page(), media_type=CONTENT_TYPE)
