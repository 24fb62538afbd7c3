"""Verdicts on the wire: what became of one event, told as it happens, listed afterwards, or looked up by its id."""

from typing import Self

from pydantic import BaseModel

from tallystick.domain.amendments import Amendment
from tallystick.domain.usage import Recorded, Verdict
from tallystick.values.time import rfc3339
from tallystick.web.amendment_schemas import AmendmentShown
from tallystick.web.refusals import Refusal
from tallystick.web.schemas import EventShown


class VerdictShown(BaseModel):
    """What became of one event that was sent, and when. `event` is null where it was none that could be read."""

    at: str
    id: str
    verdict: str
    code: str | None
    reason: str | None
    event: EventShown | None

    @classmethod
    def of(cls, refusal: Refusal) -> Self:
        answer = refusal.answer
        return cls(
            at=rfc3339(refusal.at),
            id=answer.event_id,
            verdict=answer.verdict.value,
            code=answer.code,
            reason=answer.reason,
            event=None if refusal.event is None else EventShown.of(refusal.event),
        )

    @classmethod
    def recorded(cls, recorded: Recorded) -> Self:
        event, verdict = recorded.event, Verdict.RECORDED.value
        return cls(at=rfc3339(recorded.at), id=event.id, verdict=verdict, code=None, reason=None, event=EventShown.of(event))


class RefusalsShown(BaseModel):
    data: list[VerdictShown]


class FoundShown(VerdictShown):
    """One that was recorded; where `amendment` is not null, it counts no longer, and that says why."""

    amendment: AmendmentShown | None

    @classmethod
    def found(cls, recorded: Recorded, amendment: Amendment | None) -> Self:
        shown = None if amendment is None else AmendmentShown.of(amendment)
        return cls(**VerdictShown.recorded(recorded).model_dump(), amendment=shown)


class SearchShown(BaseModel):
    """`recorded` are those on disk, whoever's; `refused` those that this process did not record lately. Both the newest first."""

    recorded: list[FoundShown]
    refused: list[VerdictShown]
