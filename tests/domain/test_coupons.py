"""Which coupons make sense, who may redeem them and until when, and what becomes of one that is redeemed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tallystick.domain.coupon_documents import read_coupon, write_code, write_coupon
from tallystick.domain.coupons import (
    Coupon,
    Duration,
    PromotionCode,
    check_at_least,
    check_changeable,
    check_redeemable,
    redeemed,
    typed,
)
from tallystick.values.errors import Conflict, InvalidInput
from tallystick.values.fields import Fields
from tallystick.values.ids import CustomerId
from tallystick.values.money import EUR, JPY, USD, Money, currency

NOW = datetime(2025, 1, 31, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ADA = CustomerId("ada")
EARLYBIRD = Coupon("EARLYBIRD30", "Early bird", percent=Decimal(30), duration=Duration.MONTHS, months=3)
LAUNCH = Coupon("LAUNCH2025", amounts={EUR: Money(50_00, EUR)})


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({}, "percent"),
        ({"percent": Decimal(10), "amounts": {EUR: Money(1, EUR)}}, "percent"),
        ({"percent": Decimal(0)}, "percent"),
        ({"percent": Decimal("100.01")}, "percent"),
        ({"percent": Decimal("NaN")}, "percent"),
        ({"amounts": {EUR: Money(0, EUR)}}, "amounts"),
        ({"amounts": {EUR: Money(1, USD)}}, "amounts"),
        ({"amounts": {currency("isk"): Money(150, currency("isk"))}}, "amounts"),
        ({"amounts": {EUR: Money(10**15 + 1, EUR)}}, "amounts"),
        ({"percent": Decimal(1), "months": 3}, "months"),
        ({"percent": Decimal(1), "duration": Duration.MONTHS}, "months"),
        ({"percent": Decimal(1), "duration": Duration.MONTHS, "months": 0}, "months"),
        ({"percent": Decimal(1), "max_redemptions": 0}, "max_redemptions"),
        ({"percent": Decimal(1), "max_redemptions": True}, "max_redemptions"),
        ({"percent": Decimal(1), "priority": 10**7}, "priority"),
        ({"percent": Decimal(1), "charges": frozenset()}, "charges"),
        ({"percent": Decimal(1), "key": ""}, "key"),
    ],
)
def test_what_is_no_coupon_is_refused_by_field(wrong: dict, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Coupon(**{"key": "X"} | wrong)
    assert refused.value.field == field


def test_a_code_is_typed_in_letters_of_any_case() -> None:
    assert typed(" early-Bird_30 ") == "EARLY-BIRD_30"
    for wrong in ("", " ", "-x", "a b", "ß", "É", "x" * 65, "a\nb", "a\0"):
        assert typed(wrong) is None
    with pytest.raises(InvalidInput, match="capital"):
        PromotionCode("early", "EARLYBIRD30")


@pytest.mark.parametrize(
    ("coupon", "code", "times", "now", "reason"),
    [
        ({"redeem_by": NOW}, None, (0, 0), NOW - SECOND, None),
        ({"redeem_by": NOW}, None, (0, 0), NOW, "coupon_expired"),
        ({"max_redemptions": 2}, None, (1, 0), NOW, None),
        ({"max_redemptions": 2}, None, (2, 0), NOW, "redemptions_used_up"),
        ({}, {"active": False}, (0, 0), NOW, "code_inactive"),
        ({}, {"expires_at": NOW}, (0, 0), NOW - SECOND, None),
        ({}, {"expires_at": NOW}, (0, 0), NOW, "code_expired"),
        ({"max_redemptions": 9}, {"max_redemptions": 3}, (3, 2), NOW, None),
        ({"max_redemptions": 9}, {"max_redemptions": 3}, (3, 3), NOW, "redemptions_used_up"),
        ({}, {"coupon_key": "OTHER"}, (0, 0), NOW, "invalid_input"),
    ],
)
def test_who_comes_too_late_is_told_why(coupon: dict, code: dict | None, times: tuple, now: datetime, reason: str | None) -> None:
    typed_in = None if code is None else PromotionCode(**{"code": "EARLY", "coupon_key": "EARLYBIRD30"} | code)

    def ask() -> None:
        check_redeemable(replace(EARLYBIRD, **coupon), typed_in, redemptions=times[0], code_redemptions=times[1], now=now)

    if reason is None:
        ask()
        return
    with pytest.raises((Conflict, InvalidInput)) as refused:
        ask()
    assert refused.value.code == reason


def test_months_are_counted_by_the_calendar_from_the_redemption() -> None:
    discount = redeemed(EARLYBIRD, customer_id=ADA, subscription_id="", now=NOW)
    assert discount.ends_at == datetime(2025, 4, 30, 12, tzinfo=UTC), "31 January and three months"
    assert discount.live(discount.ends_at - SECOND)
    assert not discount.live(discount.ends_at)
    assert not replace(discount, used_up=True).live(NOW)
    for endless in (LAUNCH, replace(EARLYBIRD, duration=Duration.FOREVER, months=None)):
        assert redeemed(endless, customer_id=ADA, subscription_id="", now=NOW).ends_at is None


def test_months_are_those_of_the_zone_in_which_periods_are_cut() -> None:
    """At midnight in Berlin, winter and summer: in UTC the third month would end an hour after the fourth period began."""
    berlin = ZoneInfo("Europe/Berlin")
    start = datetime(2025, 1, 15, tzinfo=berlin).astimezone(UTC)
    discount = redeemed(EARLYBIRD, customer_id=ADA, subscription_id="sub", now=start, zone="Europe/Berlin")
    periods = [datetime(2025, month, 15, tzinfo=berlin).astimezone(UTC) for month in range(1, 7)]
    assert [discount.live(at) for at in periods] == [True, True, True, False, False, False]


def test_a_coupon_is_one_discount_for_a_customer_and_subscription() -> None:
    first = redeemed(LAUNCH, customer_id=ADA, subscription_id="", now=NOW)
    assert redeemed(LAUNCH, customer_id=ADA, subscription_id="", now=NOW + SECOND).id == first.id
    others = [("ben", "", LAUNCH), ("ada", "sub_1", LAUNCH), ("ada", "", EARLYBIRD)]
    ids = {redeemed(coupon, customer_id=CustomerId(who), subscription_id=of, now=NOW).id for who, of, coupon in others}
    assert len(ids | {first.id}) == 4


def test_what_was_redeemed_keeps_its_terms() -> None:
    renamed = replace(EARLYBIRD, display_name="Bird", redeem_by=NOW, max_redemptions=5)
    check_changeable(EARLYBIRD, renamed, redemptions=5)
    for change in ({"percent": Decimal(31)}, {"months": 4}, {"priority": 1}, {"charges": frozenset({"base"})}):
        check_changeable(EARLYBIRD, replace(EARLYBIRD, **change), redemptions=0)
        with pytest.raises(Conflict, match="make another coupon"):
            check_changeable(EARLYBIRD, replace(EARLYBIRD, **change), redemptions=1)
    with pytest.raises(Conflict, match="6 times"):
        check_changeable(EARLYBIRD, renamed, redemptions=6)
    check_at_least("code", None, 10)


DOCUMENTS = (
    {"key": "EARLYBIRD30", "name": "Early bird", "percent": "30", "duration": "months", "months": 3},
    {"key": "LAUNCH2025", "amounts": {"eur": "50.00", "jpy": "8000"}, "duration": "once", "redeem_by": "2025-12-31T23:00:00Z",
     "max_redemptions": 100, "priority": -2, "charges": ["base", "seats"]},
    {"key": "FREE", "percent": "12.5", "duration": "forever"},
)  # fmt: skip


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_is_written_as_it_is_read(document: dict) -> None:
    coupon, codes = read_coupon(Fields(document))
    assert (write_coupon(coupon), codes) == (document, [])
    assert read_coupon(Fields(write_coupon(coupon)))[0] == coupon


def test_a_document_names_codes_too() -> None:
    said = [{"code": "early", "max_redemptions": 10, "expires_at": "2025-03-01T00:00:00Z"}, {"code": "OFF", "active": False}]
    coupon, codes = read_coupon(Fields(DOCUMENTS[0] | {"codes": said}))
    assert codes[0] == PromotionCode("EARLY", "EARLYBIRD30", 10, datetime(2025, 3, 1, tzinfo=UTC))
    assert [write_code(code) for code in codes] == [said[0] | {"code": "EARLY"}, said[1]]
    assert "codes" not in write_coupon(coupon)
    toml = DOCUMENTS[2] | {"redeem_by": NOW}
    assert read_coupon(Fields(toml))[0].redeem_by == NOW, "TOML has times of its own"
    assert read_coupon(Fields({"key": "Y", "amounts": {"jpy": 100}}))[0].amounts == {JPY: Money(100, JPY)}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"percent": 0.3}, "coupons[0].percent"),
        ({"percent": "0"}, "coupons[0].percent"),
        ({"percent": None, "amounts": {"eur": "1.001"}}, "coupons[0].amounts"),
        ({"percent": None, "amounts": {"eur": 1.5}}, "coupons[0].amounts"),
        ({"percent": None, "amounts": {"xxx": "1"}}, "coupons[0].amounts"),
        ({"percent": None, "amounts": {"eur": "1", "EUR": "2"}}, "coupons[0].amounts"),
        ({"percent": None, "amounts": {}}, "coupons[0].amounts"),
        ({"percent": None, "amounts": "1"}, "coupons[0].amounts"),
        ({"duration": "weeks"}, "coupons[0].duration"),
        ({"months": "1.5"}, "coupons[0].months"),
        ({"redeem_by": "tomorrow"}, "coupons[0].redeem_by"),
        ({"redeem_by": datetime(2025, 1, 1)}, "coupons[0].redeem_by"),  # noqa: DTZ001 as TOML may have it
        ({"priority": "0.5"}, "coupons[0].priority"),
        ({"charges": [1]}, "coupons[0].charges"),
        ({"charges": []}, "coupons[0].charges"),
        ({"codes": [{"code": "a b"}]}, "coupons[0].codes[0].code"),
        ({"codes": [{"code": "A", "max_redemptions": 0}]}, "coupons[0].codes[0].max_redemptions"),
        ({"codes": [{"code": "A", "more": 1}]}, "coupons[0].codes[0].more"),
        ({"more": 1}, "coupons[0].more"),
    ],
)
def test_a_document_is_refused_by_the_path_of_its_field(more: dict, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_coupon(Fields({"key": "X", "percent": "10"} | more, "coupons[0]"))
    assert refused.value.field == field
