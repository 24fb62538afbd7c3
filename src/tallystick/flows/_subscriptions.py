"""What a subscription is billed for, loaded the same way for invoices, changes and their previews; and how each is kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.catalog import Charge
from tallystick.domain.invoices import Invoice
from tallystick.domain.lines import Billable, Line
from tallystick.domain.payments import Collection
from tallystick.domain.plan_documents import write_terms
from tallystick.domain.plans import ChargeKind, PlanVersion
from tallystick.domain.subscriptions import (
    RUNNING,
    ClosedPeriod,
    PeriodKind,
    PlanTerms,
    Sold,
    SoldCharge,
    Status,
    Subscription,
    charge_key,
)
from tallystick.domain.usage import AHEAD_MAX, BACK_MAX
from tallystick.flows import _billables, _entitle, _issue, _outgoing
from tallystick.flows.context import Context
from tallystick.storage.subscriptions import Counting, Kept
from tallystick.values.errors import Conflict, InvalidInput, NotFound
from tallystick.values.exact import ZERO, Exact
from tallystick.values.ids import CustomerId, MeterKey, SubscriptionId
from tallystick.values.time import Period, rfc3339


@dataclass(frozen=True, slots=True)
class Billing:
    """What is to stand on one invoice of a subscription. `metered` is what of it moves billing positions on."""

    subscription: Subscription
    lines: tuple[Line, ...] = ()
    metered: tuple[Billable, ...] = ()
    at: datetime | None = None  # when discounts must be live: the beginning of what is billed

    def plus(self, other: "Billing") -> "Billing":
        return replace(self, lines=self.lines + other.lines, metered=self.metered + other.metered)


def found(conn: Connection, subscription_id: SubscriptionId) -> Kept:
    """Raises NotFound."""
    kept = storage.subscriptions.get(conn, subscription_id)
    if kept is None:
        raise NotFound("subscription: there is no such subscription", field="subscription")
    return kept


def locked(conn: Connection, subscription_id: SubscriptionId) -> Kept:
    """The subscription, which nobody else bills or changes until the transaction has ended. Raises NotFound."""
    storage.customers.lock(conn, found(conn, subscription_id).subscription.customer_id)
    return found(conn, subscription_id)


def sold(conn: Connection, terms: PlanTerms) -> Sold:
    """What the terms come to. Raises InvalidInput where a plan does not exist, or does not offer it."""
    plans = storage.plans.versions(conn, terms.plans)
    missing = sorted({key for key, version in terms.plans if (key, version) not in plans})
    if missing:
        raise InvalidInput(f"plan: there is no plan {', '.join(missing)} of that version", field="plan", code="unknown_plan")
    return domain.subscriptions.sold(terms, plans)


# What it is billed for


def in_advance(conn: Connection, subscription: Subscription, offered: Sold, *, once: bool) -> Billing:
    """The fees of its current period; with `once` also those that are due once in its life, and were not asked for yet."""
    if subscription.kind is PeriodKind.TRIAL:
        return Billing(subscription, at=subscription.period.start)
    charges = [charge for charge in offered.charges if charge.in_advance]
    if not once:
        charges = [charge for charge in charges if charge.kind is not ChargeKind.ONE_TIME]
    return fees(conn, subscription, charges, subscription.period)


def fees(conn: Connection, subscription: Subscription, charges: Sequence[SoldCharge], service: Period) -> Billing:
    """Fees of its charges for a part of its current period; what is due once, where it was not asked for before."""
    share = domain.lines.share_of(service, subscription.full)
    lines = []
    for charge in charges:
        key = charge_key(subscription.id, charge.key)
        before = storage.invoices.fees_of(conn, subscription.customer_id, key)
        if charge.kind is ChargeKind.ONE_TIME and before:
            continue
        part = sum(line.period.start == service.start and line.kind is not domain.lines.LineKind.CREDIT for line in before)
        fee = domain.subscriptions.fee(subscription.id, charge, service, share=share, part=part)
        lines.append(domain.lines.fee_line(subscription.customer_id, fee))
    return Billing(subscription, tuple(lines), at=service.start)


def in_arrears(conn: Connection, subscription: Subscription, closed: ClosedPeriod, charges: Sequence[SoldCharge]) -> Billing:
    """Of a period that is over, or cut: the usage of these charges, and the fees among them that are asked for afterwards."""
    if closed.kind is PeriodKind.TRIAL:
        return Billing(subscription, at=closed.period.start)
    service = (
        Period(max(closed.terms_since, closed.period.start), closed.period.end)
        if (closed.terms_since < closed.period.end)
        else None
    )
    after = [charge for charge in charges if charge.kind is not ChargeKind.USAGE and not charge.in_advance]
    billed = Billing(subscription, at=closed.period.start)
    if service is not None and after:
        billed = billed.plus(fees(conn, replace(subscription, full=closed.full), after, service))
    return billed.plus(usage(conn, subscription, charges, until=closed.period.end, of=closed))


def usage(
    conn: Connection,
    subscription: Subscription,
    charges: Sequence[SoldCharge],
    *,
    until: datetime,
    of: ClosedPeriod | None = None,
) -> Billing:
    """What these charges have counted since they were last billed.

    Of a price's minimum so much is due as the charge has counted of the full period that this is `of`; of none, nothing.
    """
    meters, listed = storage.catalog.meters(conn), []
    for sold_charge in charges:
        if sold_charge.kind is not ChargeKind.USAGE:
            continue
        assert sold_charge.meter_key is not None, "usage is of a meter"
        key = charge_key(subscription.id, sold_charge.key)
        charge = Charge(key, sold_charge.meter_key, sold_charge.price, sold_charge.description)
        start = storage.usage.position(conn, subscription.customer_id, key)
        assert start is not None, f"{key}: counts from somewhere on"
        if start < until:
            period = Period(start, until)
            billable = _billables.measured(conn, subscription.customer_id, charge, meters[charge.meter_key], period)
            listed.append(replace(billable, share=ZERO if of is None else _counted(of, period)))
    lines = tuple(domain.lines.usage_line(subscription.customer_id, billable) for billable in listed)
    return Billing(subscription, lines, tuple(listed))


def _counted(closed: ClosedPeriod, counted: Period) -> Exact:
    """How much of the full period it was counted for; what was used in spite of a pause before it has no part in that."""
    return domain.lines.share_of(Period(max(counted.start, closed.period.start), counted.end), closed.full)


def late(conn: Connection, subscription: Subscription) -> Billing:
    """What has come to periods that were invoiced before, by difference."""
    meters = storage.catalog.meters(conn)
    metered: list[Billable] = []
    for key in sorted({counting.charge_key for counting in storage.subscriptions.counted(conn, subscription)}):
        metered += _billables.late(conn, subscription.customer_id, key, meters)
    lines = tuple(domain.lines.usage_line(subscription.customer_id, billable) for billable in metered)
    return Billing(subscription, lines, tuple(metered))


def credits(conn: Connection, subscription: Subscription, at: datetime, *, of: Sequence[SoldCharge] | None = None) -> Billing:
    """What is given back of fees that were asked for in advance, for the rest of the current period from `at` on."""
    keys = None if of is None else {charge_key(subscription.id, charge.key) for charge in of}
    lines = []
    for line, invoice in storage.invoices.uncredited(conn, subscription.customer_id, subscription.id, at=at):
        if (keys is None or line.charge_key in keys) and line.period.end == subscription.period.end:
            part = storage.invoices.credits_at(conn, subscription.customer_id, line.charge_key, at)
            notes = storage.credit_notes.of_invoice(conn, invoice.customer_id, invoice.id)
            taken_off = invoice.discount_of(line.id) + domain.credit_notes.noted(invoice, notes)[line.id]
            lines.append(domain.lines.credit_line(subscription.customer_id, line, at=at, discounted=taken_off, part=part))
    return Billing(subscription, tuple(lines))


def drafted(ctx: Context, conn: Connection, billing: Billing) -> Invoice | None:
    """The invoice of it, by the same function as every other one; None where there is nothing on it."""
    subscription, now = billing.subscription, ctx.clock.now()
    currency = subscription.terms.currency
    reductions = _issue.reductions(
        conn, subscription.customer_id, currency, now=now, subscription_id=subscription.id, at=billing.at
    )
    return domain.invoices.draft(
        subscription.customer_id, currency, billing.lines, reductions=reductions, now=now, subscription_id=subscription.id
    )


def invoiced(ctx: Context, conn: Connection, billing: Billing, collection: Collection, actor: str) -> Invoice | None:
    """The invoice, issued; what it bills of usage is noted as billed."""
    draft = drafted(ctx, conn, billing)
    if draft is None:
        return None
    _billables.advance(conn, billing.subscription.customer_id, billing.metered)
    return _issue.issue(ctx, conn, draft, collection, actor)


# How it is kept


def count(
    conn: Connection, subscription: Subscription, charges: Sequence[SoldCharge], *, since: datetime, waits: bool = False
) -> None:
    """These charges count the usage of their meters from then on; from where others have billed it up to, where it `waits`.

    Raises Conflict where that was billed already, or another subscription counts it, and it does not wait.
    """
    if not waits:
        check_counted_once(conn, subscription, charges, since=since)
    for charge in charges:
        if charge.kind is not ChargeKind.USAGE:
            continue
        assert charge.meter_key is not None, "usage is of a meter"
        billed = _billed_through(conn, subscription, charge.meter_key)
        if billed is not None and billed > since and not waits:
            raise Conflict(
                f"start: the usage of {charge.meter_key} is billed up to {rfc3339(billed)} already; start then or later",
                field="start",
                code="already_billed",
            )
        begins = since if billed is None else max(since, billed)
        key = charge_key(subscription.id, charge.key)
        counting = Counting(subscription.id, key, charge.meter_key, begins, None)
        storage.subscriptions.count(conn, subscription.customer_id, counting)
        storage.usage.advance_position(conn, subscription.customer_id, key, charge.meter_key, billed_through=begins)


def check_counted_once(conn: Connection, subscription: Subscription, charges: Sequence[SoldCharge], *, since: datetime) -> None:
    """Whether no other subscription counts their meters then, or is going to: each event is billed by one. Raises Conflict."""
    wanted = {charge.meter_key for charge in charges if charge.meter_key is not None}
    if not wanted:
        return
    for meter_key, other in _counting(conn, subscription.customer_id, since=since):
        if meter_key in wanted and other != subscription.id:
            raise Conflict(
                f"plan: {other} counts the usage of {meter_key}, which would be billed twice; change that one, or add to it",
                field="plan",
                code="already_counted",
            )


def check_meters_free(conn: Connection, customer_id: CustomerId, plan: PlanVersion, *, since: datetime) -> None:
    """Whether nobody counts the meters of a plan that the provider is to bill. Raises Conflict."""
    wanted = {charge.meter_key for charge in plan.charges if charge.meter_key is not None}
    for meter_key, other in _counting(conn, customer_id, since=since) if wanted else ():
        if meter_key in wanted:
            raise Conflict(
                f"plan: {other} counts the usage of {meter_key}, which would be billed twice; end that one first",
                field="plan",
                code="already_counted",
            )


def _counting(conn: Connection, customer_id: CustomerId, *, since: datetime) -> Iterator[tuple[MeterKey, SubscriptionId]]:
    """Which subscription of the customer counts which meter at any time from then on, or is to begin with that."""
    for meter_key, spans in sorted(storage.subscriptions.covered(conn, customer_id).items()):
        for span in spans:
            if span.counted_until is None or max(since, span.counted_from) < span.counted_until:
                yield meter_key, span.subscription_id
    for span in _billables.at_provider(conn, customer_id):
        if span.counted_until is None or since < span.counted_until:
            yield span.meter_key, span.subscription_id
    for kept in storage.subscriptions.of_customer(conn, customer_id):
        coming = kept.subscription.next_terms
        charges = () if coming is None else sold(conn, coming).charges
        yield from ((charge.meter_key, kept.subscription.id) for charge in charges if charge.meter_key is not None)


def _billed_through(conn: Connection, subscription: Subscription, meter_key: MeterKey) -> datetime | None:
    """How far charges outside of subscriptions have billed the meter; None: not at all."""
    keys = storage.catalog.charges_of(conn, [meter_key])
    positions = (storage.usage.position(conn, subscription.customer_id, key) for key in keys)
    return max((position for position in positions if position is not None), default=None)


def stop(conn: Connection, subscription: Subscription, charges: Sequence[SoldCharge], *, until: datetime) -> None:
    """These charges count no more."""
    for charge in charges:
        if charge.kind is ChargeKind.USAGE:
            key = charge_key(subscription.id, charge.key)
            storage.subscriptions.stop_counting(conn, subscription.customer_id, key, until=until)


def due_at(subscription: Subscription, waiting: Sequence[ClosedPeriod]) -> datetime | None:
    """When the next thing is to be done for it: an invoice, or the end of its period; at last a look for what came late."""
    times = [closed.invoice_at for closed in waiting]
    if subscription.status in RUNNING:
        times.append(subscription.period.end)
    return min(times, default=None)


def last_look_at(subscription: Subscription) -> datetime:
    """When no event of its time can come any more."""
    assert subscription.ended_at is not None, "what has ended says when"
    return subscription.ended_at + BACK_MAX + AHEAD_MAX


def save(ctx: Context, conn: Connection, before: Kept, after: Subscription, *, act: str, actor: str) -> Subscription:
    """Keeps what has changed, with what follows from it: its next date, what the customer may use, the trail, and the news."""
    waiting = storage.subscriptions.to_invoice(conn, after)
    next_at = due_at(after, waiting)
    if next_at is None and after.status is Status.CANCELED:
        next_at = last_look_at(after)
    storage.subscriptions.save(conn, before.subscription, Kept(after, before.collection, next_at))
    _entitle.entitle(ctx, conn, after.customer_id)
    note(ctx, conn, before.subscription, after, act=act, actor=actor)
    return replace(after, version=before.subscription.version + 1)


def note(ctx: Context, conn: Connection, before: Subscription | None, after: Subscription, *, act: str, actor: str) -> None:
    """The trail, and the news for those who asked for it."""
    said = storage.audit.Act(actor, act, after.id, before=None if before is None else _document(before), after=_document(after))
    storage.audit.append(conn, said, at=ctx.clock.now())
    _outgoing.publish(ctx, conn, act, after.id, _document(after), customer_id=after.customer_id)


def _document(subscription: Subscription) -> dict[str, object]:
    return {
        "customer": subscription.customer_id,
        "status": subscription.status.value,
        "terms": write_terms(subscription.terms),
        "next_terms": None if subscription.next_terms is None else write_terms(subscription.next_terms),
        "period": str(subscription.period),
        "cancel_at_period_end": subscription.cancel_at_period_end,
    }
