"""Reconciliation: the provider's half beside ours, and where the two differ. Pure: what to do about it, others do."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from tallystick.domain.customers import Customer, ProviderCustomer
from tallystick.domain.disputes import Dispute, ProviderDispute
from tallystick.domain.payments import (
    CustomerChanged,
    DisputeChanged,
    Payment,
    PaymentChanged,
    PaymentStatus,
    ProviderFact,
    ProviderPayment,
    RefundChanged,
    SubscriptionChanged,
    SubscriptionInvoiceChanged,
)
from tallystick.domain.provider_catalogue import Act, ItemChange, ItemKind
from tallystick.domain.provider_subscriptions import FINAL, FollowedSubscription, ProviderInvoice, ProviderSubscription
from tallystick.domain.refunds import ProviderRefund, Refund
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId, MeterKey
from tallystick.values.time import EPOCH, rfc3339

KEPT_FOR = timedelta(days=30)  # how long providers keep their news; further back only objects can be compared
USAGE_QUESTIONS_MAX = 1_000  # of a night, or a day, about usage: one for each customer and meter; the next goes on
OVERLAP = timedelta(days=1)  # a nightly run looks so far behind the one before it
NIGHTLY = "nightly"  # the job of the night, among those that people have asked for
_NIGHT = timedelta(hours=3)  # UTC
OFFERS = frozenset({ItemKind.COUPON, ItemKind.PROMOTION_CODE})


class Part(StrEnum):
    """What is compared, in this order: a payment needs its customer, a refund or dispute what was paid."""

    NEWS = "news"
    CUSTOMERS = "customers"
    PAYMENTS = "payments"
    INVOICES = "invoices"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    SUBSCRIPTIONS = "subscriptions"
    USAGE = "usage"
    CATALOGUE = "catalogue"
    COUPONS = "coupons"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same on both sides. `ours` and `theirs` are the two halves in words; None: it is not there.

    `news` is what a webhook would have told, by which it is repaired; `push` is what is pushed there, where we are who decides.
    Neither: people have to look, and `reason` says at what.
    """

    part: Part
    subject: str
    ref: str
    ours: str | None
    theirs: str | None
    reason: str
    news: ProviderFact | None = None
    push: ItemChange | None = None

    @property
    def repairable(self) -> bool:
        return self.news is not None or self.push is not None or self.part is Part.NEWS


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference, and what became of it: repaired, or why it was not."""

    difference: Difference
    repaired: bool = False
    left: str | None = None

    @property
    def document(self) -> dict[str, object]:
        """As it is kept and shown."""
        differs = self.difference
        return {
            "part": differs.part.value,
            "subject": differs.subject,
            "ref": differs.ref,
            "ours": differs.ours,
            "theirs": differs.theirs,
            "reason": differs.reason,
            "verdict": "repaired" if self.repaired else "differs",
            "repairable": differs.repairable,
            "left": self.left,
        }


Holder = tuple[CustomerId, MeterKey, str]  # whose usage of which meter, and what that is called there


def turn(holders: Sequence[Holder], day: int, *, most: int = USAGE_QUESTIONS_MAX) -> list[Holder]:
    """Whose turn it is on the day of that number: so many, and the next day those behind them, around and around."""
    if len(holders) <= most:
        return list(holders)
    start = day * most % len(holders)
    return [*holders[start:], *holders][:most]


@dataclass(frozen=True, slots=True)
class UsageRound:
    """How far the nights have come with usage: it is compared from `start`, holder by holder in their order, up to `after`.

    None: with all of them. A round may take several nights; the next one looks from a day before this one was `begun`.
    """

    start: datetime
    begun: datetime
    after: Holder | None = None

    def next(self, *, now: datetime) -> "UsageRound":
        """What the night that comes goes on with."""
        return self if self.after is not None else UsageRound(self.begun - OVERLAP, now)

    def share(self, holders: Sequence[Holder], most: int) -> tuple[list[Holder], "UsageRound"]:
        """Those of whom is asked tonight, and how far it has come then."""
        left = sorted(holder for holder in holders if self.after is None or holder > self.after)
        return left[:most], replace(self, after=left[most - 1] if len(left) > most else None)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What comparing has found: how many are equal of each part, and each that is not. Not done yet, it has found nothing.

    `at` is when it was asked for, or begun.
    """

    id: str
    at: datetime
    since: datetime
    repair: bool
    equal: Mapping[str, int]
    findings: Sequence[Mapping[str, object]]
    actor: str = "system"
    done_at: datetime | None = None
    usage: UsageRound | None = None

    @property
    def differing(self) -> list[Mapping[str, object]]:
        """Those that were not repaired."""
        return [finding for finding in self.findings if finding["verdict"] != "repaired"]

    @property
    def repaired_count(self) -> int:
        return len(self.findings) - len(self.differing)

    @property
    def beyond_repair(self) -> list[Mapping[str, object]]:
        """Those that no repair mends: it was tried, or there is none."""
        return [finding for finding in self.differing if self.repair or not finding["repairable"]]


def night_before(now: datetime) -> datetime:
    """When the comparison of the night that was last is due."""
    night = now.replace(hour=0, minute=0, second=0, microsecond=0) + _NIGHT
    return night if night <= now else night - timedelta(days=1)


def asked(reconciliation_id: str, *, since: datetime | None, repair: bool, actor: str, now: datetime) -> Reconciliation:
    """A comparison that is still to be made, as far back as `since`. Raises InvalidInput."""
    if since is not None and since.tzinfo is None:
        raise InvalidInput("since: say in which zone, such as 2026-01-01T00:00:00Z", field="since")
    if since is not None and since > now:
        raise InvalidInput(f"since: lies in the future; it is {rfc3339(now)}", field="since")
    since = now - KEPT_FOR if since is None else max(since, EPOCH)
    return Reconciliation(reconciliation_id, now, since, repair, {}, (), actor)


def of_customer(theirs: ProviderCustomer, ours: Customer | None) -> Difference | None:
    """A customer of the provider's that carries an id of ours."""
    named = str(theirs.customer_id)
    if ours is None:
        reason = "no customer of ours has the id that it carries: put it here and repair again, or delete it there"
        return Difference(Part.CUSTOMERS, named, theirs.ref, None, theirs.ref, reason)
    if ours.provider_ref == theirs.ref:
        return None
    if ours.provider_ref is None:
        news = CustomerChanged(theirs.ref, theirs.customer_id)
        return Difference(Part.CUSTOMERS, named, theirs.ref, None, theirs.ref, "the answer that told of it was lost", news)
    reason = "there are two of them; nothing is asked for through this one"
    return Difference(Part.CUSTOMERS, named, theirs.ref, ours.provider_ref, theirs.ref, reason)


def of_payment(theirs: ProviderPayment, ours: Payment | None, part: Part = Part.PAYMENTS) -> Difference | None:
    """An object of the provider's that carries an invoice's id; `ours` is the payment of that object, else of that invoice."""
    held = f"{theirs.status} {theirs.paid or theirs.amount}"
    if ours is None:
        return _orphan(theirs, held, part)
    asked = f"{ours.status} {ours.amount}"
    if ours.ref is not None and ours.ref != theirs.ref:
        if theirs.status is PaymentStatus.CANCELED:
            return None  # one of before, which another has taken the place of
        todo = "paid there: give that back" if theirs.status is PaymentStatus.SUCCEEDED else "cancel it there"
        return Difference(part, ours.id, theirs.ref, asked, held, f"{ours.ref} collects it; this is a second object, {todo}")
    if ours.ref == theirs.ref and _stands(ours.status) == _stands(theirs.status):
        other = _other_sum(theirs, ours)
        return None if other is None else Difference(part, ours.id, theirs.ref, asked, held, other)
    if ours.status is PaymentStatus.SUCCEEDED:
        return Difference(part, ours.id, theirs.ref, asked, held, "booked as paid, and not paid there")
    if ours.status is PaymentStatus.CANCELED:
        is_paid = theirs.status is PaymentStatus.SUCCEEDED
        todo = "paid there: give that back there" if is_paid else "can still be paid there: cancel it there"
        return Difference(part, ours.id, theirs.ref, asked, held, f"given up here, and {todo}")
    reason = "the answer that told of it was lost" if ours.ref is None else "the news of it never came"
    return Difference(part, ours.id, theirs.ref, asked, held, reason, PaymentChanged(theirs.ref, theirs.invoice_id))


def _orphan(theirs: ProviderPayment, held: str, part: Part) -> Difference | None:
    """For an invoice that we do not know, such as of another database on the account, or of one that was restored since."""
    reason = "no invoice of ours has the id that it carries"
    match theirs.status:
        case PaymentStatus.CANCELED:
            return None  # nobody can pay it
        case PaymentStatus.SUCCEEDED:
            todo = "it is paid there: give that back there, unless another database here knows it"
        case PaymentStatus.PENDING | PaymentStatus.OPEN | PaymentStatus.PROCESSING:
            todo = "cancel it there, unless another database here knows it"
        case _:
            assert_never(theirs.status)
    return Difference(part, str(theirs.invoice_id), theirs.ref, None, held, f"{reason}: {todo}")


def _other_sum(theirs: ProviderPayment, ours: Payment) -> str | None:
    """Why its sum, or its currency, is not ours; of one that we have not finished making there, nothing is said."""
    if ours.status is PaymentStatus.SUCCEEDED:
        return None if (theirs.paid or theirs.amount) == ours.amount else "another sum was collected there than is booked"
    if ours.status is PaymentStatus.CANCELED or not ours.ready or theirs.amount == ours.amount:
        return None
    return "another sum is asked for there than is owed: cancel it there, and another takes its place"


def of_invoice(
    theirs: ProviderInvoice, subscription: FollowedSubscription | None, ours: ProviderInvoice | None
) -> Difference | None:
    """An invoice that the provider has made of a subscription of ours; `ours` is how we have mirrored it."""
    held, mirrored = words_of_invoice(theirs), None if ours is None else words_of_invoice(ours)
    if subscription is None:
        reason = "it is of a subscription that none of ours is: end that there, unless another database here knows it"
        return Difference(Part.INVOICES, str(theirs.reference), theirs.ref, None, held, reason)
    if subscription.ref is not None and subscription.ref != theirs.subscription_ref:
        reason = f"it is of {theirs.subscription_ref}, and {subscription.ref} is this subscription: end the other one there"
        return Difference(Part.INVOICES, subscription.id, theirs.ref, mirrored, held, reason)
    if mirrored == held:
        return None
    news = SubscriptionInvoiceChanged(theirs.ref, subscription.id)
    return Difference(Part.INVOICES, subscription.id, theirs.ref, mirrored, held, "the news of it never came", news)


def of_refund(theirs: ProviderRefund, ours: Refund | None) -> Difference | None:
    """A refund of the provider's; without one of ours it must be known to be of a payment of ours."""
    held, news = f"{theirs.status} {theirs.amount}", RefundChanged(theirs.ref)
    if ours is None:
        reason = "money went back, and the news of it never came"
        return Difference(Part.REFUNDS, theirs.refund_id or theirs.ref, theirs.ref, None, held, reason, news)
    if ours.ref == theirs.ref and (ours.status, ours.amount) == (theirs.status, theirs.amount):
        return None
    reason = "the news of it never came" if ours.ref == theirs.ref else "the answer that told of it was lost"
    return Difference(Part.REFUNDS, ours.id, theirs.ref, f"{ours.status} {ours.amount}", held, reason, news)


def of_dispute(theirs: ProviderDispute, ours: Dispute | None) -> Difference | None:
    """A dispute of the provider's; without one of ours it must be known to be of a payment of ours."""
    held, news = _words(theirs), DisputeChanged(theirs.ref)
    if ours is None:
        return Difference(Part.DISPUTES, theirs.ref, theirs.ref, None, held, "the news of it never came", news)
    if _words(ours) == held:
        return None
    return Difference(Part.DISPUTES, ours.id, theirs.ref, _words(ours), held, "the news of it never came", news)


def of_subscription(
    theirs: ProviderSubscription, ours: FollowedSubscription | None, seats: int | None = None
) -> Difference | None:
    """A subscription of the provider's that carries an id of ours, and the seats that it bills; None: that cannot be told."""
    named, held = str(theirs.reference), _words_of(theirs, seats)
    if ours is None:
        if theirs.standing in FINAL:
            return None  # it bills nobody
        reason = "no subscription of ours has the id that it carries: end it there, unless another database here knows it"
        return Difference(Part.SUBSCRIPTIONS, named, theirs.ref, None, held, reason)
    kept = _words_of(ours, None if seats is None else ours.terms.seats)
    if ours.ref is not None and ours.ref != theirs.ref:
        if theirs.standing in FINAL:
            return None  # one of before
        reason = f"{ours.ref} is this subscription; this is a second one, and it is billed too"
        return Difference(Part.SUBSCRIPTIONS, named, theirs.ref, kept, held, reason)
    if ours.ref == theirs.ref and kept == held:
        return None
    if ours.ref is None and ours.standing in FINAL and theirs.standing in FINAL:
        return None  # begun on a page that is over, and never paid
    if ours.standing in FINAL:
        reason = "over for us, and billed there: end it there"
        return Difference(Part.SUBSCRIPTIONS, named, theirs.ref, kept, held, reason)
    reason = "the answer that told of it was lost" if ours.ref is None else "the news of it never came"
    news = SubscriptionChanged(theirs.ref, ours.id)
    return Difference(Part.SUBSCRIPTIONS, named, theirs.ref, kept, held, reason, news)


def unbilled(expired: FollowedSubscription, meter_key: MeterKey, recorded: str) -> Difference:
    """Usage that neither a subscription nor a charge bills."""
    reason = (
        f"used while {expired.id} waited for a first payment that never came, and billed by nobody: "
        f"put a charge on {meter_key} and bill the customer, or let it go"
    )
    return Difference(Part.USAGE, f"{expired.customer_id}/{meter_key}", expired.ref or "", recorded, None, reason)


def of_item(change: ItemChange, *, was_pushed: bool, was_held: bool) -> Difference:
    """An item of the catalogue that the provider does not hold as it should. `was_held`: it did, once."""
    item, there = change.item, change.there
    part = Part.COUPONS if item.kind in OFFERS else Part.CATALOGUE
    ours, theirs = (None if each is None else json.dumps(each.document, default=str) for each in (item, there))
    ref, push = "" if there is None else there.ref, None
    if part is Part.COUPONS and change.act is Act.CREATE and was_held:
        reason = "removed there: take it out of the catalogue, or `tallystick catalog push`"
    elif part is Part.COUPONS and _is_switched_off(change):
        reason = "switched off there, or used up: switch it off here as well, or `tallystick catalog push`"
    elif change.act is Act.REFUSE:
        reason = "it is there otherwise, and never changes there: give ours another name"
    elif part is Part.COUPONS and was_pushed:
        reason, push = (
            "it is not there as it is here" if change.act is Act.UPDATE else "the answer that told of it was lost",
            change,
        )
    else:
        reason = f"`tallystick catalog push` would {change.act} it"
    return Difference(part, f"{item.kind}:{item.key}", ref, ours, theirs, reason, push=push)


def _is_switched_off(change: ItemChange) -> bool:
    """Whoever did that there may have had a reason: nothing is offered anew by itself."""
    there = None if change.there is None else change.there.document.get("active")
    return there is False and change.item.document.get("active") is True


def missing(part: Part, subject: str, ref: str, ours: str | None, why: str) -> Difference:
    """What we have, and the provider does not know, or does not tell."""
    return Difference(part, subject, ref, ours, None, why)


def words_of_invoice(invoice: ProviderInvoice) -> str:
    """An invoice of the provider's, as half of a comparison."""
    number = "" if invoice.number is None else f"{invoice.number} "
    return f"{number}{invoice.standing} {invoice.total}, {invoice.amount_paid} paid, {invoice.amount_due} due"


def _stands(status: PaymentStatus) -> PaymentStatus:
    """Of what waits, no list tells how far it has come."""
    waiting = {PaymentStatus.PENDING, PaymentStatus.OPEN, PaymentStatus.PROCESSING}
    return PaymentStatus.OPEN if status in waiting else status


def _words_of(subscription: ProviderSubscription | FollowedSubscription, seats: int | None) -> str:
    """Of one that is over, how many seats it had makes no difference."""
    seated = "" if seats is None or subscription.standing in FINAL else f", {seats} seat{'' if seats == 1 else 's'}"
    until = "" if subscription.period is None else f", until {rfc3339(subscription.period.end)}"
    return f"{subscription.standing}{seated}{until}{', and then over' if subscription.ends_with_period else ''}"


def _words(dispute: Dispute | ProviderDispute) -> str:
    return f"{dispute.status} {dispute.amount}, {'withdrawn' if dispute.withdrawn else 'not withdrawn'}"
