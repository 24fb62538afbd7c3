"""What each price makes of a quantity, in sentences with real numbers; some are published cases of other engines."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.catalog import (
    Charge,
    Conversion,
    DynamicPrice,
    FlatPrice,
    GraduatedPercentagePrice,
    GraduatedPrice,
    PackagePrice,
    PercentagePrice,
    Price,
    Rounding,
    StairstepPrice,
    UnitPrice,
    VolumePrice,
)
from tallystick.domain.rating import DetailKind, Rating, difference, needs_events, rate, rate_events
from tallystick.domain.tiers import PercentTier, Tier
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import MeterKey
from tallystick.values.money import JPY, KWD, USD, Money, currency


def d(text: str) -> Decimal:
    return Decimal(text)


def tiers(*rows: tuple[str | None, str, str]) -> tuple[Tier, ...]:
    return tuple(Tier(None if up_to is None else d(up_to), d(unit), d(flat)) for up_to, unit, flat in rows)


def total(price: Price, quantity: str) -> str:
    return str(rate(price, d(quantity)).total.major)


def exact_of(price: Price, *events: str) -> Decimal | Fraction:
    return rate_events(price, [d(event) for event in events]).exact.amount


def test_the_first_unit_above_the_included_ones_is_billed() -> None:
    price = UnitPrice(d("0.01"), included=d("10000"), currency=USD)
    assert rate(price, d("10000")).total == Money(0, USD)
    assert rate(price, d("10001")).total == Money(1, USD)


def test_a_line_is_rounded_once_and_not_per_tier() -> None:
    price = GraduatedPrice(tiers(("1", "0.005", "0"), (None, "0.005", "0")), currency=USD)
    assert rate(price, d("2")).total == Money(1, USD), "two half cents are one cent, not two"


@pytest.mark.parametrize(("unit_amount", "minor"), [("0.005", 1), ("0.0049", 0), ("0.015", 2), ("0.025", 3)])
def test_half_a_cent_goes_up(unit_amount: str, minor: int) -> None:
    assert rate(UnitPrice(d(unit_amount), currency=USD), d("1")).total == Money(minor, USD)


def test_each_currency_is_rounded_to_its_own_places() -> None:
    assert total(UnitPrice(d("0.5"), currency=JPY), "201") == "101"
    assert total(UnitPrice(d("0.0005"), currency=KWD), "1") == "0.001"
    assert total(UnitPrice(d("0.5"), currency=currency("isk")), "1") == "1.00", "krónur are whole, and sent with two zeros"


GRADUATED = tiers(("5", "0", "100"), ("10", "0", "50"), ("15", "5", "0"), (None, "1", "0"))


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("0", "0.00"),
        ("1", "100.00"),
        ("5", "100.00"),
        ("5.000001", "150.00"),
        ("10", "150.00"),
        ("15", "175.00"),
        ("22", "182.00"),
    ],
)
def test_graduated_bills_each_slice_by_its_own_tier(quantity: str, expected: str) -> None:
    """The tiers and the 22 units of OpenMeter's `TestTieredGraduatedCalculation`."""
    assert total(GraduatedPrice(GRADUATED, currency=USD), quantity) == expected


def test_the_details_of_a_graduated_price_are_its_tiers() -> None:
    rows = rate(GraduatedPrice(GRADUATED, currency=USD), d("22")).details
    assert [(row.tier, row.quantity, row.unit_amount, row.flat_amount, row.amount) for row in rows] == [
        (1, 5, 0, 100, 100),
        (2, 5, 0, 50, 50),
        (3, 5, 5, 0, 25),
        (4, 7, 1, 0, 7),
    ]


VOLUME = tiers(("10000", "0.0010", "10"), ("50000", "0.0008", "10"), ("100000", "0.0006", "10"), (None, "0.0004", "10"))


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [("0", "0.00"), ("10000", "20.00"), ("10001", "18.00"), ("65000", "49.00"), ("100000", "70.00"), ("100001", "50.00")],
)
def test_volume_bills_all_by_the_tier_reached(quantity: str, expected: str) -> None:
    """Lago's example: 65,000 calls are 65,000 × 0.0006 + 10."""
    price = VolumePrice(VOLUME, currency=USD)
    assert total(price, quantity) == expected
    assert len(rate(price, d(quantity)).details) == (quantity != "0")


@pytest.mark.parametrize("kind", [GraduatedPrice, VolumePrice, StairstepPrice])
def test_at_zero_the_first_flat_fee_is_due_only_where_the_price_says_so(
    kind: type[GraduatedPrice | VolumePrice | StairstepPrice],
) -> None:
    steps = tiers(("5", "0", "3"), (None, "0", "4"))
    assert total(kind(steps, currency=USD), "0") == "0.00"
    due = rate(kind(steps, zero_usage_flat=True, currency=USD), d("0"))
    assert (due.total, [(row.tier, row.quantity, row.amount) for row in due.details]) == (Money(300, USD), [(1, 0, 3)])


def test_a_tier_may_be_billed_by_packages_begun_within_it() -> None:
    """Flexprice: 4,500 calls in packages of 1,000 are five packages."""
    steps = (Tier(d("10000"), d("1"), package_size=d("1000")), Tier(None, d("0.5")))
    assert total(VolumePrice(steps, currency=USD), "4500") == "5.00"
    assert total(GraduatedPrice(steps, currency=USD), "10003") == "11.50"
    assert [row.quantity for row in rate(GraduatedPrice(steps, currency=USD), d("4500")).details] == [5]


def test_a_tier_may_be_capped_flat_fee_and_all() -> None:
    steps = (Tier(d("10"), d("1"), d("5"), maximum_amount=d("12")), Tier(None, d("1")))
    price = GraduatedPrice(steps, currency=USD)
    assert [total(price, quantity) for quantity in ("7", "8", "10", "11")] == ["12.00", "12.00", "12.00", "13.00"]


@pytest.mark.parametrize(
    ("quantity", "up", "down"),
    [("0", "0.00", "0.00"), ("0.1", "5.00", "0.00"), ("100", "5.00", "5.00"), ("101", "10.00", "5.00")],
)
def test_packages_are_counted_up_or_down(quantity: str, up: str, down: str) -> None:
    assert total(PackagePrice(d("100"), d("5"), currency=USD), quantity) == up
    assert total(PackagePrice(d("100"), d("5"), Rounding.DOWN, currency=USD), quantity) == down


def test_included_units_come_before_the_first_package() -> None:
    """Lago: 5 a hundred, the first hundred free; 201 units are two packages."""
    assert total(PackagePrice(d("100"), d("5"), included=d("100"), currency=USD), "201") == "10.00"


def test_a_package_of_a_third_is_counted_exactly() -> None:
    price = PackagePrice(d("0.1"), d("1"), convert=Conversion(divide_by=d("3")), currency=USD)
    assert rate(price, d("0.9")).details[0].quantity == 3
    assert rate(price, d("1")).details[0].quantity == 4


@pytest.mark.parametrize(("quantity", "expected"), [("0", "0.00"), ("10", "100.00"), ("11", "250.00"), ("5000", "900.00")])
def test_a_stairstep_has_one_price_for_the_range_reached(quantity: str, expected: str) -> None:
    price = StairstepPrice(tiers(("10", "0", "100"), ("100", "0", "250"), (None, "0", "900")), currency=USD)
    assert total(price, quantity) == expected
    assert sum(row.amount for row in rate(price, d(quantity)).details) == d(expected)


def test_a_flat_price_is_due_whatever_was_used() -> None:
    price = FlatPrice(d("99"), included=d("5"), currency=USD)
    assert {total(price, quantity) for quantity in ("0", "3", "1e9")} == {"99.00"}
    assert rate(price, d("3")).details[0].amount == 99


@pytest.mark.parametrize(
    ("amount", "expected"), [("0", "0"), ("1", "200.01"), ("10", "200.1"), ("11", "500.12"), ("21", "900.33")]
)
def test_graduated_percentage_takes_a_percentage_of_each_slice(amount: str, expected: str) -> None:
    """Lago's `graduated_percentage_service_spec`."""
    steps = (PercentTier(d("10"), d("1"), d("200")), PercentTier(d("20"), d("2"), d("300")), PercentTier(None, d("3"), d("400")))
    rating = rate(GraduatedPercentagePrice(steps, currency=USD), d(amount))
    assert rating.exact.amount == d(expected)
    assert sum(row.amount for row in rating.details) == d(expected)


def test_a_percent_tier_may_be_capped() -> None:
    steps = (PercentTier(d("100"), d("10"), maximum_amount=d("4")), PercentTier(None, d("1")))
    assert rate(GraduatedPercentagePrice(steps, currency=USD), d("200")).exact.amount == 5


def percentage(**parts: object) -> PercentagePrice:
    rates = {"rate_percent": d("1"), "fixed_amount_per_event": d("5")} | parts
    return PercentagePrice(**rates, currency=USD)  # type: ignore[arg-type]


def test_percentage_takes_its_share_of_each_event_and_a_fixed_amount() -> None:
    price = percentage()
    assert exact_of(price) == 0
    assert exact_of(price, "10", "20") == d("10.3")
    assert exact_of(price, "0") == 5, "an event of nothing is still an event"
    rows = rate_events(price, [d("10"), d("20")]).details
    assert [(row.kind, row.quantity, row.amount) for row in rows] == [(DetailKind.USAGE, 30, d("0.3")), (DetailKind.FIXED, 2, 10)]


@pytest.mark.parametrize(
    ("parts", "events", "expected"),
    [
        ({"free_events": 3}, "10 10 10 10", "5.1"),
        ({"free_amount": d("15")}, "4 4 4 4", "5.01"),
        ({"free_amount": d("15")}, "4 4 4 4 10", "10.11"),
        ({"free_events": 3, "free_amount": d("15")}, "1 1 1 1", "5.01"),
        ({"free_events": 3, "free_amount": d("15")}, "10 10", "5.05"),
        ({"free_events": 3, "free_amount": d("15")}, "10 10 10", "10.15"),
        ({"free_amount": d("15")}, "15 1", "5.01"),
        ({"free_events": 0, "free_amount": d("15")}, "1", "5.01"),
    ],
)
def test_the_free_part_ends_with_the_events_or_with_the_amount(parts: dict[str, object], events: str, expected: str) -> None:
    """Lago's percentage scenarios; an event that just uses up the free amount lies in it, and no free event is no free part."""
    assert exact_of(percentage(**parts), *events.split()) == d(expected)


@pytest.mark.parametrize(
    ("parts", "events", "expected"),
    [
        ({}, "10 80 10000", "16.142"),
        ({"fixed_amount_per_event": d("2")}, "10 80 10000", "18.691"),
        ({"free_events": 2}, "10 80 10000", "12"),
        ({"free_amount": d("30")}, "10 80 10000", "13.794"),
        ({"free_events": 3, "free_amount": d("10000")}, "10 80 10000", "2.691"),
    ],
)
def test_the_minimum_and_maximum_hold_for_each_paid_event(parts: dict[str, object], events: str, expected: str) -> None:
    """Lago's `percentage_service_spec`, with a minimum of 1.75 and a maximum of 12 per transaction."""
    bounds: dict[str, object] = {
        "rate_percent": d("2.99"),
        "fixed_amount_per_event": d("0"),
        "minimum": d("1.75"),
        "maximum": d("12"),
    }
    price = percentage(**bounds | parts)
    rating = rate_events(price, [d(event) for event in events.split()])
    assert rating.exact.amount == d(expected)
    assert sum(row.amount for row in rating.details) == d(expected)


def test_one_bound_per_event_does_without_the_other() -> None:
    assert exact_of(percentage(minimum=d("6")), "1") == 6
    assert exact_of(percentage(maximum=d("6")), "1", "1000") == d("11.01")
    assert exact_of(percentage(minimum=d("9"), maximum=d("6")), "1") == 9, "the minimum has the last word"


def test_included_amounts_are_taken_from_the_first_events() -> None:
    price = percentage(included=d("15"))
    assert exact_of(price, "10", "10", "10") == d("10.15")
    assert exact_of(price, "10", "5") == 0, "an event wholly within what is included costs nothing"


def test_an_amount_below_zero_earns_nothing() -> None:
    assert exact_of(percentage(), "-10", "10") == d("5.1")
    assert exact_of(DynamicPrice(currency=USD), "-3", "10") == 7
    assert exact_of(DynamicPrice(currency=USD), "-30", "10") == 0
    assert rate(UnitPrice(d("2"), currency=USD), d("-3")).total == Money(0, USD)


def test_a_dynamic_price_adds_up_what_the_events_carry() -> None:
    assert exact_of(DynamicPrice(currency=USD), "0.7", "0.55", "2.2") == d("3.45")
    assert exact_of(DynamicPrice(d("1.2"), included=d("1"), currency=USD), "0.7", "0.55", "2.2") == d("2.94")
    assert rate_events(DynamicPrice(d("1.2"), currency=USD), [d("2")]).details[0].unit_amount == d("1.2")


def test_a_price_says_whether_it_needs_the_single_amounts() -> None:
    assert [needs_events(price) for price in (percentage(), DynamicPrice(currency=USD), FlatPrice(d("1"), currency=USD))] == [
        True,
        True,
        False,
    ]
    with pytest.raises(InvalidInput, match="events: this price works on a quantity"):
        rate_events(FlatPrice(d("1"), currency=USD), [])
    for price in (percentage(), DynamicPrice(currency=USD)):
        with pytest.raises(InvalidInput, match="quantity: this price needs the single amounts"):
            rate(price, d("1"))


@pytest.mark.parametrize(
    ("convert", "quantity", "units"),
    [
        (Conversion(divide_by=d("1000"), round=Rounding.UP), "7001", "8"),
        (Conversion(divide_by=d("1000"), round=Rounding.DOWN), "7999", "7"),
        (Conversion(divide_by=d("1000")), "7001", "7.001"),
        (Conversion(multiply_by=d("1.2"), round=Rounding.UP), "5", "6"),
        (Conversion(multiply_by=d("1.2")), "4", "4.8"),
    ],
)
def test_a_quantity_is_converted_before_anything_else(convert: Conversion, quantity: str, units: str) -> None:
    price = UnitPrice(d("1"), included=d("1"), convert=convert, currency=USD)
    assert rate(price, d(quantity)).exact.amount == d(units) - 1


def test_a_conversion_without_end_stays_exact() -> None:
    price = UnitPrice(d("1"), convert=Conversion(divide_by=d("3")), currency=USD)
    assert rate(price, d("10")).exact.amount == Fraction(10, 3)
    assert sum(rate(price, d("1")).exact.amount for _ in range(3)) == 1
    graduated = GraduatedPrice(tiers(("1", "1", "0"), (None, "3", "0")), convert=Conversion(divide_by=d("3")), currency=USD)
    assert rate(graduated, d("10")).exact.amount == 8
    assert exact_of(DynamicPrice(convert=Conversion(divide_by=d("3")), currency=USD), "1", "1", "1") == 1


def test_discount_then_maximum_then_minimum() -> None:
    def ten_units(discount: str, most: str | None, least: str | None) -> Rating:
        price = UnitPrice(
            d("10"),
            discount_percent=d(discount),
            maximum_amount=None if most is None else d(most),
            minimum_amount=None if least is None else d(least),
            currency=USD,
        )
        return rate(price, d("10"))

    assert ten_units("20", None, None).exact.amount == 80
    assert ten_units("20", "90", None).exact.amount == 80, "the discount comes before the maximum"
    assert ten_units("20", "70", None).exact.amount == 70
    assert ten_units("20", "70", "75").exact.amount == 75, "the minimum has the last word"
    assert ten_units("20", "70", "75").true_up == 5
    rows = ten_units("20", "70", "75").details
    assert [(row.kind, row.amount) for row in rows] == [
        (DetailKind.USAGE, 100),
        (DetailKind.DISCOUNT, -20),
        (DetailKind.MAXIMUM, -10),
        (DetailKind.MINIMUM, 5),
    ]


def test_the_minimum_is_due_without_any_usage() -> None:
    rating = rate(UnitPrice(d("1"), minimum_amount=d("9.995"), currency=USD), d("0"))
    assert (rating.total, rating.true_up) == (Money(1000, USD), d("9.995"))


def test_the_minimum_waits_for_the_end_and_is_prorated_with_the_period() -> None:
    price = UnitPrice(d("1"), minimum_amount=d("31"), currency=USD)
    assert rate(price, d("3"), minimum_share=d("0")).exact.amount == 3
    assert rate(price, d("3"), minimum_share=Fraction(17, 31)).exact.amount == 17
    assert rate(price, d("18"), minimum_share=Fraction(17, 31)).true_up == 0
    events = DynamicPrice(minimum_amount=d("31"), currency=USD)
    assert rate_events(events, [d("3")], minimum_share=Fraction(1, 31)).exact.amount == 3
    assert rate_events(replace(events, minimum_amount=None), [d("3")]).exact.amount == 3
    steps = GraduatedPrice(GRADUATED, minimum_amount=d("1"), currency=USD)
    assert rate(replace(steps, tiers=GRADUATED[2:], minimum_amount=None), d("16")).exact.amount == 76


def test_differences_add_up_to_the_cent_of_the_whole() -> None:
    price = UnitPrice(d("0.005"), currency=USD)
    before, now = rate(price, d("1")), rate(price, d("2"))
    assert (before.total, difference(now, before), now.total) == (Money(1, USD), Money(0, USD), Money(1, USD))


def test_ratings_are_equal_by_their_figures_and_details() -> None:
    price = UnitPrice(d("1"), currency=USD)
    assert rate(price, d("2")) == rate(price, d("2.0"))
    assert hash(rate(price, d("2"))) == hash(rate(price, d("2.0")))
    assert rate(price, d("2")) != rate(UnitPrice(d("2"), currency=USD), d("1")), "the same money for other reasons"
    assert rate(price, d("2")) != tuple(rate(price, d("2")))


def test_a_charge_is_a_price_on_a_meter() -> None:
    charge = Charge("calls", MeterKey("api_calls"), UnitPrice(d("1"), currency=USD))
    assert (charge.meter_key, charge.display_name) == ("api_calls", "")


QUANTITIES = st.decimals(min_value=0, max_value=10**12, places=6)
RATES = st.decimals(min_value=0, max_value=1000, places=6)


@st.composite
def ladders(draw: st.DrawFn) -> tuple[Tier, ...]:
    ends = sorted(draw(st.sets(st.decimals(min_value="0.001", max_value=10**6, places=3), max_size=5)))
    return tuple(Tier(end, draw(RATES), draw(RATES)) for end in [*ends, None])


@given(ladders(), QUANTITIES, QUANTITIES)
def test_more_of_a_graduated_price_never_costs_less(steps: tuple[Tier, ...], one: Decimal, other: Decimal) -> None:
    price, (less, more) = GraduatedPrice(steps, currency=USD), sorted((one, other))
    assert rate(price, less).total <= rate(price, more).total


@given(ladders(), QUANTITIES)
def test_the_details_add_up_to_the_exact_amount(steps: tuple[Tier, ...], quantity: Decimal) -> None:
    rating = rate(GraduatedPrice(steps, discount_percent=d("7.5"), minimum_amount=d("3"), currency=USD), quantity)
    assert sum(Fraction(row.amount) for row in rating.details) == rating.exact.amount


@given(RATES, QUANTITIES)
def test_one_tier_is_a_price_per_unit(unit_amount: Decimal, quantity: Decimal) -> None:
    alone = (Tier(None, unit_amount),)
    expected = rate(UnitPrice(unit_amount, currency=USD), quantity).exact
    assert rate(GraduatedPrice(alone, currency=USD), quantity).exact == expected
    assert rate(VolumePrice(alone, currency=USD), quantity).exact == expected


@given(ladders(), st.decimals(min_value="0.001", max_value=10**6, places=3))
def test_cutting_a_tier_in_two_changes_nothing(steps: tuple[Tier, ...], quantity: Decimal) -> None:
    plain_steps = tuple(Tier(step.up_to, step.unit_amount) for step in steps)
    last = max((step.up_to for step in plain_steps if step.up_to is not None), default=d("0"))
    cut = (*plain_steps[:-1], Tier(last + 1, plain_steps[-1].unit_amount), plain_steps[-1])
    assert (
        rate(GraduatedPrice(cut, currency=USD), quantity).total == rate(GraduatedPrice(plain_steps, currency=USD), quantity).total
    )


@given(st.lists(QUANTITIES, min_size=1, max_size=8), ladders())
def test_any_number_of_differences_adds_up_to_the_whole(quantities: list[Decimal], steps: tuple[Tier, ...]) -> None:
    price = GraduatedPrice(steps, currency=USD)
    billed, before = 0, rate(price, d("0"))
    for quantity in sorted(quantities):
        now = rate(price, quantity)
        billed, before = billed + difference(now, before).minor, now
    assert billed == rate(price, max(quantities)).total.minor


@given(st.lists(QUANTITIES, max_size=8), st.integers(0, 9))
def test_a_percentage_does_not_depend_on_how_it_is_cut_without_parts_per_event(events: list[Decimal], at: int) -> None:
    price = PercentagePrice(d("1.3"), currency=USD)
    parts = [rate_events(price, events[:at]).exact.amount, rate_events(price, events[at:]).exact.amount]
    assert sum(Fraction(part) for part in parts) == rate_events(price, events).exact.amount
