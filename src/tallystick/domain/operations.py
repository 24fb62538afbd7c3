"""The vital signs of the business itself: how each is measured, where it is ill, and when that is told. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tallystick.domain.alerts import Alert, AlertKind
from tallystick.values.decimals import EXACT, plain
from tallystick.values.ids import CustomerId
from tallystick.values.time import rfc3339

KEPT = timedelta(days=8)
WINDOW_MAX = timedelta(days=7)
NOTED_FROM = timedelta(seconds=1)  # webhooks answered faster need no row


class Vital(StrEnum):
    """What is watched. Of the shares it is told when they fall too low, of the others when they rise too high."""

    USAGE_SYNC = "usage_sync"  # percent of the exports of usage that succeeded
    PAYMENTS = "payments"  # percent of the attempts to collect that succeeded
    WEBHOOKS = "webhooks"  # seconds that the slowest answer to a webhook took
    UNPAID_INVOICES = "unpaid_invoices"  # open invoices that were due


SHARES = frozenset({Vital.USAGE_SYNC, Vital.PAYMENTS})
UNITS = {Vital.USAGE_SYNC: "percent", Vital.PAYMENTS: "percent", Vital.WEBHOOKS: "seconds", Vital.UNPAID_INVOICES: "invoices"}
KINDS = {
    Vital.USAGE_SYNC: AlertKind.OPERATIONS_USAGE_SYNC,
    Vital.PAYMENTS: AlertKind.OPERATIONS_PAYMENTS,
    Vital.WEBHOOKS: AlertKind.OPERATIONS_WEBHOOKS,
    Vital.UNPAID_INVOICES: AlertKind.OPERATIONS_UNPAID_INVOICES,
}
_LIMITS = {
    Vital.USAGE_SYNC: Decimal(95),
    Vital.PAYMENTS: Decimal(90),
    Vital.WEBHOOKS: Decimal(5),
    Vital.UNPAID_INVOICES: Decimal(5),
}
_WINDOWS = {
    Vital.USAGE_SYNC: timedelta(hours=24),
    Vital.PAYMENTS: timedelta(hours=24),
    Vital.WEBHOOKS: timedelta(minutes=15),
    Vital.UNPAID_INVOICES: timedelta(0),
}


@dataclass(frozen=True, slots=True)
class VitalRules:
    """The limit of each vital sign, and how far back is looked; a window of zero is this instant."""

    limits: Mapping[Vital, Decimal] = field(default_factory=lambda: dict(_LIMITS))
    windows: Mapping[Vital, timedelta] = field(default_factory=lambda: dict(_WINDOWS))


@dataclass(frozen=True, slots=True)
class Tally:
    """What was observed in a window: how often it went well, how often not, and how long the slowest took."""

    good: int = 0
    bad: int = 0
    slowest_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """One vital sign at one instant. `value` is None where nothing was observed; `count` is how much was."""

    vital: Vital
    value: Decimal | None
    count: int
    ill: bool


@dataclass(frozen=True, slots=True)
class Watch:
    """How a vital sign stands: `ill` since `since`, or well since then. Saved under its `version`."""

    vital: Vital
    ill: bool
    since: datetime
    measured_at: datetime
    value: Decimal | None
    count: int
    limit: Decimal
    version: int = 1


def measure(rules: VitalRules, vital: Vital, tally: Tally) -> Measure:
    """The value, rounded for people; whether it is ill is decided before that, exactly."""
    limit, total = rules.limits[vital], tally.good + tally.bad
    if vital in SHARES:
        tenths = tally.good * 1000 // total if total else None
        ill = total > 0 and Decimal(tally.good * 100) < EXACT.multiply(limit, Decimal(total))
        return Measure(vital, None if tenths is None else Decimal(tenths).scaleb(-1), total, ill)
    if vital is Vital.WEBHOOKS:
        slowest = None if tally.slowest_ms is None else Decimal(tally.slowest_ms).scaleb(-3)
        return Measure(vital, slowest, total, slowest is not None and slowest > limit)
    return Measure(vital, Decimal(tally.bad), total, Decimal(tally.bad) > limit)


def watched(before: Watch | None, found: Measure, limit: Decimal, *, now: datetime) -> Watch:
    """The watch after one more measurement: what it turned into, it is since now."""
    if before is None:
        return Watch(found.vital, found.ill, now, now, found.value, found.count, limit)
    since = before.since if before.ill is found.ill else now
    measured = replace(before, ill=found.ill, since=since, measured_at=now, value=found.value, count=found.count, limit=limit)
    return replace(measured, version=before.version + 1)


def has_fallen_ill(before: Watch | None, after: Watch) -> bool:
    """Told now, and then not again until it is over."""
    return after.ill and (before is None or not before.ill)


def has_recovered(before: Watch | None, after: Watch) -> bool:
    """What was told when it began is told once more when it is over."""
    return before is not None and before.ill and not after.ill


def alert_of(watch: Watch) -> Alert:
    """One for the time that it lasts, which began at `since`."""
    assert watch.value is not None, "what is ill was measured"
    return _alert(KINDS[watch.vital], watch, watch.since, {"value": plain(watch.value)})


def recovery_of(before: Watch, after: Watch) -> Alert:
    """One for the time that it lasted, from the `since` of the illness. Nothing observed any more is well, too: no value."""
    said = {"value": None if after.value is None else plain(after.value), "ill_since": rfc3339(before.since)}
    return _alert(AlertKind.OPERATIONS_RECOVERED, after, before.since, {"vital": after.vital.value, **said})


def _alert(kind: AlertKind, watch: Watch, began: datetime, figures: Mapping[str, str | None]) -> Alert:
    facts = {**figures, "limit": plain(watch.limit), "count": str(watch.count), "unit": UNITS[watch.vital]}
    return Alert(CustomerId(""), kind, watch.vital.value, began, 0, watch.measured_at, facts)
