"""Usage arrives at `POST /v1/events`, a verdict for each event once it is on disk; events are amended, and read back."""

import json
from typing import Annotated
from urllib.parse import unquote

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from tallystick.domain.usage import Answer, Verdict
from tallystick.values.errors import Conflict, InvalidInput, NotFound
from tallystick.web import bodies, event_bodies, problems
from tallystick.web.amendment_schemas import AmendmentShown, CorrectionBody, RecordedShown, RetractionBody
from tallystick.web.door import Billing, Caller, Door, Scope, door_of, router
from tallystick.web.event_schemas import RECORD_EVENTS
from tallystick.web.once import IdempotencyKey, answered_once
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.periods import AskedSpan
from tallystick.web.schemas import EventShown, Key
from tallystick.web.security import needs

hot = router("events", plain=True)
routes = router("events")
_KIND = "events"


@hot.post(
    "/v1/events",
    dependencies=[needs(Scope.EVENTS_WRITE)],
    summary="Record usage: one event, or up to 1,000",
    openapi_extra=RECORD_EVENTS,
    status_code=202,
)
async def record_events(request: Request) -> Response:
    """An event sent twice is recorded once, by its customer, source and id; sending again is always safe.

    So an `Idempotency-Key` adds nothing here, and none is kept.
    """
    door = door_of(request)
    media_type = bodies.check_media_type(request, event_bodies.MEDIA_TYPES)
    raw = await bodies.read(request, event_bodies.BODY_BYTES_MAX)
    sent = _read(door, bodies.understood(raw), media_type)
    answers = await door.intake.record(sent.events) if sent.events else []
    if len(answers) < sent.count or any(answer.verdict is not Verdict.RECORDED for answer in answers):
        refused = ((answer, None) for answer in sent.refused.values())
        door.refusals.note((*zip(answers, sent.events, strict=True), *refused), at=door.billing.context.clock.now())
    if sent.single:
        _check_taken(answers[0])
    verdicts = _in_order(sent, answers)
    counts = {verdict.value: 0 for verdict in Verdict}
    for answer in verdicts:
        counts[answer.verdict] += 1
    for verdict, count in counts.items():
        if count:
            door.metrics.events.labels(verdict).inc(count)
    results = [{"id": said.event_id, "verdict": said.verdict, "code": said.code, "reason": said.reason} for said in verdicts]
    body = json.dumps({"results": results, **counts}, separators=(",", ":"))
    return Response(body, 202 if counts[Verdict.RECORDED] else 200, media_type="application/json")


def _read(door: Door, body: object, media_type: str) -> event_bodies.Sent:
    now = door.billing.context.clock.now()
    try:
        return event_bodies.read_events(body, media_type, now=now)
    except InvalidInput as refusal:
        answer = Answer(event_bodies.said_id(body), Verdict.REFUSED, refusal.code, refusal.message)
        door.refusals.note([(answer, None)], at=now)
        raise


def _in_order(sent: event_bodies.Sent, answers: list[Answer]) -> list[Answer]:
    if not sent.refused:
        return answers
    told = iter(answers)
    return [sent.refused.get(place) or next(told) for place in range(sent.count)]


def _check_taken(answer: Answer) -> None:
    """One event alone that was not taken is a request that was refused."""
    reason = answer.reason or answer.verdict.value
    if answer.verdict is Verdict.CONFLICT:
        raise Conflict(reason, code=answer.code)
    if answer.verdict is Verdict.REFUSED:
        raise InvalidInput(reason, code=answer.code, field=problems.field_path([reason.partition(":")[0]]) or None)


@routes.post(
    "/v1/events/corrections",
    dependencies=[needs(Scope.BILLING_WRITE)],
    summary="Let another event count in the place of a wrong one",
    response_model=AmendmentShown,
    status_code=201,
)
def correct_event(billing: Billing, caller: Caller, body: CorrectionBody, key: IdempotencyKey = None) -> Response:
    """Both stay as they were recorded. What it changes in a closed period is a line of the next invoice, by difference.

    Sent again it is the same correction; amended otherwise before: 409.
    """

    def effect() -> tuple[int, str]:
        right = body.replacement.to_domain(billing.event(body.customer, body.source, body.id))
        amendment = billing.correct(
            body.customer, body.source, body.id, replacement=right, reason=body.reason, actor=caller.actor
        )
        return 201, AmendmentShown.of(amendment).model_dump_json()

    return answered_once(billing, key, "POST /v1/events/corrections", body, effect)[0]


@routes.post(
    "/v1/events/retractions",
    dependencies=[needs(Scope.BILLING_WRITE)],
    summary="Let an event count no longer",
    response_model=AmendmentShown,
    status_code=201,
)
def retract_event(billing: Billing, caller: Caller, body: RetractionBody, key: IdempotencyKey = None) -> Response:
    """It stays as it was recorded. What was billed of it in a closed period is given back on the next invoice.

    Sent again it is the same retraction; corrected before: 409.
    """

    def effect() -> tuple[int, str]:
        amendment = billing.retract(body.customer, body.source, body.id, reason=body.reason, actor=caller.actor)
        return 201, AmendmentShown.of(amendment).model_dump_json()

    return answered_once(billing, key, "POST /v1/events/retractions", body, effect)[0]


@routes.get("/v1/events", dependencies=[needs(Scope.USAGE_READ)], summary="The events of a customer that count, oldest first")
def list_events(
    billing: Billing,
    asked: AskedPage,
    span: AskedSpan,
    customer: Annotated[Key, Query()],
    meter: Annotated[Key | None, Query()] = None,
) -> Page[EventShown]:
    place = asked.place(_KIND)
    after = None if place is None else billing.event(customer, str(place[0]), str(place[1]))
    rows = billing.events(customer, meter_key=meter, period=span.period(), after=after, limit=asked.limit + 1)
    return page(rows, asked.limit, EventShown.of, lambda event: (event.source, event.id), kind=_KIND)


@routes.get("/v1/events/{source:path}/{event_id}", dependencies=[needs(Scope.USAGE_READ)], summary="One event")
def get_event(
    request: Request,
    billing: Billing,
    source: Annotated[Key, Path()],
    event_id: Annotated[Key, Path()],
    customer: Annotated[Key, Query()],
) -> RecordedShown:
    """As it was recorded, and what became of it. A slash within `source` or `event_id` is sent as %2F."""
    raw: bytes | None = request.scope.get("raw_path")
    if raw is not None:
        # Decoded, a slash of the source could not be told from the one behind it.
        source, event_id = (unquote(part) for part in raw.partition(b"?")[0].decode("ascii", "replace").rsplit("/", 2)[1:])
    if "\0" in source + event_id:
        raise NotFound("event: there is no such event", field="event")
    return RecordedShown.recorded(billing.event(customer, source, event_id), billing.amendment(customer, source, event_id))
