"""Exports of usage on the wire: those of which nobody can tell whether the provider counts them, and a person's word on one."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from tallystick.domain.usage_exports import Export
from tallystick.flows.clear_usage import UnclearUsage
from tallystick.values.decimals import plain
from tallystick.values.time import rfc3339
from tallystick.web.amendment_schemas import Reason
from tallystick.web.schemas import Key, Number, Sent

PartSaid = Literal["usage", "reversal"]


class ClearBody(Sent):
    """Which export, what is so, and why. `said`: `delivered`, the provider counts it; `send_again`, it does not."""

    customer: Key
    id: Annotated[Key, Field(description="The event's.")]
    source: Key = "api"
    part: PartSaid = "usage"
    said: Literal["delivered", "send_again"]
    reason: Reason


class ExportShown(BaseModel):
    """What the provider's meter `export_as` was told of one event. `identifier` is its name there."""

    customer: str
    source: str
    id: str
    part: PartSaid
    meter: str
    export_as: str
    identifier: str
    quantity: Number
    at: str
    status: Literal["pending", "sent", "canceled", "reversed", "dropped", "rejected", "unclear"]
    amended: bool
    code: str | None
    reason: str | None

    @classmethod
    def of(cls, row: Export) -> Self:
        return cls.model_validate(_export(row))


class UnclearShown(ExportShown):
    """`without` and `with` are what the provider should have in that minute without it, and with it; `provider` what it has."""

    without: Number
    with_it: Annotated[Number, Field(serialization_alias="with")]
    provider: Number | None
    problem: str | None

    @classmethod
    def unclear(cls, found: UnclearUsage) -> Self:
        figures = {"without": plain(found.without), "with_it": plain(found.with_it), "problem": found.problem}
        provider = None if found.provider is None else plain(found.provider)
        return cls.model_validate(_export(found.row) | figures | {"provider": provider})


def _export(row: Export) -> dict[str, object]:
    return {
        "customer": row.customer_id,
        "source": row.source,
        "id": row.event_id,
        "part": row.part.value,
        "meter": row.meter_key,
        "export_as": row.event_name,
        "identifier": row.identifier,
        "quantity": plain(row.quantity),
        "at": rfc3339(row.at),
        "status": row.status.value,
        "amended": row.amended,
        "code": row.code,
        "reason": row.reason,
    }
