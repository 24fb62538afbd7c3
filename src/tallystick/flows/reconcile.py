"""Compare the provider's half with ours, and mend what differs, by the steps that a webhook would have led to."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.alerts import AlertKind
from tallystick.domain.payments import Delivery
from tallystick.domain.reconciliation import KEPT_FOR, OVERLAP, Difference, Finding, Part, Reconciliation
from tallystick.flows import _alerts, _compare, _follow
from tallystick.flows._news import Became, News
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName
from tallystick.storage.provider_events import Settlement
from tallystick.values.errors import ProviderUnavailable
from tallystick.values.ids import CustomerId

_ON_THE_WAY = timedelta(minutes=10)  # news that is younger may still come by itself
_FINDINGS_MAX = 1000


def reconcile(ctx: Context, *, since: datetime | None = None, repair: bool = False, actor: str = "system") -> Reconciliation:
    """What is equal, what differs, and what of that was repaired. Without `repair` nothing is changed here; at the provider
    nothing ever is.

    Looks back to `since`, by default thirty days. Raises ProviderUnavailable where the provider does not answer: what was
    repaired until then stays so.
    """
    now = ctx.clock.now()
    since = now - KEPT_FOR if since is None else since
    equal: Counter[str] = Counter()
    findings = _missed(ctx, since, repair=repair, equal=equal)
    for part, compare in _compare.PARTS.items():
        for difference in compare(ctx, since):
            if difference is None:
                equal[part] += 1
            else:
                findings.append(_mended(ctx, difference) if repair else Finding(difference))
    found = Reconciliation(
        ctx.ids.new("rec"), now, since, repair, equal, [finding.document for finding in findings[:_FINDINGS_MAX]]
    )
    with ctx.database.transaction("reconcile") as conn:
        storage.reconciliations.add(conn, found)
        if repair:
            _tell(ctx, conn, found, actor)
    return found


def nightly(ctx: Context, *, attempt: int = 0) -> timedelta | None:
    """The same with repair, from where the last one was. None when it is done; else how long to wait for the provider."""
    with ctx.database.reading() as conn:
        last = storage.reconciliations.last(conn, repair=True)
    try:
        reconcile(ctx, since=None if last is None else last.at - OVERLAP, repair=True)
    except ProviderUnavailable:
        ctx.faults.mark("reconcile.no_answer")
        return domain.retries.wait("reconcile", attempt)
    return None


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


def _mended(ctx: Context, difference: Difference) -> Finding:
    if difference.news is None:
        ctx.faults.mark("reconcile.left")
        return Finding(difference)
    became = _follow.follow(ctx, News(difference.news, via="reconcile"))
    if not isinstance(became, Became):
        return Finding(difference, left="not known yet; compare again")
    if became.settlement is not Settlement.SETTLED:
        return Finding(difference, left=became.reason)
    ctx.faults.mark(f"reconcile.repaired.{difference.part}")
    return Finding(difference, repaired=True)


def _tell(ctx: Context, conn: Connection, found: Reconciliation, actor: str) -> None:
    now = ctx.clock.now()
    if found.repaired_count:
        after = {"repaired": found.repaired_count, "differing": len(found.differing)}
        storage.audit.append(conn, storage.audit.Act(actor, "provider.reconciled", ctx.provider.name, after=after), at=now)
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
