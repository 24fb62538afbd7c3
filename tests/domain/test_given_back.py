"""What goes back of usage that was billed for too much: never more than was asked for, and of nothing, all of it."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.lines import given_back, kept
from tallystick.values.ids import LineId
from tallystick.values.money import JPY, USD, Currency, Money, currency

ISK = currency("isk")
totals = st.integers(0, 10**9)


@given(of=st.sampled_from((USD, JPY, ISK)), totals=st.lists(totals, min_size=2, max_size=12), percent=st.integers(0, 100))
def test_what_is_asked_for_stays_between_nothing_and_what_was_used(of: Currency, totals: list[int], percent: int) -> None:
    """A period that is found to be of more, or less, again and again; what comes to it is discounted by `percent`."""
    billed, asked = 0, 0
    for total in [each * of.step for each in (*totals, 0)]:
        if total >= billed:
            asked += (total - billed) // of.step * (100 - percent) // 100 * of.step
        else:
            asked = kept(Money(asked, of), Money(billed, of), Money(total, of)).minor
        billed = total
        assert 0 <= asked <= billed
        assert asked % of.step == 0
        assert percent or asked == billed, "without a discount it is what was used, to the cent"
    assert asked == 0


@given(asked=totals, more=totals, part=st.fractions(0, 1).filter(lambda part: part < 1))
def test_the_same_part_of_what_was_asked_for_is_kept(asked: int, more: int, part) -> None:
    billed = asked + more + 1
    total = int(billed * part)
    exact = Decimal(asked) * total / billed
    assert abs(kept(Money(asked, USD), Money(billed, USD), Money(total, USD)).minor - exact) <= Decimal("0.5")


@given(parts=st.lists(st.integers(-100, 100)))
def test_what_is_given_back_is_given_back_of_something_once(parts: list[int]) -> None:
    listed = [(LineId(f"line-{place}"), Money(minor, USD)) for place, minor in enumerate(parts)]
    asked = dict(listed)
    found = given_back(listed)
    for line_id, money in listed:
        of_it = sum(minor for _, of, minor in found if of == line_id)
        by_it = sum(minor for by, _, minor in found if by == line_id)
        assert 0 <= of_it <= max(money.minor, 0)
        assert 0 <= by_it <= max(-money.minor, 0)
    assert all(minor > 0 and asked[by].minor < 0 < asked[of].minor for by, of, minor in found)


def test_the_newest_is_given_back_first() -> None:
    parts = [("a", 100), ("b", 20), ("c", -30), ("d", -80), ("e", 5), ("f", -9)]
    found = given_back([(LineId(name), Money(minor, USD)) for name, minor in parts])
    assert found == [("c", "b", 20), ("c", "a", 10), ("d", "a", 80), ("f", "e", 5), ("f", "a", 4)]
