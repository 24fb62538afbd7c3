"""Usage for the provider's meters: found in what was recorded, sent, taken back, and heard of again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import assert_never

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.usage import BACK_MAX, Meter
from tallystick.domain.usage_exports import Export, ExportStatus, ExportStep, Rejection
from tallystick.flows import _customer_ref
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refused, Taken, Unknown, UsageOutcome, UsageRequest, UsageTotal
from tallystick.storage.usage_exports import ChangedHour, Which
from tallystick.values.ids import CustomerId
from tallystick.values.time import Period

_HOURS_AT_ONCE = 200
_AT_ONCE = 50
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Progress:
    """What came of a few rows. `again_in`: the provider has to be asked later; None: go on at once, until nothing is `done`.

    `refusal` is what a person has to mend before anything can be sent.
    """

    done: Sequence[Export] = ()
    again_in: timedelta | None = None
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True)
class _Question:
    """What to ask of the provider, and about which row: as it was before, and as it is since we wrote down to ask."""

    before: Export
    row: Export
    step: ExportStep


def find(
    ctx: Context, conn: Connection, period: Period, *, customer_id: CustomerId | None = None
) -> tuple[set[CustomerId], bool]:
    """Gives every event of the period that is to be exported its row: whose there were, and whether that was all."""
    found: set[CustomerId] = set()
    is_all = True
    for meter, since in storage.catalog.exported(conn):
        # What was too old when the export began is no part of it.
        first = max(period.start, storage.usage_exports.hour_of(since - BACK_MAX) + _HOUR)
        if first >= period.end:
            continue
        hours = storage.usage_exports.changed_hours(
            conn, meter, Period(first, period.end), customer_id=customer_id, limit=_HOURS_AT_ONCE
        )
        is_all &= len(hours) < _HOURS_AT_ONCE
        found |= _taken(ctx, conn, meter, hours)
    return found, is_all


def _taken(ctx: Context, conn: Connection, meter: Meter, hours: Sequence[ChangedHour]) -> set[CustomerId]:
    now = ctx.clock.now()
    for customer_id, hour in sorted({(each.customer_id, each.hour) for each in hours}):
        events = storage.usage_exports.unknown_events(conn, customer_id, meter, hour)
        rows = [domain.usage_exports.export(event, meter, now=now) for event in events]
        storage.usage_exports.add(conn, rows, meter)
        if storage.usage_exports.note_amended(conn, customer_id, meter, hour):
            ctx.faults.mark("export.amended")
    storage.usage_exports.looked_at(conn, meter, hours)
    return {each.customer_id for each in hours}


def due(ctx: Context, *, period: Period | None = None, event_name: str | None = None) -> Which:
    """What may be sent by now."""
    return Which(domain.usage_exports.sendable_until(ctx.clock.now()), period, event_name)


def send_some(ctx: Context, customer_id: CustomerId, which: Which) -> Progress:
    """Takes a few of the customer's rows one step on: written down, asked outside, written down."""
    with ctx.database.reading() as conn:
        customer = storage.customers.get(conn, customer_id)
        waiting = storage.usage_exports.to_do(conn, customer_id, which, limit=1)
    if customer is None or not waiting:
        return Progress()
    ref = customer.provider_ref or _customer_ref.of(ctx, customer_id)
    if not isinstance(ref, str):
        return _no_customer(ref)
    with ctx.database.transaction("ask about usage") as conn:
        # Where the last answer did not come, one question shows whether the next one does.
        limit = 1 if domain.usage_exports.is_unknown(waiting[0]) else _AT_ONCE
        rows = storage.usage_exports.to_do(conn, customer_id, which, limit=limit)
        done, questions = _begun(ctx, conn, rows)
    answers: list[UsageOutcome | UsageTotal] = []
    for question in questions:
        ctx.faults.point("export:asked")
        answers.append(_ask(ctx, question, ref))
        if _stops(answers[-1]):
            break
    with ctx.database.transaction("answer about usage") as conn:
        done += _answered(ctx, conn, questions, answers)
    return Progress(done, *_stopped(answers))


def _no_customer(ref: Refused | Limited | Unknown) -> Progress:
    match ref:
        case Refused():
            return Progress(refusal=ref)
        case Limited(after=after) | Unknown(after=after):
            return Progress(again_in=after)
        case _:
            assert_never(ref)


def _begun(ctx: Context, conn: Connection, rows: Sequence[Export]) -> tuple[list[Export], list[_Question]]:
    """What could be ended without the provider, and what it is to be asked, on disk before it is."""
    now = ctx.clock.now()
    done: list[Export] = []
    questions: list[_Question] = []
    for row in rows:
        step = domain.usage_exports.next_step(row, now=now)
        ended = _ended(ctx, conn, row, step)
        if ended is not None:
            done += _save(ctx, conn, row, ended)
        elif step is not ExportStep.NOTHING:
            saved = _save(ctx, conn, row, domain.usage_exports.asked(row, step, now=now))
            questions += [_Question(row, each, step) for each in saved]
    return done, questions


def _ended(ctx: Context, conn: Connection, row: Export, step: ExportStep) -> Export | None:
    """The row at its end, where nobody has to be asked for that; None where somebody has."""
    now = ctx.clock.now()
    match step:
        case ExportStep.DROP:
            ctx.faults.mark("export.dropped")
            return domain.usage_exports.moved(row, ExportStatus.DROPPED, now=now)
        case ExportStep.REJECT:
            code = domain.usage_exports.unsendable(row, now=now)
            return domain.usage_exports.moved(row, ExportStatus.REJECTED, now=now, code=code, reason="never sent")
        case ExportStep.REVERSE:
            return _reversed(ctx, conn, row)
        case ExportStep.SEND | ExportStep.LOOK | ExportStep.CANCEL | ExportStep.NOTHING:
            return None
        case _:
            assert_never(step)


def _reversed(ctx: Context, conn: Connection, row: Export) -> Export:
    now = ctx.clock.now()
    meter = storage.catalog.meter(conn, row.meter_key)
    assert meter is not None, f"{row.meter_key}: is kept for ever"
    storage.usage_exports.add(conn, [domain.usage_exports.reversal(row, now=now)], meter)
    ctx.faults.mark("export.reversed")
    return domain.usage_exports.moved(row, ExportStatus.REVERSED, now=now)


def _save(ctx: Context, conn: Connection, before: Export, after: Export) -> list[Export]:
    """The row as it now stands; none where somebody else has moved it since it was read."""
    after = replace(after, version=before.version + 1)
    if storage.usage_exports.move(conn, before, after):
        if after.status is ExportStatus.UNCLEAR:
            ctx.faults.mark("export.unclear")
        return [after]
    ctx.faults.mark("export.lost_race")
    return []


def _ask(ctx: Context, question: _Question, ref: str) -> UsageOutcome | UsageTotal:
    row, step = question.row, question.step
    match step:
        case ExportStep.SEND:
            request = UsageRequest(row.event_name, ref, row.identifier, row.quantity, row.at)
            return ctx.provider.send_usage(request, key=row.key(step))
        case ExportStep.CANCEL:
            return ctx.provider.cancel_usage(row.event_name, row.identifier, key=row.key(step))
        case ExportStep.LOOK:
            return ctx.provider.usage_total(row.event_name, ref, row.minute)
        case ExportStep.REVERSE | ExportStep.DROP | ExportStep.REJECT | ExportStep.NOTHING:
            raise AssertionError(f"nothing is asked of the provider to {step}")
        case _:
            assert_never(step)


def _stops(answer: UsageOutcome | UsageTotal) -> bool:
    """Whether the next question would fare no better now."""
    return isinstance(answer, Limited | Unknown) or (isinstance(answer, Refused) and answer.unheard)


def _stopped(answers: Sequence[UsageOutcome | UsageTotal]) -> tuple[timedelta | None, Refused | None]:
    match answers[-1] if answers else None:
        case Limited(after=after) | Unknown(after=after):
            return after, None
        case Refused(unheard=True) as refusal:
            return None, refusal
        case _:
            return None, None


def _answered(
    ctx: Context, conn: Connection, questions: Sequence[_Question], answers: Sequence[UsageOutcome | UsageTotal]
) -> list[Export]:
    now = ctx.clock.now()
    done: list[Export] = []
    for number, question in enumerate(questions):
        answer = answers[number] if number < len(answers) else None
        if _is_unheard(answer):
            after = domain.usage_exports.not_asked(question.row, question.before, now=now)
            _save(ctx, conn, question.row, after)
            continue
        assert not isinstance(answer, Limited | None), "what was heard has an answer"
        done += _save(ctx, conn, question.row, _after(ctx, conn, question, answer))
    return [row for row in done if row.status is not ExportStatus.PENDING]


def _is_unheard(answer: UsageOutcome | UsageTotal | None) -> bool:
    """Whether nothing came of it this time, and the same is to be asked later: also of what is ahead of the provider's clock."""
    if isinstance(answer, Refused):
        return answer.unheard or answer.code == "timestamp_in_future"
    return answer is None or isinstance(answer, Limited)


def _after(ctx: Context, conn: Connection, question: _Question, answer: Taken | Refused | Unknown | Decimal) -> Export:
    row, now = question.row, ctx.clock.now()
    match answer:
        case Taken(repeated):
            ctx.faults.mark("export.known" if repeated else f"export.{question.step}")
            status = ExportStatus.SENT if question.step is ExportStep.SEND else ExportStatus.CANCELED
            return domain.usage_exports.moved(row, status, now=now)
        case Unknown(stored=stored):
            return replace(row, round=row.round + stored, updated_at=now)
        case Refused():
            return _refused(ctx, conn, question, answer)
        case Decimal():
            ctx.faults.mark("export.looked")
            others = storage.usage_exports.held(conn, row.customer_id, row.event_name, row.minute, but=row)
            return domain.usage_exports.looked(row, total=answer, others=others, now=now)
        case _:
            assert_never(answer)


def _refused(ctx: Context, conn: Connection, question: _Question, refusal: Refused) -> Export:
    row, before, now = question.row, question.before, ctx.clock.now()
    match question.step:
        case ExportStep.SEND if before.asked_at is None:
            ctx.faults.mark("export.rejected")
            return domain.usage_exports.moved(row, ExportStatus.REJECTED, now=now, code=refusal.code, reason=refusal.message)
        case ExportStep.CANCEL if before.cancel_asked_at is None and refusal.code != "resource_missing":
            return _reversed(ctx, conn, row)
        case ExportStep.SEND | ExportStep.CANCEL if refusal.code != "resource_missing":
            return replace(row, updated_at=now)  # an earlier call may have been heard: it is looked for in time
        case _:
            return domain.usage_exports.moved(row, ExportStatus.UNCLEAR, now=now, code=refusal.code, reason=refusal.message)


def reject(ctx: Context, conn: Connection, rejections: Sequence[Rejection]) -> list[Export]:
    """The rows that the provider took and does not count after all, each with the reason."""
    by_identifier = {rejection.identifier: rejection for rejection in rejections}
    done: list[Export] = []
    for row in storage.usage_exports.by_identifier(conn, by_identifier):
        after = domain.usage_exports.rejected_late(row, by_identifier[row.identifier], now=ctx.clock.now())
        if after is not None:
            ctx.faults.mark("export.rejected_late")
            done += _save(ctx, conn, row, after)
    return done
