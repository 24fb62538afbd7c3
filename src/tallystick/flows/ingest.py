"""Record usage: each event once, for ever, with its rollups in the same transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from tallystick import domain, storage
from tallystick.domain.usage import Answer, Event, Meter, Verdict
from tallystick.flows.context import Context
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import MeterKey

_REASONS = {
    Verdict.RECORDED: (None, None),
    Verdict.DUPLICATE: (None, None),
    Verdict.REFUSED: (None, None),
    Verdict.CONFLICT: ("conflict", "an event of this customer, source and id says something else; the first one stands"),
}


def ingest(ctx: Context, events: Sequence[Event], *, backfill: bool = False, actor: str = "system") -> list[Answer]:
    """A verdict per event, in order. What is recorded is on disk when this returns.

    `backfill` takes events older than 35 days; it is an act of `actor`, and is audited.
    """
    now = ctx.clock.now()
    with ctx.database.transaction("ingest") as conn:
        meters = storage.catalog.meters(conn)
        answers, good = _sorted_out(events, meters, now=now, backfill=backfill)
        verdicts = storage.usage.append(conn, [(events[i], meters[events[i].meter_key]) for i in good], at=now)
        if backfill and Verdict.RECORDED in verdicts:
            first, last = events[good[0]], events[good[-1]]
            span = {"events": verdicts.count(Verdict.RECORDED), "first": first.id, "last": last.id}
            storage.audit.append(conn, storage.audit.Act(actor, "events.backfill", first.source, after=span), at=now)
    for i, verdict in zip(good, verdicts, strict=True):
        code, reason = _REASONS[verdict]
        answers[i] = Answer(events[i].id, verdict, code, reason)
    return [answer for answer in answers if answer is not None]


def _sorted_out(
    events: Sequence[Event], meters: Mapping[MeterKey, Meter], *, now: datetime, backfill: bool
) -> tuple[list[Answer | None], list[int]]:
    answers: list[Answer | None] = [None] * len(events)
    good = []
    for i, event in enumerate(events):
        try:
            domain.usage.checked_event(event, meters.get(event.meter_key), now=now, backfill=backfill)
        except InvalidInput as refusal:
            answers[i] = Answer(event.id, Verdict.REFUSED, refusal.code, refusal.message)
        else:
            good.append(i)
    return answers, good
