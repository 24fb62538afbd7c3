"""Customers on plans, month by month: what they pay, when they change, and that each period is billed exactly once."""

from datetime import timedelta

import pytest

from tallystick.domain.ledger import Account
from tallystick.domain.subscriptions import Status
from tallystick.values.errors import Conflict
from tallystick.values.money import EUR, Money
from tests.scenarios.world import World, day

PLANS = {
    "meters": [{"key": "calls", "decimals": 0}],
    "plans": [
        {
            "key": "starter",
            "charges": [{"key": "base", "kind": "recurring", "prices": [{"currency": "eur", "model": "flat", "amount": "31"}]}],
            "quotas": [{"meter": "calls", "limit": "1000"}],
        },
        {
            "key": "pro",
            "intervals": ["month", "year"],
            "features": ["sso"],
            "charges": [
                {
                    "key": "base",
                    "kind": "recurring",
                    "prices": [
                        {"currency": "eur", "model": "flat", "amount": "99", "interval": "month"},
                        {"currency": "eur", "model": "flat", "amount": "990", "interval": "year"},
                    ],
                },
                {
                    "key": "calls",
                    "kind": "usage",
                    "meter": "calls",
                    "name": "API calls",
                    "prices": [{"currency": "eur", "model": "per_unit", "unit_amount": "0.01", "included": "10000"}],
                },
            ],
            "quotas": [{"meter": "calls", "limit": "unlimited"}],
        },
        {
            "key": "support",
            "add_on": True,
            "features": ["phone"],
            "charges": [{"key": "fee", "kind": "recurring", "prices": [{"currency": "eur", "model": "flat", "amount": "20"}]}],
            "quotas": [{"meter": "calls", "limit": "500"}],
        },
        {
            "key": "team",
            "charges": [
                {"key": "seats", "kind": "seats", "prices": [{"currency": "eur", "model": "per_unit", "unit_amount": "30"}]},
                {"key": "setup", "kind": "one_time", "prices": [{"currency": "eur", "model": "flat", "amount": "50"}]},
            ],
        },
    ],
}


@pytest.fixture
def shop(world: World) -> World:
    world.billing.apply_catalogue(PLANS)
    return world


def euros(amount: str) -> Money:
    whole, _, cents = amount.partition(".")
    return Money(int(whole) * 100 + (int(cents) if cents else 0), EUR)


def newest(world: World, customer: str = "ada") -> Money:
    return world.billing.invoices(customer_id=customer, limit=1)[0].total


def test_a_base_fee_in_advance_and_usage_in_arrears_stand_on_one_invoice(shop: World) -> None:
    begun = shop.billing.subscribed("ada", "pro")
    assert begun.invoice is not None
    assert begun.invoice.total == euros("99")
    shop.on("2026-01-20").uses("ada", "calls", 15_000)
    shop.on("2026-02-01 00:59").works()
    assert len(shop.billing.invoices(customer_id="ada")) == 1, "usage may still come for an hour"
    shop.on("2026-02-01 01:00").works()
    shop.works()
    newest_first = shop.billing.invoices(customer_id="ada")
    assert [invoice.total for invoice in newest_first] == [euros("149"), euros("99")]
    assert [(line.kind.value, line.amount) for line in newest_first[0].lines] == [
        ("usage", euros("50")),
        ("recurring", euros("99")),
    ]
    shop.proves()


def test_a_month_without_usage_says_so_and_costs_the_base_fee(shop: World) -> None:
    shop.billing.subscribe("ada", "pro")
    shop.on("2026-02-02").works()
    (second, _) = shop.billing.invoices(customer_id="ada")
    assert [(line.quantity, line.amount) for line in second.lines] == [(0, euros("0")), (1, euros("99"))]
    shop.on("2026-02-03").uses("ada", "calls", 11_000, at="2026-01-31 23:59")
    shop.on("2026-03-02").works()
    (third, *_) = shop.billing.invoices(customer_id="ada")
    assert [line.amount for line in third.lines] == [euros("10"), euros("0"), euros("99")], (
        "what came late is a line of its month"
    )
    shop.proves()


def test_a_quarter_of_downtime_is_caught_up_period_by_period(shop: World) -> None:
    shop.billing.subscribe("ada", "pro")
    shop.on("2026-01-20").uses("ada", "calls", 10_100)
    shop.on("2026-04-10").works()
    invoices = sorted(shop.billing.invoices(customer_id="ada"), key=lambda invoice: invoice.period.end, reverse=True)
    assert [str(invoice.period.end)[:10] for invoice in invoices] == ["2026-05-01", "2026-04-01", "2026-03-01", "2026-02-01"]
    assert [invoice.total for invoice in invoices] == [euros("99"), euros("99"), euros("100"), euros("99")]
    shop.works()
    assert len(shop.billing.invoices(customer_id="ada")) == 4
    shop.proves()


def test_an_anchor_on_the_31st_does_not_drift(shop: World) -> None:
    subscription = shop.on("2026-01-31 10:00").billing.subscribe("ada", "starter")
    ends = []
    for _ in range(4):
        ends.append(str(subscription.period.end)[:16])
        shop.clock.set(subscription.period.end + timedelta(hours=1))
        shop.works()
        subscription = shop.billing.subscription(subscription.id)
    assert ends == ["2026-02-28 10:00", "2026-03-31 10:00", "2026-04-30 10:00", "2026-05-31 10:00"]
    shop.proves()


def test_an_upgrade_gives_back_the_unused_and_charges_the_rest_of_the_new(shop: World) -> None:
    subscription = shop.billing.subscribe("ada", "starter")
    shop.on("2026-01-11")
    preview = shop.billing.preview_change(subscription.id, plan="pro")
    assert preview.invoice is not None
    assert [line.amount for line in preview.invoice.lines] == [euros("0") - euros("21"), euros("67.06")]
    shop.later(minutes=20)
    changed = shop.billing.accept_preview(preview.preview.id)
    assert changed.invoice is not None
    assert changed.invoice.total == preview.invoice.total == euros("46.06")
    assert shop.billing.accept_preview(preview.preview.id).invoice is None, "accepted twice is accepted once"
    shop.on("2026-01-20").uses("ada", "calls", 12_000)
    shop.on("2026-02-02").works()
    assert newest(shop) == euros("119")
    shop.proves()


def test_a_preview_that_is_overtaken_is_never_charged(shop: World) -> None:
    subscription = shop.billing.subscribe("ada", "starter")
    preview = shop.on("2026-01-11").billing.preview_change(subscription.id, plan="pro")
    shop.billing.cancel(subscription.id)
    with pytest.raises(Conflict, match="has changed since"):
        shop.billing.accept_preview(preview.preview.id)
    other = shop.billing.preview_change(subscription.id, plan="pro")
    with pytest.raises(Conflict, match="was good until"):
        shop.later(minutes=30).billing.accept_preview(other.preview.id)
    shop.proves()


def test_there_and_back_on_one_day_adds_up_to_the_month(shop: World) -> None:
    subscription = shop.billing.subscribe("ada", "starter")
    for moment, plan in (("2026-01-07 12:34:56", "pro"), ("2026-01-19 01:02:03", "starter")):
        shop.on(moment).billing.change_subscription(subscription.id, plan=plan, when="now")
    shop.on("2026-02-02").works()
    paid = sum(
        line.amount.minor
        for i in shop.billing.invoices(customer_id="ada")
        for line in i.lines
        if line.period.start < day("2026-02-01")
    )
    held = (day("2026-01-19 01:02:03") - day("2026-01-07 12:34:56")) / (day("2026-02-01") - day("2026-01-01"))
    assert abs(paid - (3100 + (9900 - 3100) * held)) < 2
    shop.proves()


def test_a_downgrade_waits_for_the_end_of_the_period_and_can_be_undone(shop: World) -> None:
    subscription = shop.billing.subscribe("ada", "pro")
    changed = shop.on("2026-01-11").billing.change_subscription(subscription.id, plan="starter")
    assert changed.invoice is None
    assert changed.subscription.ending == "change"
    assert shop.billing.undo_change(subscription.id).ending is None
    shop.billing.change_subscription(subscription.id, plan="starter")
    shop.uses("ada", "calls", 10_500)
    assert shop.billing.check("ada", "calls", 5_000).allowed, "until then it is pro"
    shop.on("2026-02-02").works()
    assert newest(shop) == euros("36"), "the overage of pro, and the next month of starter"
    assert not shop.billing.check("ada", "calls", 5_000).allowed
    shop.proves()


def test_seats_are_added_at_once_and_taken_away_at_the_end(shop: World) -> None:
    begun = shop.billing.subscribed("ada", "team", seats=2)
    assert begun.invoice is not None
    assert begun.invoice.total == euros("110"), "two seats, and the setup, once"
    shop.on("2026-01-16 12:00")
    assert shop.billing.change_subscription(begun.subscription.id, seats=3).invoice.total == euros("15")  # type: ignore[union-attr]
    shop.billing.change_subscription(begun.subscription.id, seats=1)
    shop.on("2026-02-02").works()
    assert newest(shop) == euros("30")
    shop.proves()


def test_add_ons_are_charged_for_each_and_add_to_the_quota(shop: World) -> None:
    begun = shop.billing.subscribed("ada", "starter", add_ons={"support": 2})
    assert begun.invoice is not None
    assert begun.invoice.total == euros("71")
    assert shop.billing.check("ada", "calls", 2_000).allowed
    assert not shop.billing.check("ada", "calls", 2_001).allowed
    shop.on("2026-01-16 12:00")
    changed = shop.billing.change_subscription(begun.subscription.id, add_ons={"support": 3})
    assert changed.invoice is not None
    assert changed.invoice.total == euros("10"), "half a month of one more"
    shop.proves()


def test_another_interval_begins_a_new_period_at_the_change(shop: World) -> None:
    subscription = shop.billing.subscribe("ada", "pro")
    shop.on("2026-01-16 12:00").uses("ada", "calls", 10_100)
    shop.later(hours=1)
    changed = shop.billing.change_subscription(subscription.id, interval="year")
    assert changed.invoice is not None
    assert [line.amount.minor for line in changed.invoice.lines] == [-4937, 100, 99000]
    assert str(changed.subscription.period.end) == "2027-01-16 13:00:00+00:00"
    shop.on("2026-03-01").works()
    assert len(shop.billing.invoices(customer_id="ada")) == 2
    shop.proves()


def test_a_trial_costs_nothing_and_its_end_is_the_anchor(shop: World) -> None:
    begun = shop.billing.subscribed("ada", "pro", trial_days=14)
    assert begun.invoice is None
    assert begun.subscription.status is Status.TRIALING
    shop.on("2026-01-10").uses("ada", "calls", 50_000)
    shop.on("2026-01-15").works()
    assert newest(shop) == euros("99")
    shop.uses("ada", "calls", 10_001)
    shop.on("2026-02-15 01:00").works()
    assert newest(shop) == euros("99.01")
    shop.proves()


def test_calendar_months_begin_with_a_part_of_one(shop: World) -> None:
    shop.on("2026-01-21")
    begun = shop.billing.subscribed("ada", "starter", anchoring="calendar")
    assert begun.invoice is not None
    assert begun.invoice.total == euros("11")
    shop.on("2026-02-02").works()
    assert newest(shop) == euros("31")
    shop.proves()


def test_canceled_with_its_period_it_bills_its_usage_and_no_more(shop: World) -> None:
    subscription = shop.billing.subscribe("ada", "pro")
    shop.on("2026-01-11").uses("ada", "calls", 11_000)
    assert shop.billing.cancel(subscription.id).ending == "cancel"
    shop.on("2026-02-02").works()
    assert newest(shop) == euros("10")
    assert shop.billing.subscription(subscription.id).status is Status.CANCELED
    assert not shop.billing.check("ada", "calls").allowed
    shop.uses("ada", "calls", 100, at="2026-01-31")
    shop.on("2026-03-10").works()
    assert newest(shop) == euros("1"), "what came late is not lost with the subscription"
    shop.on("2026-06-01").works()
    assert len(shop.billing.invoices(customer_id="ada")) == 3
    shop.proves()


def test_canceled_at_once_the_unused_is_given_back_where_that_is_wanted(shop: World) -> None:
    subscription = shop.billing.subscribe("ada", "pro")
    shop.on("2026-01-11").uses("ada", "calls", 10_200)
    shop.later(hours=1)
    shop.billing.cancel(subscription.id, now=True, credit_unused=True)
    last = shop.billing.invoices(customer_id="ada", limit=1)[0]
    assert last.total == euros("0")
    assert last.carried_out.minor == 200 - 6693
    shop.on("2026-04-01").works()
    shop.proves()


def test_a_pause_gives_back_what_is_unused_and_grants_nothing(shop: World) -> None:
    subscription = shop.billing.subscribe("ada", "starter")
    shop.on("2026-01-11").billing.pause(subscription.id)
    assert not shop.billing.check("ada", "calls").allowed
    shop.on("2026-03-05").works()
    assert shop.billing.resume(subscription.id).status is Status.ACTIVE
    assert newest(shop) == euros("10"), "31 for the new month, less 21 that were left of January"
    assert shop.billing.check("ada", "calls").allowed
    shop.on("2026-04-05 01:00").works()
    assert newest(shop) == euros("31")
    shop.proves()


def test_a_subscription_that_begins_in_the_past_is_billed_month_by_month(shop: World) -> None:
    shop.on("2026-04-10")
    shop.billing.subscribe("ada", "starter", start=day("2026-02-01"))
    shop.works()
    assert [invoice.total for invoice in shop.billing.invoices(customer_id="ada")] == [euros("31")] * 3
    shop.proves()


def test_what_was_sold_of_a_plan_never_changes(shop: World) -> None:
    subscription = shop.billing.subscribe("ada", "starter")
    dearer = {"plans": [{**PLANS["plans"][0], "charges": [  # type: ignore[dict-item]
        {"key": "base", "kind": "recurring", "prices": [{"currency": "eur", "model": "flat", "amount": "62"}]}]}]}  # fmt: skip
    (change,) = shop.billing.apply_catalogue(dearer)
    assert change.kind == "plan"
    assert shop.billing.apply_catalogue(dearer) == []
    assert shop.billing.plan("starter").version == 2
    shop.on("2026-02-02").works()
    assert newest(shop) == euros("31")
    shop.billing.change_subscription(subscription.id, plan="starter", when="period_end")
    shop.on("2026-03-02").works()
    assert newest(shop) == euros("62")
    shop.proves()


def test_revenue_is_earned_as_the_period_is_served(shop: World) -> None:
    shop.billing.subscribe("ada", "starter")
    assert shop.balance(Account.DEFERRED_REVENUE, EUR) == Money(-3100, EUR)
    assert shop.balance(Account.REVENUE, EUR) == Money(0, EUR)
    shop.on("2026-02-01").works()
    assert shop.balance(Account.REVENUE, EUR) == Money(-3100, EUR)
    shop.proves()


def test_a_second_one_of_a_plan_needs_a_name_of_its_own(shop: World) -> None:
    first = shop.billing.subscribe("ada", "team", op="berlin")
    assert shop.billing.subscribe("ada", "team", op="berlin") == first
    assert shop.billing.subscribe("ada", "team", op="paris") != first
    with pytest.raises(Conflict, match="on it already"):
        shop.billing.subscribe("ada", "team")
    assert len(shop.billing.invoices(customer_id="ada")) == 2
    shop.proves()


def test_what_is_flat_in_an_add_on_is_once_for_each_of_them_whatever_is_used(shop: World) -> None:
    flat = [{"currency": "eur", "model": "flat", "amount": "5"}]
    charges = [
        {"key": "used", "kind": "usage", "meter": "calls", "prices": flat},
        {"key": "room", "kind": "seats", "prices": flat},
    ]
    shop.billing.apply_catalogue({"plans": [{"key": "extra", "add_on": True, "charges": charges}]})
    shop.billing.subscribe("ada", "starter", seats=7, add_ons={"extra": 2})
    assert newest(shop) == euros("41"), "31, and 5 for each of two, not of seven times two"
    shop.uses("ada", "calls", 900)
    shop.on("2026-02-02").works()
    assert newest(shop) == euros("46"), "and 5 for what was used, not 5 for each of 900"
    shop.proves()


def test_an_end_a_pause_and_a_return_are_shown_before_they_are_charged(shop: World) -> None:
    subscription = shop.billing.subscribe("ada", "pro")
    shop.on("2026-01-11").uses("ada", "calls", 10_200)
    shop.later(hours=1)
    for credit_unused, total in ((False, "2"), (True, "0")):
        shown = shop.billing.preview_cancel(subscription.id, now=True, credit_unused=credit_unused)
        assert shown.invoice is not None
        assert shown.invoice.total == euros(total)
        assert shown.subscription.status is Status.CANCELED
    shown = shop.billing.preview_pause(subscription.id)
    assert shop.billing.subscription(subscription.id).status is Status.ACTIVE
    paused = shop.later(minutes=5).billing.accept_preview(shown.preview.id)  # type: ignore[union-attr]
    assert paused.subscription.status is Status.PAUSED
    assert paused.invoice == shop.billing.invoices(customer_id="ada", limit=1)[0]
    back = shop.on("2026-02-20").billing.preview_resume(subscription.id)
    assert back.invoice is not None
    resumed = shop.billing.accept_preview(back.preview.id)  # type: ignore[union-attr]
    assert resumed.invoice is not None
    assert resumed.invoice.total == back.invoice.total
    shop.proves()
