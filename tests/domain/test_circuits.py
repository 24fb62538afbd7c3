"""What does not answer is left alone for a while, and then asked by one; and what is asked again is not asked all at once."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain import circuits, retries
from tallystick.domain.circuits import FAILURES_MAX, PAUSE_FIRST, PAUSE_MAX, PROBE_MAX, Circuit, CircuitState

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def opened(at: datetime = NOON) -> Circuit:
    circuit = Circuit()
    for _ in range(FAILURES_MAX):
        circuit = circuits.failed(circuit, now=at)
    return circuit


def probed(circuit: Circuit, at: datetime) -> Circuit:
    entered = circuits.entered(circuit, now=at)
    assert entered is not None
    assert entered.state is CircuitState.HALF_OPEN
    return entered


def test_five_failures_in_a_row_open_it_and_not_four() -> None:
    circuit = Circuit()
    for _ in range(FAILURES_MAX - 1):
        circuit = circuits.failed(circuit, now=NOON)
        assert circuits.entered(circuit, now=NOON) == circuit, "everybody is let through"
    assert circuits.failed(circuit, now=NOON).state is CircuitState.OPEN


def test_while_it_is_open_nobody_is_let_through_and_then_one() -> None:
    circuit = opened()
    assert circuits.entered(circuit, now=NOON + PAUSE_FIRST - SECOND) is None
    assert circuits.held_for(circuit, now=NOON + SECOND) == PAUSE_FIRST - SECOND
    probing = probed(circuit, NOON + PAUSE_FIRST)
    assert circuits.entered(probing, now=NOON + PAUSE_FIRST) is None, "the second one waits for what becomes of the first"


def test_a_failed_probe_opens_it_for_twice_as_long_up_to_five_minutes() -> None:
    circuit, now, pauses = opened(), NOON, []
    for _ in range(6):
        pauses.append(circuit.pause)
        now += circuit.pause
        circuit = circuits.failed(probed(circuit, now), now=now)
        assert circuit.state is CircuitState.OPEN
    assert pauses == [PAUSE_FIRST * factor for factor in (1, 2, 4, 8, 10, 10)]
    assert pauses[-1] == PAUSE_MAX


def test_a_probe_that_never_comes_back_holds_nobody_up_for_longer_than_a_minute() -> None:
    probing = probed(opened(), NOON + PAUSE_FIRST)
    assert circuits.entered(probing, now=NOON + PAUSE_FIRST + PROBE_MAX - SECOND) is None
    probed(probing, NOON + PAUSE_FIRST + PROBE_MAX)


def test_a_failure_that_was_sent_before_it_opened_prolongs_nothing() -> None:
    circuit = opened()
    assert circuits.failed(circuit, now=NOON + SECOND) == circuit


def test_a_clock_that_is_set_back_holds_nobody_up() -> None:
    assert circuits.entered(opened(), now=NOON - timedelta(days=1)) is not None


@given(name=st.text(), attempt=st.integers(0, 10_000))
def test_a_wait_lies_between_half_and_the_whole_of_its_doubling(name: str, attempt: int) -> None:
    whole = min(retries.FIRST * 2 ** min(attempt, 20), retries.LONGEST)
    waited = retries.wait(name, attempt)
    assert whole / 2 <= waited <= whole
    assert waited == retries.wait(name, attempt), "the same again: a run can be repeated"


def test_what_failed_together_is_not_asked_again_together() -> None:
    waits = {retries.wait(f"pay_{number}", 7) for number in range(100)}
    assert len(waits) == 100
    assert max(waits) - min(waits) > timedelta(minutes=20)
