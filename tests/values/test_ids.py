"""Ids: the same for the same facts, in the order of time where they are new, never guessed."""

from datetime import UTC, datetime

from tallystick.values.faults import NoFaults
from tallystick.values.ids import SeededIds, SystemIds, derived


class StoppedClock:
    """A clock that shows what it is told."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0


def test_the_same_facts_are_the_same_id_for_ever() -> None:
    assert derived("inv", "sub_1", "2026-01") == "inv_5xxqa507afqpjkrdjhzzj56429"


def test_facts_do_not_run_into_each_other() -> None:
    found = {derived("inv", *facts) for facts in (("a", "bc"), ("ab", "c"), ("abc",), ("abc", ""), ("", "abc"))}
    assert len(found) == 5
    assert derived("inv", "a") != derived("cn", "a")


def test_new_ids_sort_by_time_and_are_not_the_same() -> None:
    early, late = (SystemIds(StoppedClock(datetime(year, 1, 1, tzinfo=UTC))) for year in (2026, 2027))
    assert early.new("evt") < late.new("evt")
    assert len({early.new("evt") for _ in range(100)}) == 100
    assert len(early.new("evt")) == len("evt_") + 26
    assert SystemIds().new("evt") > early.new("evt")
    assert len(early.secret(16)) == 16


def test_seeded_ids_repeat_with_their_seed() -> None:
    one, same, other = SeededIds(1), SeededIds(1), SeededIds(2)
    first = [one.new("evt"), one.new("evt"), one.secret(40).hex()]
    assert first == [same.new("evt"), same.new("evt"), same.secret(40).hex()]
    assert first[0] != first[1]
    assert first[0] != other.new("evt")
    assert len(one.secret(40)) == 40


def test_production_has_no_faults() -> None:
    faults = NoFaults()
    faults.point("before commit")
    faults.mark("retried")
