"""The provider's half beside ours, part by part. What a list shows as different is asked about once more, before it is said."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from tallystick import domain, storage
from tallystick.domain.disputes import ProviderDispute
from tallystick.domain.payments import Payment, PaymentStatus, ProviderPayment
from tallystick.domain.provider_subscriptions import FollowedSubscription
from tallystick.domain.reconciliation import Difference, Part
from tallystick.domain.refunds import LIVE, ProviderRefund, Refund
from tallystick.domain.usage import BACK_MAX
from tallystick.flows import _provider_items, _usage_totals
from tallystick.flows.context import Context
from tallystick.providers.protocol import Declined, Limited, Outcome, Refunded, Refused, Unknown
from tallystick.values.decimals import plain
from tallystick.values.errors import ProviderUnavailable
from tallystick.values.time import Period

Told = TypeVar("Told")
ZERO = Decimal(0)
Compared = Iterator[Difference | None]  # None: the two are equal


def listed(told: Sequence[Told] | Refused | Limited | Unknown) -> Sequence[Told]:
    """What the provider lists. Raises ProviderUnavailable where it does not."""
    if isinstance(told, Refused | Limited | Unknown):
        raise ProviderUnavailable(f"reconcile: the provider does not say what it holds: {told.message}; try again later")
    return told


def _customers(ctx: Context, since: datetime) -> Compared:
    for theirs in listed(ctx.provider.customers_since(since)):
        assert theirs.customer_id is not None, f"{theirs.ref}: only those that carry an id of ours are listed"
        with ctx.database.reading() as conn:
            ours = storage.customers.get(conn, theirs.customer_id)
        yield domain.reconciliation.of_customer(theirs, ours)


def _payments(ctx: Context, since: datetime) -> Compared:
    seen = set()
    for theirs in listed(ctx.provider.payments_since(since)):
        seen.add(theirs.ref)
        ours = _ours(ctx, theirs)
        differs = domain.reconciliation.of_payment(theirs, ours)
        yield differs if differs is None or ours is None else _payment_now(ctx, ours, theirs.ref)
    with ctx.database.reading() as conn:
        others = [each for each in storage.payments.to_compare(conn, since=since) if each.ref not in seen]
    for ours in others:
        assert ours.ref is not None, f"{ours.id}: what the provider has not answered for is asked for by its job"
        yield _payment_now(ctx, ours, ours.ref)


def _ours(ctx: Context, theirs: ProviderPayment) -> Payment | None:
    with ctx.database.reading() as conn:
        payment = storage.payments.by_ref(conn, theirs.ref)
        if payment is None and theirs.invoice_id is not None:
            payment = storage.payments.of_invoice(conn, theirs.invoice_id)
        return payment


def _payment_now(ctx: Context, before: Payment, ref: str) -> Difference | None:
    """Ours is read first: what the provider says after that can be newer, and never older."""
    with ctx.database.reading() as conn:
        ours = storage.payments.get(conn, before.id)
    assert ours is not None, f"{before.id}: is kept for ever"
    outcome: Outcome = ctx.provider.fetch(ref, ours.method)
    match outcome:
        case Limited() | Unknown() | Refused(unheard=True):
            raise ProviderUnavailable(f"reconcile: {ref}: {outcome.message}; try again later")
        case Refused("resource_missing") if ours.status is PaymentStatus.CANCELED:
            return None  # a draft, which was deleted with it
        case Refused(code, message):
            held = f"{ours.status} {ours.amount}"
            return domain.reconciliation.missing(Part.PAYMENTS, ours.id, ref, held, f"{code}: {message}")
        case Declined(_, None):
            return None
        case _ if outcome.payment is not None:
            return domain.reconciliation.of_payment(outcome.payment, ours)
        case _:
            return None


def _refunds(ctx: Context, since: datetime) -> Compared:
    seen = set()
    for theirs in listed(ctx.provider.refunds_since(since)):
        seen.add(theirs.ref)
        ours = _our_refund(ctx, theirs)
        if ours is not None and domain.reconciliation.of_refund(theirs, ours) is None:
            yield None
        elif ours is not None or theirs.status in LIVE:
            yield from _refund_now(ctx, theirs.ref, ours)
    with ctx.database.reading() as conn:
        others = [each for each in storage.refunds.to_compare(conn, since=since) if each.ref not in seen]
    for ours in others:
        yield from _refund_now(ctx, ours.ref or "", ours)


def _our_refund(ctx: Context, theirs: ProviderRefund) -> Refund | None:
    with ctx.database.reading() as conn:
        refund = storage.refunds.by_ref(conn, theirs.ref)
        if refund is None and theirs.refund_id is not None:
            refund = storage.refunds.get(conn, theirs.refund_id)
        return refund


def _refund_now(ctx: Context, ref: str, ours: Refund | None) -> Compared:
    """Nothing of what gives back a payment that is not ours."""
    outcome = ctx.provider.fetch_refund(ref)
    match outcome:
        case Limited() | Unknown() | Refused(unheard=True):
            raise ProviderUnavailable(f"reconcile: {ref}: {outcome.message}; try again later")
        case Refused(code, message):
            if ours is not None:
                held = f"{ours.status} {ours.amount}"
                yield domain.reconciliation.missing(Part.REFUNDS, ours.id, ref, held, f"{code}: {message}")
        case Refunded(theirs):
            if ours is not None or _is_of_ours(ctx, theirs.payment_ref):
                yield domain.reconciliation.of_refund(theirs, ours)


def _disputes(ctx: Context, since: datetime) -> Compared:
    seen = set()
    for theirs in listed(ctx.provider.disputes_since(since)):
        seen.add(theirs.ref)
        yield from _dispute(ctx, theirs)
    with ctx.database.reading() as conn:
        others = [each for each in storage.disputes.to_compare(conn, since=since) if each.ref not in seen]
    for ours in others:
        told = ctx.provider.fetch_dispute(ours.ref)
        if isinstance(told, Limited | Unknown) or (isinstance(told, Refused) and told.unheard):
            raise ProviderUnavailable(f"reconcile: {ours.ref}: {told.message}; try again later")
        if isinstance(told, Refused):
            yield domain.reconciliation.missing(Part.DISPUTES, ours.id, ours.ref, ours.status, f"{told.code}: {told.message}")
        else:
            yield domain.reconciliation.of_dispute(told, ours)


def _dispute(ctx: Context, theirs: ProviderDispute) -> Compared:
    with ctx.database.reading() as conn:
        ours = storage.disputes.by_ref(conn, theirs.ref)
    if ours is None:
        told = ctx.provider.fetch_dispute(theirs.ref)
        if isinstance(told, Refused | Limited | Unknown):
            raise ProviderUnavailable(f"reconcile: {theirs.ref}: {told.message}; try again later")
        if not _is_of_ours(ctx, told.payment_ref):
            return
    yield domain.reconciliation.of_dispute(theirs, ours)


def _is_of_ours(ctx: Context, payment_ref: str | None) -> bool:
    if payment_ref is None:
        return False
    with ctx.database.reading() as conn:
        return storage.payments.by_ref(conn, payment_ref) is not None


def _subscriptions(ctx: Context, since: datetime) -> Compared:
    """Those that the provider bills."""
    seen = set()
    for theirs in listed(ctx.provider.subscriptions_since(since)):
        assert theirs.reference is not None, f"{theirs.ref}: only those that carry an id of ours are listed"
        seen.add(theirs.ref)
        with ctx.database.reading() as conn:
            ours = storage.provider_subscriptions.get(conn, theirs.reference)
        differs = domain.reconciliation.of_subscription(theirs, ours)
        yield differs if differs is None or ours is None else _subscription_now(ctx, ours, theirs.ref)
    with ctx.database.reading() as conn:
        others = [each for each in storage.provider_subscriptions.to_compare(conn) if each.ref not in seen]
    for ours in others:
        yield _subscription_now(ctx, ours, ours.ref or "")


def _subscription_now(ctx: Context, before: FollowedSubscription, ref: str) -> Difference | None:
    with ctx.database.reading() as conn:
        ours = storage.provider_subscriptions.get(conn, before.id)
    assert ours is not None, f"{before.id}: is kept for ever"
    told = ctx.provider.fetch_subscription(ref)
    if isinstance(told, Limited | Unknown) or (isinstance(told, Refused) and told.unheard):
        raise ProviderUnavailable(f"reconcile: {ref}: {told.message}; try again later")
    if isinstance(told, Refused):
        return domain.reconciliation.missing(Part.SUBSCRIPTIONS, ours.id, ref, ours.standing, f"{told.code}: {told.message}")
    return domain.reconciliation.of_subscription(told, ours)


def _usage(ctx: Context, since: datetime) -> Compared:
    """What the provider's meters have added up, over whole days: as far back as it takes usage, and up to today."""
    today = ctx.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    start = max(since.replace(hour=0, minute=0, second=0, microsecond=0), today - BACK_MAX)
    if start >= today:
        return
    for compared in _usage_totals.totals(ctx, Period(start, today)):
        if compared.agrees:
            yield None
            continue
        theirs = None if compared.provider is None else plain(compared.provider)
        reason = compared.problem or f"{plain(compared.difference or ZERO)} too much there; see `tallystick sync --compare`"
        subject = f"{compared.customer_id}/{compared.meter_key}"
        yield Difference(Part.USAGE, subject, compared.event_name, plain(compared.recorded), theirs, reason)


def _catalogue(ctx: Context, _since: datetime) -> Compared:
    """Prices, coupons and the rest of what was pushed; nothing where nothing ever was."""
    items, _, kept = _provider_items.load(ctx)
    if not kept:
        return
    there = ctx.provider.find_items(items)
    if isinstance(there, Refused | Limited | Unknown):
        raise ProviderUnavailable(f"reconcile: the provider does not say what it holds: {there.message}; try again later")
    for item in items:
        change = _provider_items.change(item, there, kept)
        if change is None:
            yield None
            continue
        theirs = None if change.there is None else json.dumps(change.there.document, default=str)
        reason = f"`tallystick catalog push` would {change.act} it"
        ours, ref = json.dumps(item.document, default=str), "" if change.there is None else change.there.ref
        yield Difference(Part.CATALOGUE, f"{item.kind}:{item.key}", ref, ours, theirs, reason)


PARTS: Mapping[Part, Callable[[Context, datetime], Compared]] = {
    Part.CUSTOMERS: _customers,
    Part.PAYMENTS: _payments,
    Part.REFUNDS: _refunds,
    Part.DISPUTES: _disputes,
    Part.SUBSCRIPTIONS: _subscriptions,
    Part.USAGE: _usage,
    Part.CATALOGUE: _catalogue,
}
