"""Corners of a subscription's life, each with the figures that it comes to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from tallystick import Tallystick
from tallystick.domain.invoices import Invoice
from tallystick.domain.plans import ChargeKind, PlanCharge, PlanPrice, PlanVersion
from tallystick.domain.price_documents import read_price
from tallystick.domain.subscriptions import Status
from tallystick.domain.usage import Event
from tallystick.testing import FakeClock, SeededIds
from tallystick.values.errors import Conflict, InvalidInput
from tallystick.values.ids import MeterKey
from tallystick.values.money import EUR, Money
from tallystick.worker import loop

METERS = [{"key": "calls", "decimals": 0}]


def flat(amount: str, **more: object) -> dict[str, object]:
    return {"currency": "eur", "model": "flat", "amount": amount, **more}


def each(amount: str, **more: object) -> dict[str, object]:
    return {"currency": "eur", "model": "per_unit", "unit_amount": amount, **more}


def charge(key: str, kind: str, *prices: dict[str, object], **more: object) -> dict[str, object]:
    return {"key": key, "kind": kind, "prices": list(prices), **more}


def calls(price: dict[str, object]) -> dict[str, object]:
    return charge("calls", "usage", price, meter="calls")


PLANS: list[dict[str, object]] = [
    {"key": "starter", "charges": [charge("base", "recurring", flat("31"))]},
    {"key": "pro", "charges": [charge("base", "recurring", flat("62")), calls(each("0.01"))]},
    {"key": "metered", "charges": [calls(each("1"))]},
    {
        "key": "tried",
        "trial_days": 14,
        "charges": [charge("base", "recurring", flat("31")), charge("setup", "one_time", flat("50")), calls(each("1"))],
    },
    {
        "key": "support",
        "add_on": True,
        "charges": [charge("fee", "recurring", flat("20"))],
    },
    {"key": "least", "charges": [calls(each("0.01", minimum_amount="31"))]},
]


class Shop:
    """An engine whose clock waits for us."""

    def __init__(self, plans: list[dict[str, object]] | None = None, **catalogue: object) -> None:
        self.clock = FakeClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.app = Tallystick.from_url("sqlite://", clock=self.clock, ids=SeededIds())
        self.app.apply_catalogue({"meters": METERS, "plans": PLANS if plans is None else plans, **catalogue})
        self.events = 0

    def on(self, text: str) -> "Shop":
        self.clock.set(datetime.fromisoformat(text).replace(tzinfo=UTC))
        return self

    def uses(self, quantity: int, *, at: str | None = None) -> "Shop":
        self.events += 1
        when = self.clock.now() if at is None else datetime.fromisoformat(at).replace(tzinfo=UTC)
        self.app.record([Event("ada", f"event-{self.events}", "calls", Decimal(quantity), when)])  # type: ignore[arg-type]
        return self

    def works(self) -> "Shop":
        loop.catch_up(self.app.context)
        return self

    def invoices(self) -> list[Invoice]:
        """All of them, by number."""
        return sorted(self.app.invoices(customer_id="ada", limit=200), key=lambda invoice: invoice.number or "")

    def amounts(self) -> list[list[int]]:
        """The lines of each invoice, in minor units."""
        return [[line.amount.minor for line in invoice.lines] for invoice in self.invoices()]

    def proves(self) -> None:
        report = self.app.verify()
        assert report.clean, report.violations


def test_a_minimum_is_due_for_as_long_as_its_charge_counts() -> None:
    shop = Shop()
    named = shop.app.subscribe("ada", "least").id
    shop.on("2026-01-11").app.change_subscription(named, plan="starter", when="now")
    shop.on("2026-01-21").app.change_subscription(named, plan="least", when="now")
    shop.on("2026-02-02").works()
    assert shop.amounts() == [[1000, 2100], [-1100], [1100]], "ten days, and eleven; not ten, and the whole month again"
    shop.proves()


STANDALONE = [{"key": "payg", "meter": "calls", "price": each("1")}]


def test_what_is_told_late_of_a_time_before_the_first_bill_is_billed_beside_a_subscription_too() -> None:
    shop = Shop(charges=STANDALONE)
    shop.on("2026-01-08").uses(1).on("2026-01-10").app.bill("ada")
    shop.app.subscribe("ada", "metered")
    shop.on("2026-01-12").uses(5, at="2026-01-03")
    assert [invoice.subtotal for invoice in shop.app.bill("ada")] == [Money(500, EUR)]
    assert shop.app.bill("ada") == []
    shop.proves()


def test_what_is_told_late_of_a_time_between_two_subscriptions_is_billed_once() -> None:
    shop = Shop(charges=STANDALONE)
    shop.uses(1, at="2025-12-28")
    first = shop.app.subscribe("ada", "metered").id
    shop.on("2026-01-10").app.cancel(first, now=True)
    second = shop.on("2026-01-15").app.subscribe("ada", "metered").id
    shop.on("2026-01-20").app.cancel(second, now=True)
    shop.on("2026-01-22").uses(1).on("2026-01-25").app.bill("ada")
    shop.proves()
    shop.uses(7, at="2026-01-12").uses(3, at="2026-01-17")
    bills = shop.app.bill("ada")
    assert [line.amount.minor for invoice in bills for line in invoice.lines] == [700, 300], "nobody's, and the second one's"
    assert shop.app.bill("ada") == []
    shop.proves()


def test_a_change_with_the_period_counts_from_where_a_bill_outside_of_it_has_ended() -> None:
    shop = Shop(charges=STANDALONE)
    named = shop.app.subscribe("ada", "starter").id
    shop.on("2026-01-08").uses(1).app.change_subscription(named, plan="metered", when="period_end")
    shop.on("2026-02-01 00:30").uses(2, at="2026-02-01 00:10").app.bill("ada")
    shop.on("2026-02-01 02:00").works()
    assert shop.app.subscription(named).terms.plan_key == "metered", "a bill in between stops no subscription"
    shop.on("2026-02-03").uses(4).on("2026-03-01 01:00").works()
    assert shop.amounts() == [[3100], [300], [400]], "each event once: the first two outside of the plan"
    assert shop.app.bill("ada") == []
    shop.proves()


def _figures(invoice: Invoice | None) -> object:
    return invoice and (invoice.total, invoice.discount, [(line.charge_key, line.period, line.amount) for line in invoice.lines])


def test_within_the_grace_the_next_invoice_is_that_of_the_period_that_is_over() -> None:
    shop = Shop()
    named = shop.app.subscribe("ada", "pro").id
    shop.on("2026-01-08").uses(100).on("2026-02-01 00:30").uses(200).works()
    shown = shop.app.upcoming(named)
    shop.on("2026-02-01 01:00").works()
    assert _figures(shown) == _figures(shop.invoices()[-1])
    assert [line.amount.minor for line in shop.invoices()[-1].lines] == [100, 6200]


def test_what_is_shown_of_the_last_invoice_has_the_coupon_that_was_live_when_its_period_began() -> None:
    coupon = {"key": "half", "percent": "50", "duration": "months", "months": 1}
    shop = Shop(coupons=[coupon])
    named = shop.app.subscribe("ada", "pro").id
    shop.on("2026-01-15").app.redeem("ada", "half")
    shop.on("2026-02-01 01:00").works().on("2026-02-20").uses(1000).app.cancel(named)
    shown = shop.app.upcoming(named)
    assert shown is not None
    assert shown.discount == Money(500, EUR)
    shop.on("2026-03-01 01:00").works()
    assert _figures(shown) == _figures(shop.invoices()[-1])


@pytest.mark.parametrize("act", ["cancel", "pause", "change", "resume"])
def test_a_clock_that_is_set_back_turns_no_time_round(act: str) -> None:
    shop = Shop()
    named = shop.app.subscribe("ada", "pro").id
    if act == "resume":
        shop.on("2026-01-05").app.pause(named)
    shop.clock.advance(timedelta(minutes=-5))
    done = {
        "cancel": lambda: shop.app.cancel(named, now=True, credit_unused=True).status,
        "pause": lambda: shop.app.pause(named).status,
        "change": lambda: shop.app.change_subscription(named, plan="metered", when="now").subscription.status,
        "resume": lambda: shop.app.resume(named).status,
    }
    done[act]()
    shop.proves()
    shop.on("2026-03-01").works().proves()
    paid = sum(line.amount.minor for invoice in shop.invoices() for line in invoice.lines)
    assert paid == {"cancel": 0, "pause": 0, "change": 0, "resume": 800 + 6200 + 6200}[act]


def test_a_trial_that_was_paused_lasts_until_its_end_and_then_costs_what_it_always_would() -> None:
    shop = Shop()
    named = shop.app.subscribe("ada", "tried").id
    shop.on("2026-01-05").app.pause(named)
    assert shop.on("2026-01-07").app.resume(named).status is Status.TRIALING
    assert shop.app.resume(named).status is Status.TRIALING, "resumed twice is resumed once"
    shop.on("2026-01-10").uses(100).on("2026-01-16").works().uses(3)
    assert shop.amounts() == [[3100, 5000]]
    shop.on("2026-02-15 01:00").works()
    assert shop.amounts()[1] == [300, 3100]
    shop.proves()


def test_a_trial_that_ended_in_a_pause_leads_into_service_with_what_is_due_once() -> None:
    shop = Shop()
    named = shop.app.subscribe("ada", "tried").id
    shop.on("2026-01-05").app.pause(named)
    assert shop.on("2026-01-20").app.resume(named).status is Status.ACTIVE
    assert shop.amounts() == [[3100, 5000]]
    shop.on("2026-01-25").app.pause(named)
    shop.on("2026-01-26").app.resume(named)
    assert 5000 not in [amount for amounts in shop.amounts()[1:] for amount in amounts], "once in its life"
    shop.proves()


@pytest.mark.parametrize("agreed", ["cancel", "change"])
def test_what_was_agreed_for_the_end_of_a_period_outlives_a_pause(agreed: str) -> None:
    shop = Shop()
    named = shop.app.subscribe("ada", "pro").id
    if agreed == "cancel":
        shop.app.cancel(named)
    else:
        shop.app.change_subscription(named, plan="starter")
    shop.on("2026-01-05").app.pause(named)
    assert shop.on("2026-01-10").app.resume(named).ending == agreed
    after = shop.on("2026-02-10 01:00").works().app.subscription(named)
    assert (after.status, after.terms.plan_key) == {
        "cancel": (Status.CANCELED, "pro"),
        "change": (Status.ACTIVE, "starter"),
    }[agreed]
    shop.proves()


def test_what_has_come_with_the_end_of_a_period_can_be_undone_no_more_even_where_nobody_has_looked() -> None:
    shop = Shop()
    named = shop.app.subscribe("ada", "starter").id
    shop.app.cancel(named)
    with pytest.raises(Conflict, match="is canceled"):
        shop.on("2026-02-03").app.undo_change(named)
    assert shop.amounts() == [[3100]]
    shop.proves()


def test_two_subscriptions_never_bill_one_event() -> None:
    shop = Shop()
    named = shop.app.subscribe("ada", "pro", op="berlin").id
    for plan in ("pro", "metered", "tried"):
        with pytest.raises(Conflict, match="which would be billed twice") as refused:
            shop.app.subscribe("ada", plan, op="paris")
        assert refused.value.code == "already_counted"
    other = shop.app.subscribe("ada", "starter", op="paris").id
    for when in ("now", "period_end"):
        with pytest.raises(Conflict, match="which would be billed twice"):
            shop.app.change_subscription(other, plan="metered", when=when)
    shop.on("2026-01-11").app.cancel(named, now=True)
    with pytest.raises(Conflict, match="which would be billed twice"):
        shop.app.subscribe("ada", "metered", op="rome", start=datetime(2026, 1, 10, tzinfo=UTC))
    shop.app.change_subscription(other, plan="metered", when="period_end")
    with pytest.raises(Conflict, match="which would be billed twice"):
        shop.app.subscribe("ada", "metered", op="rome")
    shop.uses(5).on("2026-02-02").works().uses(7).on("2026-03-02").works()
    assert [line.amount.minor for invoice in shop.invoices() for line in invoice.lines if line.meter_key] == [0, 700]
    shop.proves()


def test_who_leaves_in_a_trial_may_come_again() -> None:
    shop = Shop()
    named = shop.app.subscribe("ada", "tried").id
    shop.on("2026-01-05").app.cancel(named, now=True)
    assert shop.app.subscribe("ada", "metered").status is Status.ACTIVE
    shop.proves()


def test_a_price_of_ones_own_goes_with_its_add_on_and_holds_nobody_back() -> None:
    shop = Shop()
    own = {"support.fee": flat("10"), "base": flat("30")}
    named = shop.app.subscribe("ada", "starter", add_ons={"support": 1}, overrides=own).id
    after = shop.app.change_subscription(named, plan="pro", when="now").subscription.terms
    assert list(after.overrides) == ["support.fee"], "it is not the plan's, and goes on"
    assert not shop.app.change_subscription(named, add_ons={}, when="now").subscription.terms.overrides
    assert shop.amounts() == [[3000, 1000], [-3000, 6200], [-1000]]
    shop.proves()


def test_two_charges_of_one_name_are_never_sold_together() -> None:
    shop = Shop([*PLANS, {"key": "odd", "charges": [charge("support.fee", "recurring", flat("3"))]}])
    with pytest.raises(InvalidInput, match=r"two charges would be called support\.fee"):
        shop.app.subscribe("ada", "odd", add_ons={"support": 1})


def test_a_plan_without_charges_is_sold_in_the_currency_that_is_named() -> None:
    shop = Shop([*PLANS, {"key": "free", "features": ["docs"], "quotas": [{"meter": "calls", "limit": "10"}]}])
    with pytest.raises(InvalidInput, match="asks for nothing; name"):
        shop.app.subscribe("ada", "free")
    named = shop.app.subscribe("ada", "free", currency="eur").id
    assert shop.on("2026-02-02").works().invoices() == []
    assert shop.app.check("ada", "calls", 10).allowed
    assert shop.app.change_subscription(named, plan="starter").invoice is not None
    shop.proves()


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"seats": 2.5}, "seats"),
        ({"seats": True}, "seats"),
        ({"add_ons": {"support": "2"}}, "add_ons"),
        ({"plan_version": 9}, "plan_version"),
        ({"start": datetime(2025, 12, 1)}, "start"),  # noqa: DTZ001 what is refused
        ({"op": "\ud800"}, "op"),
        ({"op": ""}, "op"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_kept(wanted: dict[str, object], field: str) -> None:
    shop = Shop()
    with pytest.raises(InvalidInput) as refused:
        shop.app.subscribe("ada", "starter", **wanted)  # type: ignore[arg-type]
    assert refused.value.field == field
    assert shop.app.subscriptions() == []


def test_a_start_in_another_zone_is_the_same_instant() -> None:
    shop = Shop()
    tokyo = datetime(2025, 12, 31, 9, tzinfo=timezone(timedelta(hours=9)))
    assert shop.app.subscribe("ada", "starter", start=tokyo).started_at == datetime(2025, 12, 31, tzinfo=UTC)


def test_a_plan_from_python_is_kept_as_its_document_says_it_and_the_same_again_is_no_other_version() -> None:
    shop = Shop()
    price = PlanPrice(read_price(each("1")))
    plan = PlanVersion("code", 1, (PlanCharge("calls", ChargeKind.USAGE, (price,), MeterKey("calls")),))
    shop.app.put_plan(plan)
    shop.app.subscribe("ada", "code")
    assert shop.app.put_plan(plan).version == 1
    with pytest.raises(InvalidInput):
        shop.app.put_plan(replace(plan, display_name="x" * 257))
    assert shop.app.plan("code").version == 1


def test_what_is_given_back_at_the_instant_it_was_asked_for_is_no_time_that_is_paid_twice() -> None:
    shop = Shop()
    for number in range(6):  # the ids of lines are in no order: one of these is in the one that matters
        named = shop.app.subscribe("ada", "starter", op=f"s{number}").id
        shop.app.pause(named)
        shop.app.resume(named)
        shop.app.pause(named)
        shop.app.resume(named)
    shop.proves()


def test_a_fee_of_which_a_part_was_given_back_is_void_only_after_that() -> None:
    shop = Shop()
    begun = shop.app.subscribed("ada", "starter")
    upgraded = shop.on("2026-01-11").app.change_subscription(begun.subscription.id, plan="pro")
    assert begun.invoice is not None
    assert upgraded.invoice is not None
    with pytest.raises(Conflict, match="INV-000002 gives back a part of it") as refused:
        shop.app.void(begun.invoice.id, reason="by mistake")
    assert refused.value.code == "given_back"
    shop.app.void(upgraded.invoice.id, reason="by mistake")
    shop.app.void(begun.invoice.id, reason="by mistake")
    shop.app.cancel(begun.subscription.id, now=True, credit_unused=True)
    assert shop.amounts() == [[3100], [-2100, 4200]], "and of what is void nothing is given back"
    shop.proves()


def test_a_coupon_for_one_invoice_is_for_the_next_one_where_that_is_void() -> None:
    shop = Shop(coupons=[{"key": "once", "percent": "50"}])
    begun = shop.app.subscribed("ada", "starter", coupon="once")
    assert begun.invoice is not None
    shop.app.void(begun.invoice.id, reason="by mistake")
    shop.on("2026-02-02").works().on("2026-03-02").works()
    assert [invoice.discount.minor for invoice in shop.invoices()] == [1550, 1550, 0]
    shop.proves()
