"""What is compared, without anybody to ask: whose turn it is, and which difference is whose to mend."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, sampled_from

from tallystick.domain.provider_catalogue import Act, CatalogueItem, Found, ItemChange, ItemKind
from tallystick.domain.reconciliation import Holder, Part, UsageRound, asked, night_before, of_item, turn
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId, MeterKey

NOW = datetime(2026, 3, 2, 3, 5, tzinfo=UTC)
DAY = timedelta(days=1)
HOLDERS: list[Holder] = [
    (CustomerId(f"cus_{number}"), MeterKey(meter), f"{meter}_made") for number in range(4) for meter in ("calls", "hours")
]


@given(most=integers(1, 10), holders=lists(sampled_from(HOLDERS), min_size=1, unique=True))
def test_in_one_round_each_is_asked_about_once_however_few_a_night_may_ask(most: int, holders: Sequence[Holder]) -> None:
    round_, nights = UsageRound(NOW - DAY, NOW), []
    while not nights or round_.after is not None:
        round_ = round_.next(now=NOW + len(nights) * DAY) if nights else round_
        told, round_ = round_.share(holders, most)
        nights.append(told)
    assert [holder for told in nights for holder in told] == sorted(holders)
    assert max(map(len, nights)) <= most
    assert (round_.start, round_.begun) == (NOW - DAY, NOW), "all of them were compared from the same day on"


def test_the_next_round_looks_from_a_day_before_this_one_was_begun() -> None:
    later = NOW + 9 * DAY
    assert UsageRound(NOW - DAY, NOW).next(now=later) == UsageRound(NOW - DAY, later)
    half = UsageRound(NOW - DAY, NOW, HOLDERS[2])
    assert half.next(now=later) == half


@given(most=integers(1, 10), day=integers(0, 10**6))
def test_whose_turn_it_is_goes_around_day_by_day(most: int, day: int) -> None:
    days = -(-len(HOLDERS) // most)
    told = [turn(HOLDERS, day + nth, most=most) for nth in range(days)]
    assert {holder for each in told for holder in each} == set(HOLDERS)
    assert all(len(each) == len(set(each)) == min(most, len(HOLDERS)) for each in told)


def test_a_night_begins_at_three() -> None:
    assert night_before(NOW) == datetime(2026, 3, 2, 3, tzinfo=UTC)
    assert night_before(NOW - timedelta(minutes=6)) == datetime(2026, 3, 1, 3, tzinfo=UTC)


def test_a_comparison_looks_back_thirty_days_unless_it_is_said() -> None:
    assert asked("rec_1", since=None, repair=True, actor="ada", now=NOW).since == NOW - 30 * DAY
    for wrong in (NOW + DAY, datetime(2026, 3, 1)):  # noqa: DTZ001 as somebody may say it
        with pytest.raises(InvalidInput):
            asked("rec_1", since=wrong, repair=True, actor="ada", now=NOW)


def code(**there: object) -> ItemChange:
    item = CatalogueItem(ItemKind.PROMOTION_CODE, "HELLO", {"coupon": "spring", "active": there.pop("wanted", True)})
    return ItemChange(Act.UPDATE, item, Found("promo_1", {"coupon": "spring", **there}))


@pytest.mark.parametrize(
    ("change", "was_pushed", "is_pushed"),
    [
        (code(active=True, wanted=False), True, True),
        (code(active=True, wanted=False), False, False),
        (code(active=False, wanted=True), True, False),
        (ItemChange(Act.CREATE, CatalogueItem(ItemKind.COUPON, "spring", {})), True, False),
        (ItemChange(Act.REFUSE, CatalogueItem(ItemKind.COUPON, "spring", {}), Found("spring", {"percent": "5"})), True, False),
        (ItemChange(Act.UPDATE, CatalogueItem(ItemKind.PRODUCT, "pro", {}), Found("prod_1", {"name": "Pro"})), True, False),
    ],
)
def test_only_what_was_pushed_and_nobody_has_taken_away_there_is_pushed_by_itself(
    change: ItemChange, was_pushed: bool, is_pushed: bool
) -> None:
    differs = of_item(change, was_pushed=was_pushed, was_held=was_pushed)
    assert (differs.push is not None, differs.repairable) == (is_pushed, is_pushed)
    assert differs.part is (Part.CATALOGUE if change.item.kind is ItemKind.PRODUCT else Part.COUPONS)
