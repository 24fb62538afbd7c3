"""Clear what is unclear of usage at the provider: show what it counts there, and do as a person says who has looked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from tallystick import domain, storage
from tallystick.domain.usage_exports import Clearing, Export, Part
from tallystick.flows import _customer_ref
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refused, Unknown
from tallystick.storage.jobs import JobName
from tallystick.values.decimals import EXACT
from tallystick.values.errors import Conflict, InvalidInput, NotFound
from tallystick.values.ids import CustomerId, EventId

_REASON_MAX = 500


@dataclass(frozen=True, slots=True)
class ExportName:
    """Which export: of which event, and of which part of its life."""

    customer_id: CustomerId
    source: str
    event_id: EventId
    part: Part = Part.USAGE


@dataclass(frozen=True, slots=True)
class UnclearUsage:
    """An unclear export, and what helps to decide: what the provider's meter should have in its minute without it and with it.

    `provider` is what it has, where it was asked and could say; else `problem` says why not.
    """

    row: Export
    without: Decimal
    with_it: Decimal
    provider: Decimal | None = None
    problem: str | None = None


def look_at_unclear(ctx: Context, rows: Sequence[Export], *, ask: bool) -> list[UnclearUsage]:
    """Each with its figures; `ask` asks the provider, once for each."""
    return [_looked(ctx, row, ask=ask) for row in rows]


def clear_usage(ctx: Context, name: ExportName, clearing: Clearing, *, reason: str, actor: str = "system") -> Export:
    """The export as it then stands, audited; said again, it is the same.

    Raises NotFound, and Conflict where nothing about it is unclear.
    """
    said, now = reason.strip(), ctx.clock.now()
    if not 1 <= len(said) <= _REASON_MAX:
        raise InvalidInput(f"reason: say why, in up to {_REASON_MAX} characters", field="reason")
    with ctx.database.transaction("clear usage") as conn:
        rows = storage.usage_exports.of_event(conn, name.customer_id, name.source, name.event_id)
        before = next((row for row in rows if row.part is name.part), None)
        if before is None:
            raise NotFound("event: nothing was exported of such an event", field="event")
        after = domain.usage_exports.cleared(before, clearing, reason=said, now=now)
        if after == before:
            return before
        kept = replace(after, version=before.version + 1)
        if not storage.usage_exports.move(conn, before, kept):
            raise Conflict(f"event {name.event_id}: its export has moved meanwhile; look again", code="changed_meanwhile")
        storage.jobs.enqueue(conn, JobName.EXPORT_USAGE, name.customer_id, run_at=now)
        ctx.faults.mark(f"export.cleared.{clearing}")
        about = {"customer": name.customer_id, "source": name.source, "event": name.event_id, "part": name.part.value}
        act = storage.audit.Act(
            actor, f"usage_export.{clearing}", kept.identifier,
            before={**about, "status": before.status.value, "why": before.reason}, after={**about, "status": kept.status.value},
            reason=said,
        )  # fmt: skip
        storage.audit.append(conn, act, at=now)
    return kept


def _looked(ctx: Context, row: Export, *, ask: bool) -> UnclearUsage:
    with ctx.database.reading() as conn:
        others = storage.usage_exports.held(conn, row.customer_id, row.event_name, row.minute, but=row)
    without, with_it = others.counted, EXACT.add(others.counted, row.quantity)
    if not ask:
        return UnclearUsage(row, without, with_it)
    ref = _customer_ref.of(ctx, row.customer_id)
    told = ctx.provider.usage_total(row.event_name, ref, row.minute) if isinstance(ref, str) else ref
    if isinstance(told, Refused | Limited | Unknown):
        return UnclearUsage(row, without, with_it, None, told.message)
    return UnclearUsage(row, without, with_it, told)
