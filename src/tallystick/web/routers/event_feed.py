"""The event debugger: what becomes of events as they come, what was not recorded lately, and every event of one id."""

from typing import Annotated

from fastapi import Header, Query
from starlette.responses import StreamingResponse

from tallystick.values.time import from_micros
from tallystick.web.door import Billing, Scope, TheDoor, router
from tallystick.web.schemas import Key
from tallystick.web.security import needs
from tallystick.web.tail import Followed, Tail
from tallystick.web.verdict_schemas import FoundShown, RefusalsShown, SearchShown, VerdictShown

routes = router("events")
FOUND_MAX = 20
_Limit = Annotated[int, Query(ge=1, le=200)]
_LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", pattern="^[0-9]{1,16}$", description="`id` of the last frame that came.")
]
_FRAME = {"type": "object", "properties": {name: {"type": "string"} for name in ("id", "event", "data")}}
_FRAMES = {"text/event-stream": {"schema": {**_FRAME, "description": "Of each frame."}}}


@routes.get("/v1/events/refusals", dependencies=[needs(Scope.USAGE_READ)], summary="Events that were not recorded lately")
def list_refusals(door: TheDoor, event_id: Annotated[Key | None, Query(alias="id")] = None, limit: _Limit = 50) -> RefusalsShown:
    """Newest first; of this process since it began, the last five hundred. Duplicates are among them."""
    return RefusalsShown(data=[VerdictShown.of(refusal) for refusal in door.refusals.newest(event_id=event_id, limit=limit)])


@routes.get("/v1/events/search", dependencies=[needs(Scope.USAGE_READ)], summary="Every event of one id, whoever's")
def search_events(door: TheDoor, billing: Billing, event_id: Annotated[Key, Query(alias="id")]) -> SearchShown:
    """What was recorded under this id, and what was not recorded lately; up to twenty of each."""
    return SearchShown(
        recorded=[FoundShown.found(*found) for found in billing.find_events(event_id, limit=FOUND_MAX)],
        refused=[VerdictShown.of(refusal) for refusal in door.refusals.newest(event_id=event_id, limit=FOUND_MAX)],
    )


@routes.get(
    "/v1/events/tail",
    dependencies=[needs(Scope.ADMIN)],
    summary="Follow events as they are recorded or refused",
    response_class=StreamingResponse,
    responses={200: {"description": "Frames, until the follower goes.", "content": _FRAMES}},
)
async def tail_events(
    door: TheDoor,
    customer: Annotated[Key | None, Query()] = None,
    meter: Annotated[Key | None, Query()] = None,
    last_event_id: _LastEventId = None,
) -> Followed:
    """Server-sent events: `verdict`, one for each event, at least once; `skipped`, where more came than is told.

    It begins with the newest fifty; with `Last-Event-ID`, where that one was. After a minute it ends, to be asked for anew.
    """
    since = None if last_event_id is None else from_micros(int(last_event_id))
    return Followed(Tail(door.billing, door.refusals, customer, meter, since), door.followers)
