"""Alerts: when the use of a quota, money spent, or usage itself is worth telling somebody, once for each period."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tallystick.values.decimals import EXACT, plain
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import AlertId, CustomerId, MeterKey, derived
from tallystick.values.money import Money
from tallystick.values.time import rfc3339

THRESHOLDS_DEFAULT = (80, 100)
THRESHOLDS_MAX = 20
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)
WEEKS_MIN, WEEKS_MAX = 4, 8  # so many weeks say what is usual
_CAP = 100


class AlertKind(StrEnum):
    """What an alert is about; each is sent as a message of the type `alert.<kind>`."""

    QUOTA_THRESHOLD = "quota.threshold"
    SPEND_THRESHOLD = "spend.threshold"
    SPEND_CAP_REACHED = "spend.cap_reached"
    USAGE_SPIKE = "usage.spike"
    ENDPOINT_DISABLED = "endpoint.disabled"
    DISPUTE_OPENED = "dispute.opened"
    DISPUTE_CLOSED = "dispute.closed"
    PAYMENT_CANCELED = "payment.canceled"
    PAYMENT_HELD = "payment.held"
    INVOICE_NOT_FINALIZED = "invoice.not_finalized"
    PROVIDER_DIFFERS = "provider.differs"
    OPERATIONS_USAGE_SYNC = "operations.usage_sync"
    OPERATIONS_PAYMENTS = "operations.payments"
    OPERATIONS_WEBHOOKS = "operations.webhooks"
    OPERATIONS_UNPAID_INVOICES = "operations.unpaid_invoices"
    OPERATIONS_RECOVERED = "operations.recovered"
    TEST = "test"


# Who gets a letter: the customer whom it is about, the one who runs the business, or both.
TELLS_CUSTOMER = frozenset(
    {AlertKind.QUOTA_THRESHOLD, AlertKind.SPEND_THRESHOLD, AlertKind.SPEND_CAP_REACHED, AlertKind.USAGE_SPIKE}
)
TELLS_OPERATOR = frozenset({
    AlertKind.SPEND_CAP_REACHED, AlertKind.USAGE_SPIKE, AlertKind.ENDPOINT_DISABLED, AlertKind.DISPUTE_OPENED,
    AlertKind.DISPUTE_CLOSED, AlertKind.PAYMENT_CANCELED, AlertKind.INVOICE_NOT_FINALIZED, AlertKind.PROVIDER_DIFFERS,
    AlertKind.OPERATIONS_USAGE_SYNC, AlertKind.OPERATIONS_PAYMENTS, AlertKind.OPERATIONS_WEBHOOKS,
    AlertKind.OPERATIONS_UNPAID_INVOICES, AlertKind.OPERATIONS_RECOVERED, AlertKind.PAYMENT_HELD,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Alert:
    """Told once for its customer, kind, subject, period and threshold. An empty customer is the business itself.

    `subject` is what it is about, such as a meter; `threshold` a percentage, or how many times the usual.
    """

    customer_id: CustomerId
    kind: AlertKind
    subject: str
    period_start: datetime
    threshold: int
    at: datetime
    facts: Mapping[str, str | None]

    @property
    def id(self) -> AlertId:
        return AlertId(derived("alr", self.customer_id, self.kind, self.subject, rfc3339(self.period_start), str(self.threshold)))

    @property
    def type(self) -> str:
        return f"alert.{self.kind}"

    @property
    def document(self) -> dict[str, object]:
        """As it is sent."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "customer": self.customer_id or None,
            "subject": self.subject,
            "period_start": rfc3339(self.period_start),
            "threshold": self.threshold,
            "at": rfc3339(self.at),
            "facts": dict(self.facts),
        }


@dataclass(frozen=True, slots=True)
class Filling:
    """A quota that fills: so much of its limit was used before, and so much after. A limit of None is unlimited."""

    customer_id: CustomerId
    meter_key: MeterKey
    limit: Decimal | None
    before: Decimal
    after: Decimal
    period_start: datetime
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Spending:
    """Money that is spent under a cap: so much before, and so much after. `subject` names the cap."""

    customer_id: CustomerId
    subject: str
    cap: Money
    before: Money
    after: Money
    period_start: datetime
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SpikeRule:
    """So many times the usual is a spike, if it is also at least so much: three times nothing much is nothing much."""

    factor: Decimal = Decimal(3)
    floor: Decimal = Decimal(1000)


def percent(part: Decimal, whole: Decimal) -> int:
    """The whole percents that `part` has reached."""
    return int(EXACT.divide_int(EXACT.multiply(part, Decimal(100)), whole))


def percents_moved(filling: Filling) -> tuple[int, int] | None:
    """From which whole percent to which; None where no threshold can lie between, so that nobody need ask which there are."""
    if filling.limit is None or filling.limit <= 0:
        return None
    before, after = percent(filling.before, filling.limit), percent(filling.after, filling.limit)
    return (before, after) if after > before else None


def crossed(moved: tuple[int, int], thresholds: Collection[int]) -> list[int]:
    """The thresholds that lie behind the first and not beyond the second, the lowest first."""
    before, after = moved
    return sorted(threshold for threshold in thresholds if before < threshold <= after)


def of_quota(filling: Filling, threshold: int, *, at: datetime) -> Alert:
    assert filling.limit is not None, "what has no limit has no thresholds"
    facts = {
        "limit": plain(filling.limit),
        "used": plain(filling.after),
        "resets_at": None if filling.resets_at is None else rfc3339(filling.resets_at),
    }
    kind = AlertKind.QUOTA_THRESHOLD
    return Alert(filling.customer_id, kind, filling.meter_key, filling.period_start, threshold, at, facts)


def of_spending(spending: Spending, thresholds: Collection[int], *, at: datetime) -> list[Alert]:
    """What is worth telling of this spending: each threshold, and the cap itself, that it has just reached."""
    cap = Decimal(spending.cap.minor)
    if cap <= 0:
        return []
    moved = percent(Decimal(spending.before.minor), cap), percent(Decimal(spending.after.minor), cap)
    facts = {
        "cap_minor": str(spending.cap.minor),
        "spent_minor": str(spending.after.minor),
        "currency": spending.cap.currency.code,
        "resets_at": None if spending.resets_at is None else rfc3339(spending.resets_at),
    }
    return [
        Alert(
            spending.customer_id,
            AlertKind.SPEND_CAP_REACHED if threshold == _CAP else AlertKind.SPEND_THRESHOLD,
            spending.subject,
            spending.period_start,
            threshold,
            at,
            facts,
        )
        for threshold in crossed(moved, {*thresholds, _CAP})
    ]


def weeks_before(hour: datetime) -> list[datetime]:
    """The same hour of the weeks before it, the nearest first."""
    return [hour - week * WEEK for week in range(1, WEEKS_MAX + 1)]


def usual(quantities: Sequence[Decimal]) -> Decimal | None:
    """What is used in that hour of a week: the median. None where there are too few weeks to say."""
    if len(quantities) < WEEKS_MIN:
        return None
    ordered, middle = sorted(quantities), len(quantities) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return EXACT.divide(EXACT.add(ordered[middle - 1], ordered[middle]), Decimal(2))


def is_spike(rule: SpikeRule, quantity: Decimal, usually: Decimal) -> bool:
    return quantity >= rule.floor and quantity > EXACT.multiply(rule.factor, usually)


def of_spike(customer_id: CustomerId, meter_key: MeterKey, hour: datetime, facts: Mapping[str, str], *, at: datetime) -> Alert:
    """One for the day, however many of its hours are unusual."""
    day = hour.replace(hour=0, minute=0, second=0, microsecond=0)
    said = {"hour": rfc3339(hour), **facts}
    return Alert(customer_id, AlertKind.USAGE_SPIKE, meter_key, day, 0, at, said)


def of_disabled(endpoint_id: str, reason: str, customer_id: CustomerId | None, *, at: datetime) -> Alert:
    owner = customer_id or CustomerId("")
    return Alert(owner, AlertKind.ENDPOINT_DISABLED, endpoint_id, at, 0, at, {"reason": reason})


def of_test(*, at: datetime) -> Alert:
    """One that tells of nothing, so that people see that alerts arrive. It is sent, and never kept."""
    return Alert(CustomerId(""), AlertKind.TEST, "test", at, 0, at, {})


def of_provider(
    kind: AlertKind, subject: str, facts: Mapping[str, str | None], *, customer_id: CustomerId, since: datetime, at: datetime
) -> Alert:
    """What the provider has told of an object of ours, which began then: once for each object and kind."""
    return Alert(customer_id, kind, subject, since, 0, at, facts)


def checked_thresholds(thresholds: Collection[int]) -> tuple[int, ...]:
    """Whole percents from 1 to 1000, each once and in order; none means that nothing is told. Raises InvalidInput."""
    if len(thresholds) > THRESHOLDS_MAX or not all(1 <= threshold <= 1000 for threshold in thresholds):
        raise InvalidInput(f"thresholds: at most {THRESHOLDS_MAX} whole percents from 1 to 1000", field="thresholds")
    return tuple(sorted(set(thresholds)))
