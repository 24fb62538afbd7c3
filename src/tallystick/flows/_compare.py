"""The provider's half beside ours, part by part. What a list shows as different is asked about once more, before it is said."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import TypeVar

from tallystick import domain, storage
from tallystick.domain.disputes import ProviderDispute
from tallystick.domain.payments import Method, Payment, PaymentStatus, ProviderPayment
from tallystick.domain.provider_catalogue import ItemKind
from tallystick.domain.provider_subscriptions import FollowedSubscription, ProviderInvoice
from tallystick.domain.reconciliation import OFFERS, Difference, Part, UsageRound
from tallystick.domain.refunds import LIVE, ProviderRefund, Refund
from tallystick.domain.usage import BACK_MAX
from tallystick.flows import _billables, _provider_items, _provider_subscriptions, _usage_totals
from tallystick.flows.context import Context
from tallystick.providers.protocol import Declined, Limited, Outcome, Refunded, Refused, Unknown
from tallystick.storage.provider_items import Holding
from tallystick.values.decimals import plain
from tallystick.values.errors import ProviderUnavailable
from tallystick.values.ids import SubscriptionId
from tallystick.values.time import Period

Told = TypeVar("Told")
ZERO = Decimal(0)
_PARTS = {Method.INTENT: Part.PAYMENTS, Method.HOSTED: Part.INVOICES}
Compared = Iterator[Difference | None]  # None: the two are equal


def listed(told: Told | Refused | Limited | Unknown) -> Told:
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
    return _collected(ctx, since, Method.INTENT, listed(ctx.provider.payments_since(since)))


def _invoices(ctx: Context, since: datetime) -> Compared:
    """Those by which ours are collected, and those that the provider makes of subscriptions, which we mirror."""
    there = listed(ctx.provider.invoices_since(since))
    yield from _collected(ctx, since, Method.HOSTED, there.hosted)
    yield from _mirrored(ctx, there.of_subscriptions)


def _collected(ctx: Context, since: datetime, method: Method, there: Sequence[ProviderPayment]) -> Compared:
    seen = set()
    for theirs in there:
        seen.add(theirs.ref)
        ours = _ours(ctx, theirs)
        differs = domain.reconciliation.of_payment(theirs, ours, _PARTS[method])
        yield differs if differs is None or ours is None else _payment_now(ctx, ours, theirs.ref, _PARTS[method])
    with ctx.database.reading() as conn:
        waiting = storage.payments.to_compare(conn, since=since)
    for ours in waiting:
        assert ours.ref is not None, f"{ours.id}: what the provider has not answered for is asked for by its job"
        if ours.method is method and ours.ref not in seen:
            yield _payment_now(ctx, ours, ours.ref, _PARTS[method])


def _ours(ctx: Context, theirs: ProviderPayment) -> Payment | None:
    with ctx.database.reading() as conn:
        payment = storage.payments.by_ref(conn, theirs.ref)
        if payment is None and theirs.invoice_id is not None:
            payment = storage.payments.of_invoice(conn, theirs.invoice_id)
        return payment


def _payment_now(ctx: Context, before: Payment, ref: str, part: Part) -> Difference | None:
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
            return domain.reconciliation.missing(part, ours.id, ref, held, f"{code}: {message}")
        case Declined(_, None):
            return None
        case _ if outcome.payment is not None:
            return domain.reconciliation.of_payment(outcome.payment, ours, part)
        case _:
            return None


def _mirrored(ctx: Context, there: Sequence[ProviderInvoice]) -> Compared:
    seen = set()
    for theirs in there:
        assert theirs.reference is not None, f"{theirs.ref}: only those that carry an id of ours are listed"
        seen.add(theirs.ref)
        subscription, ours = _our_invoice(ctx, theirs.ref, theirs.reference)
        differs = domain.reconciliation.of_invoice(theirs, subscription, ours)
        yield differs if differs is None or differs.news is None else _invoice_now(ctx, theirs.ref, theirs.reference)
    with ctx.database.reading() as conn:
        waiting = storage.provider_subscriptions.invoices_to_compare(conn)
    for mirrored in waiting:
        if mirrored.invoice.ref not in seen:
            yield _invoice_now(ctx, mirrored.invoice.ref, mirrored.subscription_id)


def _our_invoice(
    ctx: Context, ref: str, subscription_id: SubscriptionId
) -> tuple[FollowedSubscription | None, ProviderInvoice | None]:
    """Whose it is, and how it is mirrored."""
    with ctx.database.reading() as conn:
        mirrored = storage.provider_subscriptions.invoice(conn, ref)
        return storage.provider_subscriptions.get(conn, subscription_id), None if mirrored is None else mirrored.invoice


def _invoice_now(ctx: Context, ref: str, subscription_id: SubscriptionId) -> Difference | None:
    """Ours is read first, as of payments."""
    subscription, ours = _our_invoice(ctx, ref, subscription_id)
    told = ctx.provider.fetch_subscription_invoice(ref)
    if isinstance(told, Limited | Unknown) or (isinstance(told, Refused) and told.unheard):
        raise ProviderUnavailable(f"reconcile: {ref}: {told.message}; try again later")
    if isinstance(told, Refused):
        held = None if ours is None else domain.reconciliation.words_of_invoice(ours)
        return domain.reconciliation.missing(Part.INVOICES, subscription_id, ref, held, f"{told.code}: {told.message}")
    return domain.reconciliation.of_invoice(told, subscription, ours)


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
            seats = None if ours is None else _provider_subscriptions.seats(conn, ours, theirs)
        differs = domain.reconciliation.of_subscription(theirs, ours, seats)
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
    with ctx.database.reading() as conn:
        seats = _provider_subscriptions.seats(conn, ours, told)
    return domain.reconciliation.of_subscription(told, ours, seats)


def usage_tonight(ctx: Context, round_: UsageRound, most: int) -> tuple[Compared, UsageRound]:
    """So many customers' meters of the round, and how far it has come with them."""
    period = _whole_days(ctx, round_.start)
    if period is None:
        return _unbilled(ctx, round_.start), round_
    with ctx.database.reading() as conn:
        holders = storage.usage_exports.holders(conn, period)
    asked, after = round_.share(holders, most)
    if after.after is not None:
        ctx.faults.mark("reconcile.usage_goes_on")
    compared = (_of_usage(_usage_totals.compared(ctx, period, *holder)) for holder in asked)
    return chain(compared, _unbilled(ctx, round_.start)), after


def _usage(ctx: Context, since: datetime) -> Compared:
    """What the provider's meters have added up: one question for each customer and meter. And what nobody bills."""
    period = _whole_days(ctx, since)
    compared = () if period is None else map(_of_usage, _usage_totals.totals(ctx, period))
    return chain(compared, _unbilled(ctx, since))


def _unbilled(ctx: Context, since: datetime) -> Compared:
    """Usage of the time in which a subscription waited for a first payment that never came."""
    with ctx.database.reading() as conn:
        for followed in storage.provider_subscriptions.expired(conn, since=since):
            for meter_key, recorded in _billables.unbilled(conn, followed):
                yield domain.reconciliation.unbilled(followed, meter_key, plain(recorded))


def _whole_days(ctx: Context, since: datetime) -> Period | None:
    """As far back as the provider takes usage, and up to today."""
    today = ctx.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    start = max(since.replace(hour=0, minute=0, second=0, microsecond=0), today - BACK_MAX)
    return Period(start, today) if start < today else None


def _of_usage(compared: _usage_totals.Compared) -> Difference | None:
    if compared.agrees:
        return None
    theirs = None if compared.provider is None else plain(compared.provider)
    reason = compared.problem or f"{plain(compared.difference or ZERO)} too much there; see `tallystick sync --compare`"
    subject = f"{compared.customer_id}/{compared.meter_key}"
    return Difference(Part.USAGE, subject, compared.event_name, plain(compared.recorded), theirs, reason)


def _catalogue(ctx: Context, _since: datetime) -> Compared:
    """Prices and the rest of what was pushed; nothing where nothing ever was."""
    return _items(ctx, frozenset(ItemKind) - OFFERS)


def _coupons(ctx: Context, _since: datetime) -> Compared:
    """Coupons and promotion codes, likewise."""
    return _items(ctx, OFFERS)


def _items(ctx: Context, kinds: frozenset[ItemKind]) -> Compared:
    items, _, kept = _provider_items.load(ctx)
    items = [item for item in items if item.kind in kinds]
    if not kept or not items:
        return
    there = listed(ctx.provider.find_items(items))
    for item in items:
        change = _provider_items.change(item, there, kept)
        before = kept.get((item.kind, item.key))
        was_held = before is not None and before.status is Holding.HELD
        if change is None:
            yield None
        else:
            yield domain.reconciliation.of_item(change, was_pushed=before is not None, was_held=was_held)


PARTS: Mapping[Part, Callable[[Context, datetime], Compared]] = {
    Part.CUSTOMERS: _customers,
    Part.PAYMENTS: _payments,
    Part.INVOICES: _invoices,
    Part.REFUNDS: _refunds,
    Part.DISPUTES: _disputes,
    Part.SUBSCRIPTIONS: _subscriptions,
    Part.USAGE: _usage,
    Part.CATALOGUE: _catalogue,
    Part.COUPONS: _coupons,
}
