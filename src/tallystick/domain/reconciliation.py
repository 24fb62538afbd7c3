"""Reconciliation: the provider's half beside ours, and where the two differ. Pure: what to do about it, others do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

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
)
from tallystick.domain.provider_subscriptions import FINAL, FollowedSubscription, ProviderSubscription
from tallystick.domain.refunds import ProviderRefund, Refund
from tallystick.values.errors import InvalidInput
from tallystick.values.time import EPOCH, rfc3339

KEPT_FOR = timedelta(days=30)  # how long providers keep their news; further back only objects can be compared
OVERLAP = timedelta(days=1)  # a nightly run looks so far behind the one before it
NIGHTLY = "nightly"  # the job of the night, among those that people have asked for
_NIGHT = timedelta(hours=3)  # UTC


class Part(StrEnum):
    """What is compared, in this order: a payment needs its customer, a refund or dispute its payment."""

    NEWS = "news"
    CUSTOMERS = "customers"
    PAYMENTS = "payments"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    SUBSCRIPTIONS = "subscriptions"
    USAGE = "usage"
    CATALOGUE = "catalogue"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same on both sides. `ours` and `theirs` are the two halves in words; None: it is not there.

    `news` is what a webhook would have told, by which it is repaired; None: people have to look, and `reason` says at what.
    """

    part: Part
    subject: str
    ref: str
    ours: str | None
    theirs: str | None
    reason: str
    news: ProviderFact | None = None


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
            "repairable": differs.news is not None or differs.part is Part.NEWS,
            "left": self.left,
        }


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
        return Difference(Part.CUSTOMERS, named, theirs.ref, None, theirs.ref, "no customer of ours has the id that it carries")
    if ours.provider_ref == theirs.ref:
        return None
    if ours.provider_ref is None:
        news = CustomerChanged(theirs.ref, theirs.customer_id)
        return Difference(Part.CUSTOMERS, named, theirs.ref, None, theirs.ref, "the answer that told of it was lost", news)
    reason = "there are two of them; nothing is asked for through this one"
    return Difference(Part.CUSTOMERS, named, theirs.ref, ours.provider_ref, theirs.ref, reason)


def of_payment(theirs: ProviderPayment, ours: Payment | None) -> Difference | None:
    """An object of the provider's that carries an invoice's id; `ours` is the payment of that object, else of that invoice."""
    held = f"{theirs.status} {theirs.paid or theirs.amount}"
    if ours is None:
        return Difference(
            Part.PAYMENTS, str(theirs.invoice_id), theirs.ref, None, held, "no invoice of ours has the id that it carries"
        )
    asked = f"{ours.status} {ours.amount}"
    if ours.ref is not None and ours.ref != theirs.ref:
        if theirs.status is PaymentStatus.CANCELED:
            return None  # one of before, which another has taken the place of
        return Difference(Part.PAYMENTS, ours.id, theirs.ref, asked, held, f"{ours.ref} collects it; this is a second object")
    if ours.ref == theirs.ref and _stands(ours.status) == _stands(theirs.status):
        return None
    if ours.status is PaymentStatus.SUCCEEDED:
        return Difference(Part.PAYMENTS, ours.id, theirs.ref, asked, held, "booked as paid, and not paid there")
    reason = "the answer that told of it was lost" if ours.ref is None else "the news of it never came"
    return Difference(Part.PAYMENTS, ours.id, theirs.ref, asked, held, reason, PaymentChanged(theirs.ref, theirs.invoice_id))


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


def of_subscription(theirs: ProviderSubscription, ours: FollowedSubscription | None) -> Difference | None:
    """A subscription of the provider's that carries an id of ours."""
    named, held = str(theirs.reference), _words_of(theirs)
    if ours is None:
        reason = "no subscription of ours has the id that it carries"
        return Difference(Part.SUBSCRIPTIONS, named, theirs.ref, None, held, reason)
    if ours.ref is not None and ours.ref != theirs.ref:
        if theirs.standing in FINAL:
            return None  # one of before
        reason = f"{ours.ref} is this subscription; this is a second one, and it is billed too"
        return Difference(Part.SUBSCRIPTIONS, named, theirs.ref, _words_of(ours), held, reason)
    if ours.ref == theirs.ref and _words_of(ours) == held:
        return None
    if ours.standing in FINAL:
        reason = "over for us, and billed there: end it there"
        return Difference(Part.SUBSCRIPTIONS, named, theirs.ref, _words_of(ours), held, reason)
    reason = "the answer that told of it was lost" if ours.ref is None else "the news of it never came"
    news = SubscriptionChanged(theirs.ref, ours.id)
    return Difference(Part.SUBSCRIPTIONS, named, theirs.ref, _words_of(ours), held, reason, news)


def missing(part: Part, subject: str, ref: str, ours: str, why: str) -> Difference:
    """What we have, and the provider does not know, or does not tell."""
    return Difference(part, subject, ref, ours, None, why)


def _stands(status: PaymentStatus) -> PaymentStatus:
    """Of what waits, no list tells how far it has come."""
    waiting = {PaymentStatus.PENDING, PaymentStatus.OPEN, PaymentStatus.PROCESSING}
    return PaymentStatus.OPEN if status in waiting else status


def _words_of(subscription: ProviderSubscription | FollowedSubscription) -> str:
    until = "" if subscription.period is None else f", until {rfc3339(subscription.period.end)}"
    return f"{subscription.standing}{until}{', and then over' if subscription.ends_with_period else ''}"


def _words(dispute: Dispute | ProviderDispute) -> str:
    return f"{dispute.status} {dispute.amount}, {'withdrawn' if dispute.withdrawn else 'not withdrawn'}"
