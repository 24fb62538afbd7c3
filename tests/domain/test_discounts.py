"""What discounts take off an invoice: exact percentages, one upon the other, then amounts; shared out to the last cent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.coupons import Coupon, Discount, Duration, redeemed
from tallystick.domain.discounts import AppliedDiscount, Discountable, apply
from tallystick.values.ids import CustomerId, LineId
from tallystick.values.money import EUR, JPY, KWD, USD, Currency, Money, currency

NOW = datetime(2025, 2, 1, tzinfo=UTC)
ISK = currency("isk")


def lines(*minors: int, of: Currency = EUR) -> list[Discountable]:
    return [Discountable(LineId(f"line_{n}"), f"charge_{n}", Money(minor, of)) for n, minor in enumerate(minors)]


def a_discount(key: str = "X", *, after: int = 0, **terms) -> Discount:
    coupon = Coupon(key, **terms)
    return redeemed(coupon, customer_id=CustomerId("ada"), subscription_id="", now=NOW + timedelta(seconds=after))


def percent(number: str, key: str = "P", **terms) -> Discount:
    return a_discount(key, percent=Decimal(number), **terms)


def amount(minor: int, key: str = "A", *, of: Currency = EUR, **terms) -> Discount:
    return a_discount(key, amounts={of: Money(minor, of)}, **terms)


def applied(
    these: list[Discountable], *discounts: Discount, of: Currency = EUR, at: datetime = NOW
) -> tuple[AppliedDiscount, ...]:
    return apply(these, discounts, currency=of, at=at)


def minors(found: tuple[AppliedDiscount, ...]) -> list[int]:
    return [each.amount.minor for each in found]


def shares(found: AppliedDiscount) -> dict[str, int]:
    return {line_id: share.minor for line_id, share in found.shares}


def test_thirty_per_cent_of_99_euros_are_29_70() -> None:
    [found] = applied(lines(99_00), percent("30", display_name="Early bird"))
    assert (found.amount, found.description, found.coupon_key) == (Money(29_70, EUR), "Early bird", "P")
    assert applied(lines(99_00), percent("30"))[0].description == "P"


def test_a_percentage_is_rounded_once_over_all_lines_and_shared_by_largest_remainder() -> None:
    [found] = applied(lines(1, 1, 1, 1), percent("50"))
    assert shares(found) == {"line_0": 1, "line_1": 1}, "2 cents of 4, and not four times half a cent"
    [third] = applied(lines(10, 10, 10), percent("33.3"))
    assert (third.amount.minor, sorted(shares(third).values())) == (10, [3, 3, 4]), "9.99 cents are 10"
    assert minors(applied(lines(5), percent("10"))) == [1], "half a cent goes up"
    assert minors(applied(lines(5, of=JPY), percent("9"), of=JPY)) == [], "0.45 yen are none, and nothing is used up"
    assert minors(applied(lines(1_005, of=KWD), percent("10"), of=KWD)) == [101]


def test_percentages_compound_in_the_order_of_their_priority_and_amounts_come_after_them() -> None:
    half, tenth, ten = percent("50", "H", priority=2), percent("10", "T", priority=1), amount(10_00, priority=-9)
    found = applied(lines(100_00), ten, half, tenth)
    assert [(each.coupon_key, each.amount.minor) for each in found] == [("T", 10_00), ("H", 45_00), ("A", 10_00)]


def test_of_the_same_priority_the_one_that_was_redeemed_first_comes_first() -> None:
    late, early = percent("50", "A", after=2), percent("10", "Z", after=1)
    assert [each.coupon_key for each in applied(lines(100), late, early)] == ["Z", "A"]
    twins = percent("50", "A"), percent("10", "Z")
    assert applied(lines(100), *twins) == applied(lines(100), *reversed(twins)), "and of the same instant, always in one order"


def test_an_amount_takes_no_more_than_there_is() -> None:
    found = applied(lines(30_00, 10_00), amount(25_00, "B"), amount(50_00, "C", after=1), amount(1, "D", after=2))
    assert minors(found) == [25_00, 15_00]
    assert minors(applied(lines(30_00), percent("100"), amount(50_00), percent("50", "Q", after=1))) == [30_00]
    assert applied([], percent("50"), amount(5)) == ()


def test_of_a_part_of_a_period_an_amount_that_goes_on_takes_that_part() -> None:
    """Else each upgrade would take it off anew; what is given once is given whole."""
    [line] = lines(50_00)
    for share, off in ((Decimal("0.5"), 5_00), (Fraction(1, 3), 3_33), (Decimal(1), 10_00)):
        part = [replace(line, share=share)]
        assert minors(applied(part, amount(10_00, duration=Duration.FOREVER))) == [off]
        assert minors(applied(part, amount(10_00))) == [10_00]
        assert minors(applied(part, percent("10", duration=Duration.FOREVER))) == [5_00]
    both = [replace(line, share=Decimal("0.5")), *lines(1_00, 2_00)[1:]]
    assert minors(applied(both, amount(10_00, duration=Duration.FOREVER))) == [10_00]


def test_a_coupon_for_some_charges_reduces_only_these() -> None:
    own = frozenset({"charge_1", "charge_9"})
    found = applied(lines(10_00, 20_00, 30_00), percent("50", charges=own), amount(99_00, charges=own))
    assert [shares(each) for each in found] == [{"line_1": 10_00}, {"line_1": 10_00}]
    assert applied(lines(10_00), percent("50", charges=frozenset({"other"}))) == ()


def test_an_amount_is_good_for_the_currencies_that_it_names() -> None:
    both = a_discount(amounts={EUR: Money(5_00, EUR), JPY: Money(800, JPY)})
    assert minors(applied(lines(10_00), both)) == [5_00]
    assert minors(applied(lines(1000, of=JPY), both, of=JPY)) == [800]
    assert applied(lines(10_00, of=USD), both, of=USD) == ()


def test_what_is_over_or_used_up_takes_nothing_off() -> None:
    discount = percent("50", duration=Duration.MONTHS, months=3)
    assert discount.ends_at is not None
    assert minors(applied(lines(10), discount, at=discount.ends_at - timedelta(microseconds=1))) == [5]
    assert applied(lines(10), discount, at=discount.ends_at) == ()
    assert applied(lines(10), replace(percent("50"), used_up=True)) == ()


def test_where_a_currency_has_only_whole_units_a_discount_has_no_others() -> None:
    found = applied(lines(300, 300, of=ISK), percent("25"), amount(100, of=ISK), of=ISK)
    assert minors(found) == [200, 100]
    assert all(share.minor % 100 == 0 for each in found for _, share in each.shares)
    assert minors(applied(lines(150, of=ISK), percent("100"), of=ISK)) == [100], "what cannot be charged cannot be taken off"


terms = st.one_of(
    st.builds(lambda p: {"percent": p}, st.decimals("0.01", 100, places=2)),
    st.builds(lambda m: {"amounts": {EUR: Money(m, EUR)}}, st.integers(1, 10**6)),
)
some = st.none() | st.frozensets(st.sampled_from([f"charge_{n}" for n in range(5)]), min_size=1)
invoices = st.lists(st.integers(1, 10**9), min_size=1, max_size=5).map(lambda found: lines(*found))


@st.composite
def redeemed_ones(draw) -> list[Discount]:
    return [
        a_discount(f"C{n}", **draw(terms), priority=draw(st.integers(-2, 2)), charges=draw(some), after=draw(st.integers(0, 2)))
        for n in range(draw(st.integers(0, 6)))
    ]


@given(these=invoices, discounts=redeemed_ones())
def test_shares_add_up_and_no_line_falls_below_zero(these: list[Discountable], discounts: list[Discount]) -> None:
    found = applied(these, *discounts)
    left = {line.line_id: line.amount.minor for line in these}
    keys = {line.line_id: line.charge_key for line in these}
    own = {discount.id: discount.coupon for discount in discounts}
    for each in found:
        assert each.amount.minor > 0
        assert sum(shares(each).values()) == each.amount.minor
        for line_id, share in each.shares:
            charges = own[each.discount_id].charges
            assert share.minor > 0
            assert charges is None or keys[line_id] in charges
            left[line_id] -= share.minor
    assert min(left.values()) >= 0
    assert found == applied(these, *reversed(discounts)), "the order in which they are named does not matter"


@given(these=invoices, discounts=redeemed_ones())
def test_they_come_percentages_first_by_priority_then_by_redemption(these: list[Discountable], discounts: list[Discount]) -> None:
    by_id = {discount.id: discount for discount in discounts}
    order = [by_id[each.discount_id] for each in applied(these, *discounts)]
    for one, next_one in pairwise(order):
        places = [(d.coupon.percent is None, d.coupon.priority, d.redeemed_at, d.id) for d in (one, next_one)]
        assert places == sorted(places)


@given(these=invoices, rates=st.lists(st.decimals("0.01", 100, places=2), min_size=1, max_size=5))
def test_each_percentage_is_exact_of_what_is_left_and_rounded_once(these: list[Discountable], rates: list[Decimal]) -> None:
    found = {
        each.coupon_key: each.amount.minor
        for each in applied(these, *(percent(str(r), f"P{n}", priority=n) for n, r in enumerate(rates)))
    }
    left = sum(line.amount.minor for line in these)
    for n, rate in enumerate(rates):
        exact = Fraction(left) * Fraction(rate) / 100
        rounded = int((exact + Fraction(1, 2)).__floor__())
        assert found.get(f"P{n}", 0) == rounded == int(Decimal(left * rate / 100).quantize(Decimal(1), ROUND_HALF_UP))
        left -= rounded
    assert left >= 0


@given(these=invoices, fixed=st.lists(st.integers(1, 10**9), min_size=1, max_size=5))
def test_amounts_take_their_sum_or_all_there_is(these: list[Discountable], fixed: list[int]) -> None:
    found = applied(these, *(amount(minor, f"A{n}") for n, minor in enumerate(fixed)))
    assert sum(minors(found)) == min(sum(fixed), sum(line.amount.minor for line in these))
