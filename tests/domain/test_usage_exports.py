"""What becomes of a fact that the provider's meters are told: sent once, taken back if need be, and never in the dark."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain.usage import Aggregation, Event, Meter
from tallystick.domain.usage_exports import (
    TRANSITIONS,
    Export,
    ExportStatus,
    ExportStep,
    Held,
    Part,
    Rejection,
    asked,
    export,
    looked,
    moved,
    next_step,
    not_asked,
    rejected_late,
    reopened,
    reversal,
    sendable_until,
)
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId, EventId, MeterKey

NOW = datetime(2026, 3, 10, 12, 0, 30, tzinfo=UTC)
METER = Meter(MeterKey("calls"), export_as="api_calls")


def event(quantity: str = "5", **more: Any) -> Event:
    said = {"customer_id": CustomerId("ada"), "id": EventId("e1"), "meter_key": METER.key, "at": NOW, **more}
    return Event(quantity=Decimal(quantity), **said)


def row(quantity: str = "5", **more: Any) -> Export:
    at = more.pop("at", NOW)
    return replace(export(event(quantity, at=at), METER, now=NOW), **more)


def sent(**more: Any) -> Export:
    return moved(asked(row(), ExportStep.SEND, now=NOW), ExportStatus.SENT, now=NOW) if not more else replace(sent(), **more)


def test_a_sum_is_told_its_quantities_and_a_count_one_for_each_event() -> None:
    assert row("2.5").quantity == Decimal("2.5")
    counting = Meter(MeterKey("calls"), Aggregation.COUNT, export_as="api_calls")
    assert export(event("7"), counting, now=NOW).quantity == Decimal(1)


@pytest.mark.parametrize("aggregation", [Aggregation.MAX, Aggregation.LATEST, Aggregation.TIME_WEIGHTED])
def test_what_does_not_add_up_is_not_exported(aggregation: Aggregation) -> None:
    with pytest.raises(InvalidInput, match="only count and sum"):
        Meter(MeterKey("seats"), aggregation, export_as="seats")


@pytest.mark.parametrize("name", ["", "x" * 101, "a\nb"])
def test_a_name_at_the_provider_has_up_to_a_hundred_characters(name: str) -> None:
    with pytest.raises(InvalidInput, match="export_as"):
        Meter(MeterKey("calls"), export_as=name)


def test_the_identifier_comes_of_the_event_and_the_attempt_alone() -> None:
    assert row().identifier == replace(row(), asked_at=NOW, round=3, version=9).identifier
    names = {row().identifier, replace(row(), attempt=1).identifier, reversal(row(), now=NOW).identifier}
    assert len(names) == 3
    assert all(len(name) <= 100 for name in names)


def test_a_stored_failure_is_asked_past_by_another_key_for_the_same_identifier() -> None:
    first, second = row().key(ExportStep.SEND), replace(row(), round=1).key(ExportStep.SEND)
    assert first == row().identifier
    assert Rejection(second, "x", "").identifier == Rejection(first, "x", "").identifier == row().identifier
    assert row().key(ExportStep.CANCEL) not in {first, second}


def test_what_is_due_is_sent() -> None:
    assert next_step(row(), now=NOW) is ExportStep.SEND
    assert sendable_until(NOW) == NOW + timedelta(minutes=4)


def test_what_was_taken_back_before_it_was_sent_is_never_sent() -> None:
    assert next_step(row(amended=True), now=NOW) is ExportStep.DROP


def test_a_zero_adds_nothing_and_is_not_sent() -> None:
    assert next_step(row("0"), now=NOW) is ExportStep.DROP


def test_what_may_be_there_is_brought_to_an_end_before_it_is_taken_back() -> None:
    unknown = row(amended=True, asked_at=NOW)
    assert next_step(unknown, now=NOW + timedelta(hours=1)) is ExportStep.SEND
    assert next_step(moved(unknown, ExportStatus.SENT, now=NOW), now=NOW) is ExportStep.CANCEL


def test_what_the_provider_would_not_count_is_not_sent_and_says_why() -> None:
    old = row(at=NOW - timedelta(days=35, seconds=1))
    long = row("1234567890.123456")
    assert {next_step(each, now=NOW) for each in (old, long)} == {ExportStep.REJECT}
    assert next_step(row("123456789.123456"), now=NOW) is ExportStep.SEND


def test_an_identifier_that_may_be_forgotten_is_not_sent_again_before_somebody_has_looked() -> None:
    unknown = row(asked_at=NOW)
    assert next_step(unknown, now=NOW + timedelta(hours=22)) is ExportStep.SEND
    assert next_step(unknown, now=NOW + timedelta(hours=23)) is ExportStep.LOOK


def test_what_counts_no_longer_is_canceled_within_a_day_and_made_up_for_afterwards() -> None:
    amended = sent(amended=True)
    assert next_step(amended, now=NOW + timedelta(hours=22)) is ExportStep.CANCEL
    assert next_step(amended, now=NOW + timedelta(hours=23)) is ExportStep.REVERSE
    second = reversal(amended, now=NOW)
    assert (second.quantity, second.at, second.part) == (Decimal(-5), amended.at, Part.REVERSAL)


def test_a_cancellation_whose_answer_was_lost_is_looked_for_after_a_day() -> None:
    canceling = sent(amended=True, cancel_asked_at=NOW)
    assert next_step(canceling, now=NOW + timedelta(hours=1)) is ExportStep.CANCEL
    assert next_step(canceling, now=NOW + timedelta(hours=23)) is ExportStep.LOOK


@pytest.mark.parametrize("status", [status for status in ExportStatus if status is not ExportStatus.PENDING])
def test_nothing_more_is_done_about_what_has_come_to_an_end(status: ExportStatus) -> None:
    amended = status is not ExportStatus.SENT
    assert next_step(row(status=status, amended=amended, asked_at=NOW), now=NOW) is ExportStep.NOTHING


def test_a_row_that_the_provider_surely_did_not_hear_of_is_as_before() -> None:
    before = row()
    assert not_asked(asked(before, ExportStep.SEND, now=NOW), before, now=NOW) == before


LATER = NOW + timedelta(days=2)


@pytest.mark.parametrize(
    ("total", "others", "status"),
    [
        ("7", Held(counted=Decimal(2)), ExportStatus.SENT),
        ("2", Held(counted=Decimal(2)), ExportStatus.PENDING),
        ("8", Held(unknown=Decimal(3)), ExportStatus.SENT),
        ("0", Held(unknown=Decimal(3)), ExportStatus.PENDING),
        ("3", Held(unknown=Decimal(3)), ExportStatus.UNCLEAR),
        ("0", Held(unknown=Decimal(-5)), ExportStatus.UNCLEAR),
        ("6", Held(), ExportStatus.UNCLEAR),
    ],
)
def test_the_sum_of_the_minute_tells_what_was_counted(total: str, others: Held, status: ExportStatus) -> None:
    after = looked(row(asked_at=NOW), total=Decimal(total), others=others, now=LATER)
    assert after.status is status
    if status is ExportStatus.PENDING:
        assert (after.asked_at, after.attempt) == (None, 1), "it is not there, and is sent under another identifier"


@pytest.mark.parametrize(("total", "step"), [("5", ExportStep.REVERSE), ("0", ExportStep.NOTHING)])
def test_the_sum_of_the_minute_tells_what_was_taken_back(total: str, step: ExportStep) -> None:
    canceling = sent(amended=True, cancel_asked_at=NOW)
    after = looked(canceling, total=Decimal(total), others=Held(), now=LATER)
    assert next_step(after, now=LATER) is step
    assert (after.status is ExportStatus.CANCELED) is (step is ExportStep.NOTHING)


def test_what_is_rejected_late_counts_for_nothing_and_can_be_sent_again() -> None:
    rejected = rejected_late(sent(), Rejection(row().identifier, "archived_meter", "Meter archived"), now=NOW)
    assert rejected is not None
    assert (rejected.status, rejected.code) == (ExportStatus.REJECTED, "archived_meter")
    again = reopened(rejected, now=NOW)
    assert (again.status, again.asked_at, again.code) == (ExportStatus.PENDING, None, None)
    assert again.identifier != rejected.identifier


def test_news_of_what_was_canceled_changes_nothing() -> None:
    assert rejected_late(row(status=ExportStatus.CANCELED), Rejection(row().identifier, "x", ""), now=NOW) is None


def test_every_status_says_what_may_follow() -> None:
    assert set(TRANSITIONS) == set(ExportStatus)
