"""The four vital signs of the business: from which figure on each is ill, and that it is told once, until it is over."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain import operations
from tallystick.domain.operations import Tally, Vital, VitalRules, Watch

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RULES = VitalRules()


def is_ill(vital: Vital, good: int = 0, bad: int = 0, slowest_ms: int | None = None) -> bool:
    return operations.measure(RULES, vital, Tally(good, bad, slowest_ms)).ill


@pytest.mark.parametrize(("vital", "good", "ill"), [
    (Vital.USAGE_SYNC, 95, False), (Vital.USAGE_SYNC, 94, True), (Vital.PAYMENTS, 90, False), (Vital.PAYMENTS, 89, True),
])  # fmt: skip
def test_a_share_is_ill_below_its_limit_and_not_at_it(vital: Vital, good: int, ill: bool) -> None:
    assert is_ill(vital, good, 100 - good) is ill
    assert is_ill(vital, good * 10**6 + 0, (100 - good) * 10**6) is ill


def test_of_very_many_one_below_the_limit_is_below_it() -> None:
    assert is_ill(Vital.PAYMENTS, 9 * 10**8 - 1, 10**8 + 1), "though it is shown as 89.9"
    assert not is_ill(Vital.PAYMENTS, 9 * 10**8, 10**8)


def test_what_was_never_tried_is_not_ill() -> None:
    for vital in (Vital.USAGE_SYNC, Vital.PAYMENTS, Vital.WEBHOOKS):
        found = operations.measure(RULES, vital, Tally())
        assert (found.value, found.ill) == (None, False)


def test_an_answer_is_late_after_five_seconds() -> None:
    assert not is_ill(Vital.WEBHOOKS, 1, 0, 5000)
    assert is_ill(Vital.WEBHOOKS, 0, 1, 5001)


def test_six_invoices_that_were_due_are_too_many_however_many_are_open() -> None:
    assert not is_ill(Vital.UNPAID_INVOICES, 1000, 5)
    assert is_ill(Vital.UNPAID_INVOICES, 0, 6)


def test_limits_are_settings() -> None:
    strict = VitalRules(limits=dict(RULES.limits) | {Vital.UNPAID_INVOICES: Decimal(0), Vital.PAYMENTS: Decimal("99.5")})
    assert operations.measure(strict, Vital.UNPAID_INVOICES, Tally(0, 1)).ill
    assert operations.measure(strict, Vital.PAYMENTS, Tally(994, 6)).ill
    assert not operations.measure(strict, Vital.PAYMENTS, Tally(995, 5)).ill


def test_a_share_is_shown_with_one_place_and_never_rounded_up() -> None:
    assert operations.measure(RULES, Vital.PAYMENTS, Tally(2, 1)).value == Decimal("66.6")
    assert operations.measure(RULES, Vital.PAYMENTS, Tally(99_999, 1)).value == Decimal("99.9")


@given(st.lists(st.booleans(), min_size=1, max_size=50))
def test_it_is_told_at_each_beginning_and_never_between(days: list[bool]) -> None:
    watch: Watch | None = None
    told, now = [], NOON
    for ill in days:
        now += timedelta(minutes=1)
        after = operations.watched(
            watch, operations.measure(RULES, Vital.UNPAID_INVOICES, Tally(0, 6 * ill)), Decimal(5), now=now
        )
        if operations.has_fallen_ill(watch, after):
            told.append(operations.alert_of(after).id)
        watch = after
    begun = sum(ill and not before for before, ill in zip([False, *days], days, strict=False))
    assert len(told) == len(set(told)) == begun


@given(st.lists(st.booleans(), min_size=1, max_size=50))
def test_what_was_told_is_told_to_be_over_once_and_nothing_else_is(days: list[bool]) -> None:
    watch: Watch | None = None
    begun, over, now = [], [], NOON
    for ill in days:
        now += timedelta(minutes=1)
        after = operations.watched(
            watch, operations.measure(RULES, Vital.UNPAID_INVOICES, Tally(0, 6 * ill)), Decimal(5), now=now
        )
        if operations.has_fallen_ill(watch, after):
            begun.append(after.since)
        if watch is not None and operations.has_recovered(watch, after):
            over.append(operations.recovery_of(watch, after))
        watch = after
    assert [alert.period_start for alert in over] == begun[: len(begun) - days[-1]]
    assert len({alert.id for alert in over}) == len(over)


def test_an_alert_says_the_figure_and_the_limit_and_is_of_nobody() -> None:
    found = operations.measure(RULES, Vital.PAYMENTS, Tally(8, 2))
    alert = operations.alert_of(operations.watched(None, found, Decimal(90), now=NOON))
    assert (alert.type, alert.customer_id, alert.subject) == ("alert.operations.payments", "", "payments")
    assert alert.facts == {"value": "80", "limit": "90", "count": "10", "unit": "percent"}
