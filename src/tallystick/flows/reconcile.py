"""Compare the provider's half with ours, and mend what differs, by the steps that a webhook would have led to."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.alerts import AlertKind
from tallystick.domain.payments import Delivery, ProviderFact
from tallystick.domain.provider_catalogue import ItemChange
from tallystick.domain.reconciliation import (
    KEPT_FOR,
    NIGHTLY,
    OVERLAP,
    USAGE_QUESTIONS_MAX,
    Difference,
    Finding,
    Part,
    Reconciliation,
    UsageRound,
)
from tallystick.flows import _alerts, _compare, _follow, _provider_items
from tallystick.flows._news import Became, News
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName
from tallystick.storage.provider_events import Settlement
from tallystick.values.errors import ProviderUnavailable
from tallystick.values.ids import CustomerId

_ON_THE_WAY = timedelta(minutes=10)  # news that is younger may still come by itself
_FINDINGS_MAX = 1000


def reconcile(ctx: Context, *, since: datetime | None = None, repair: bool = False, actor: str = "system") -> Reconciliation:
    """What is equal, what differs, and what of that was repaired. Without `repair` nothing is changed; with it nothing at the
    provider, but for coupons that we had pushed there.

    Looks back to `since`, by default thirty days. Raises ProviderUnavailable where the provider does not answer: what was
    repaired until then stays so.
    """
    now = ctx.clock.now()
    return _made(ctx, domain.reconciliation.asked(ctx.ids.new("rec"), since=since, repair=repair, actor=actor, now=now))


def due(ctx: Context, subject: str, *, attempt: int = 0, usage_max: int = USAGE_QUESTIONS_MAX) -> timedelta | None:
    """The night's, or the one of this id that somebody has asked for. None when it is done; else how long to wait for the
    provider.
    """
    asked = _tonight(ctx) if subject == NIGHTLY else _asked(ctx, subject)
    if asked is None:
        return None  # a run that took longer than its lease has been overtaken by this one, and is done
    try:
        _made(ctx, asked, usage_max=usage_max)
    except ProviderUnavailable:
        ctx.faults.mark("reconcile.no_answer")
        return domain.retries.wait("reconcile", attempt)
    return None


def _tonight(ctx: Context) -> Reconciliation | None:
    """With repair, from where the last night was, and usage from where its round was. None where this night's is there."""
    now = ctx.clock.now()
    with ctx.database.reading() as conn:
        last = storage.reconciliations.last_night(conn)
    if last is not None and last.at >= domain.reconciliation.night_before(now):
        return None
    since = None if last is None else last.at - OVERLAP
    asked = domain.reconciliation.asked(ctx.ids.new("rec"), since=since, repair=True, actor="system", now=now)
    before = None if last is None else last.usage
    return replace(asked, usage=UsageRound(asked.since, now) if before is None else before.next(now=now))


def _asked(ctx: Context, reconciliation_id: str) -> Reconciliation | None:
    with ctx.database.reading() as conn:
        asked = storage.reconciliations.get(conn, reconciliation_id)
    assert asked is not None, f"{reconciliation_id}: is kept for ever"
    return asked if asked.done_at is None else None


def _made(ctx: Context, asked: Reconciliation, *, usage_max: int = USAGE_QUESTIONS_MAX) -> Reconciliation:
    """Of usage all, where no round was begun; else as much as a night may ask."""
    equal: Counter[str] = Counter()
    findings = _missed(ctx, asked.since, repair=asked.repair, equal=equal)
    usage = asked.usage
    for part, compare in _compare.PARTS.items():
        if part is Part.USAGE and usage is not None:
            compared, usage = _compare.usage_tonight(ctx, usage, usage_max)
        else:
            compared = compare(ctx, asked.since)
        for difference in compared:
            if difference is None:
                equal[part] += 1
            else:
                findings.append(_mended(ctx, difference, asked.actor) if asked.repair else Finding(difference))
    documents = [finding.document for finding in findings[:_FINDINGS_MAX]]
    found = replace(asked, equal=equal, findings=documents, done_at=ctx.clock.now(), usage=usage)
    with ctx.database.transaction("reconcile") as conn:
        storage.reconciliations.put(conn, found)
        if asked.repair:
            _tell(ctx, conn, found)
    return found


def _missed(ctx: Context, since: datetime, *, repair: bool, equal: Counter[str]) -> list[Finding]:
    """News that the provider has, and that never came."""
    now = ctx.clock.now()
    told = _compare.listed(ctx.provider.events_since(max(since, now - KEPT_FOR)))
    due = [delivery for delivery in told if delivery.created_at <= now - _ON_THE_WAY]
    with ctx.database.reading() as conn:
        known = storage.provider_events.known(conn, [delivery.id for delivery in due])
    equal[Part.NEWS] += len(known)
    missed = [delivery for delivery in due if delivery.id not in known]
    if missed and repair:
        _receive(ctx, missed)
    reason = "the webhook never came"
    return [Finding(Difference(Part.NEWS, each.id, each.id, None, each.kind, reason), repaired=repair) for each in missed]


def _receive(ctx: Context, missed: Sequence[Delivery]) -> None:
    """As if they had been delivered now."""
    now = ctx.clock.now()
    with ctx.database.transaction("receive missed news") as conn:
        for delivery in missed:
            if storage.provider_events.keep(conn, delivery, provider=ctx.provider.name, at=now):
                storage.jobs.enqueue(conn, JobName.SETTLE, delivery.id, run_at=now)
    ctx.faults.mark("reconcile.missed_news")


def _mended(ctx: Context, difference: Difference, actor: str) -> Finding:
    if difference.push is not None:
        left = _pushed(ctx, difference.push, actor)
    elif difference.news is not None:
        left = _followed(ctx, difference.news)
    else:
        ctx.faults.mark("reconcile.left")
        return Finding(difference)
    if left is None:
        ctx.faults.mark(f"reconcile.repaired.{difference.part}")
    return Finding(difference, repaired=left is None, left=left)


def _followed(ctx: Context, fact: ProviderFact) -> str | None:
    """Why it is not mended; None: it is."""
    became = _follow.follow(ctx, News(fact, via="reconcile"))
    if not isinstance(became, Became):
        return "not known yet; compare again"
    return None if became.settlement is Settlement.SETTLED else became.reason or became.settlement.value


def _pushed(ctx: Context, change: ItemChange, actor: str) -> str | None:
    """Likewise; by what we hold of it now, for somebody may have pushed it meanwhile."""
    _, _, kept = _provider_items.load(ctx)
    item = change.item
    outcome = _provider_items.push(ctx, change, {}, kept.get((item.kind, item.key)), actor=actor)
    return None if isinstance(outcome, str) else outcome.message


def _tell(ctx: Context, conn: Connection, found: Reconciliation) -> None:
    now = ctx.clock.now()
    if found.repaired_count:
        after = {"repaired": found.repaired_count, "differing": len(found.differing)}
        storage.audit.append(conn, storage.audit.Act(found.actor, "provider.reconciled", ctx.provider.name, after=after), at=now)
    left = found.beyond_repair
    if left:
        first = f"{left[0]['part']} {left[0]['subject']}: {left[0]['left'] or left[0]['reason']}"
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        facts = {"count": str(len(left)), "first": first}
        owner = CustomerId("")
        alert = domain.alerts.of_provider(
            AlertKind.PROVIDER_DIFFERS, ctx.provider.name, facts, customer_id=owner, since=day, at=now
        )
        _alerts.tell(conn, alert)
