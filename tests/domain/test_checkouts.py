"""A checkout: what is chosen, which page is handed out again, what the provider says of it, and where it may lead back to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.catalog import FlatPrice
from tallystick.domain.checkouts import (
    LIFETIME,
    TRANSITIONS,
    Checkout,
    CheckoutStatus,
    Choice,
    ProviderCheckout,
    Wish,
    begin,
    checked_url,
    chosen,
    is_stale,
    learned,
)
from tallystick.domain.periods import Cadence, Interval
from tallystick.domain.plans import ChargeKind, PlanCharge, PlanPrice, PlanVersion
from tallystick.values.errors import IllegalTransition, InvalidInput
from tallystick.values.ids import CheckoutId, CustomerId
from tallystick.values.money import EUR, JPY, USD, Currency

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
MONTH, YEAR = Cadence(Interval.MONTH), Cadence(Interval.YEAR)
OK, BACK = "https://shop.test/ok?session={CHECKOUT_SESSION_ID}", "https://shop.test/plans"
CHOICE = Choice(CustomerId("ada"), "pro", 1, EUR, MONTH, OK, BACK)
WISH = Wish(CustomerId("ada"), "pro", OK, BACK)


def a_plan(*currencies: Currency, cadences: tuple[Cadence, ...] = (MONTH, YEAR), **facts) -> PlanVersion:
    prices = tuple(PlanPrice(FlatPrice(Decimal(99), currency=currency)) for currency in currencies)
    charges = (PlanCharge("base", ChargeKind.RECURRING, prices),) if prices else ()
    return PlanVersion("pro", 1, charges, cadences, **facts)


def a_page(checkout: Checkout, status: CheckoutStatus = CheckoutStatus.OPEN, **facts) -> ProviderCheckout:
    url = "https://pay" if status is CheckoutStatus.OPEN else None
    method = "pm_1" if status is CheckoutStatus.COMPLETE else None
    told = ProviderCheckout("cs_1", status, checkout.id, "cus_1", url, NOW + LIFETIME, method)
    return replace(told, **facts)


def test_what_was_not_said_is_the_first_interval_and_the_only_currency() -> None:
    assert chosen(WISH, a_plan(EUR)) == CHOICE
    assert chosen(replace(WISH, cadence=YEAR), a_plan(EUR)).cadence == YEAR
    assert chosen(replace(WISH, currency=USD), a_plan(EUR, USD)).currency == USD
    assert chosen(replace(WISH, currency=JPY), a_plan()).currency == JPY, "what costs nothing can be had in any"


@pytest.mark.parametrize(
    ("wish", "plan", "field"),
    [
        (WISH, a_plan(EUR, USD), "currency"),
        (WISH, a_plan(), "currency"),
        (replace(WISH, currency=JPY), a_plan(EUR, USD), "currency"),
        (replace(WISH, cadence=YEAR), a_plan(EUR, cadences=(MONTH,)), "interval"),
        (WISH, a_plan(EUR, add_on=True), "plan"),
    ],
)
def test_what_the_plan_does_not_sell_is_refused_by_name(wish: Wish, plan: PlanVersion, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        chosen(wish, plan)
    assert refused.value.field == field


def test_an_equal_choice_is_the_same_checkout_while_its_page_is_open() -> None:
    first = begin(CHOICE, None, now=NOW)
    assert begin(CHOICE, None, now=NOW).id == first.id
    assert begin(CHOICE, first, now=NOW + timedelta(hours=22)) is first
    shown = learned(first, a_page(first))
    assert begin(CHOICE, shown, now=NOW + timedelta(hours=23)) is shown
    for change in ({"plan_key": "basic"}, {"plan_version": 2}, {"currency": USD}, {"cadence": YEAR}, {"success_url": BACK}):
        assert begin(replace(CHOICE, **change), None, now=NOW).id != first.id
    assert begin(replace(CHOICE, customer_id=CustomerId("eve")), None, now=NOW).id != first.id


def test_the_next_one_begins_when_the_last_is_over_or_nearly_so() -> None:
    first = begin(CHOICE, None, now=NOW)
    shown = learned(first, a_page(first))
    done, gone = (learned(first, a_page(first, status)) for status in (CheckoutStatus.COMPLETE, CheckoutStatus.EXPIRED))
    for before, later in ((done, 0), (gone, 0), (shown, 23.1), (first, 23)):
        following = begin(CHOICE, before, now=NOW + timedelta(hours=later))
        assert (following.number, following.id == first.id, following.url) == (1, False, None)


def test_a_key_that_is_too_old_is_not_asked_with_again() -> None:
    first = begin(CHOICE, None, now=NOW)
    assert not is_stale(first, now=NOW + timedelta(hours=22, minutes=59))
    assert is_stale(first, now=NOW + timedelta(hours=23))


def test_what_is_final_stays_in_whatever_order_the_provider_is_asked() -> None:
    first = begin(CHOICE, None, now=NOW)
    for order in permutations(CheckoutStatus):
        stands, seen = first, []
        for status in order:
            stands = learned(stands, a_page(first, status))
            seen.append(stands.status)
        finals = [status for status in order if not TRANSITIONS[status]]
        assert stands.status is finals[0], order
        assert (stands.payment_method is None) == (finals[0] is not CheckoutStatus.COMPLETE)


@pytest.mark.parametrize("wrong", [{"reference": CheckoutId("chk_other")}, {"reference": None}])
def test_another_ones_page_is_not_learned_from(wrong) -> None:
    first = begin(CHOICE, None, now=NOW)
    with pytest.raises(IllegalTransition) as refused:
        learned(first, a_page(first, **wrong))
    assert refused.value.code == "checkout_mismatch"
    with pytest.raises(IllegalTransition):
        learned(learned(first, a_page(first)), a_page(first, ref="cs_2"))


@pytest.mark.parametrize("url", [OK, BACK, "http://localhost:8000", "https://[::1]:8000/?a=b#c", "HTTPS://Shop.Test/x"])
def test_an_absolute_url_is_kept_to_the_character(url: str) -> None:
    assert checked_url(url, field="success_url") == url


@pytest.mark.parametrize(
    "url",
    [
        "", "/relative", "//shop.test/x", "shop.test", "javascript:alert(1)", "data:text/html,x", "ftp://shop.test", "https://",
        "https:///x", "https://shop.test@evil.test/", "https://user:pw@shop.test/", "https://shop.test\\@evil.test",
        "https://sh op.test", "https://shop.test/a b", "https://shop.test/\r\nX: y", "https://shop.test/\n", "https://shop.test\n",
        " https://shop.test", "https://shöp.test", "https://shop.test/ü", "https://shop.test:99999999/", "https://-shop.test",
        "https://shop.test/" + "x" * 2048,
    ],
)  # fmt: skip
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_url(url, field="cancel_url")
    assert refused.value.field == "cancel_url"
    assert url == "" or url not in refused.value.message


def test_only_listed_origins_are_led_back_to() -> None:
    own = ["https://shop.test", "http://localhost:5173/"]
    for url in (OK, "http://localhost:5173/done", "HTTPS://SHOP.test"):
        assert checked_url(url, field="success_url", allowed_origins=own) == url
    for url in (
        "https://evil.test/",
        "http://shop.test/",
        "https://shop.test.evil.test/",
        "https://shop.test:8443/",
        "http://localhost/",
    ):
        with pytest.raises(InvalidInput) as refused:
            checked_url(url, field="success_url", allowed_origins=own)
        assert refused.value.code == "origin_not_allowed"
    with pytest.raises(InvalidInput):
        checked_url(OK, field="success_url", allowed_origins=[])


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_nothing_leads_to_another_origin(text: str) -> None:
    for url in (text, f"https://shop.test{text}"):
        try:
            checked_url(url, field="success_url", allowed_origins=["https://shop.test"])
        except InvalidInput:
            continue
        assert url == "https://shop.test" or url.lower().startswith(
            ("https://shop.test/", "https://shop.test?", "https://shop.test#")
        )
        assert url.isprintable()
        assert " " not in url
