"""A month under a quota: granted, used, reserved, exceeded, reset; and the bill says what the quota counted."""

from datetime import timedelta
from decimal import Decimal

from tallystick.domain.entitlements import Policy, Quota, Reason, Reset
from tallystick.domain.invoices import InvoiceStatus
from tallystick.values.money import USD, Money
from tests.scenarios.world import World, day

PENNY = {"currency": "usd", "model": "per_unit", "unit_amount": "0.01"}


def test_a_month_of_a_thousand_calls(world: World) -> None:
    world.sells("calls", PENNY, decimals=0)
    for _ in range(2):
        world.billing.grant("ada", "calls", Quota(Decimal(1000)))

    world.on("2026-01-05")
    for _ in range(2):  # the network stutters
        first = world.billing.consume("ada", "calls", 600, op="monday")
        assert (first.allowed, first.used, first.remaining) == (True, 600, 400)
    assert first.resets_at == day("2026-02-01")

    world.on("2026-01-12")
    held = world.billing.reserve("ada", "calls", 400, op="long-job")
    no = world.billing.consume("ada", "calls", 1, op="too-much")
    assert (no.allowed, no.reason, no.remaining) == (False, Reason.QUOTA_EXCEEDED, 0)
    world.later(minutes=10)
    for _ in range(2):
        assert held.commit(250).remaining == 150

    world.on("2026-01-20")
    abandoned = world.billing.reserve("ada", "calls", 150, op="crashed-job")
    world.later(minutes=15).works()
    assert world.billing.check("ada", "calls", 150).allowed, "its time is over, and it holds nothing"
    abandoned.release()

    invoice = world.on("2026-02-01").bill("ada", times=2, payment_method="pm_card_visa")
    assert invoice.total == Money(8_50, USD), "600 and 250: the quota and the bill cannot differ"
    fresh = world.billing.check("ada", "calls", 1000)
    assert (fresh.allowed, fresh.used, fresh.resets_at) == (True, 0, day("2026-03-01"))
    world.works()
    assert world.now(invoice).status is InvoiceStatus.PAID
    world.proves()


def test_what_was_reserved_before_midnight_counts_in_the_month_in_which_it_began(world: World) -> None:
    world.sells("calls", PENNY, decimals=0)
    world.billing.grant("ada", "calls", Quota(Decimal(100)))
    world.on("2026-01-31T23:55:00")
    held = world.billing.reserve("ada", "calls", 100, op="over-new-month")
    assert not world.billing.check("ada", "calls").allowed

    world.on("2026-02-01T00:05:00")
    assert world.billing.consume("ada", "calls", 100, op="february").allowed
    done = held.commit(40)
    assert (done.used, done.resets_at) == (40, day("2026-02-01")), "January's"
    assert world.billing.check("ada", "calls").used == 100

    january = world.bill("ada", until="2026-02-01")
    assert january.carried_out == Money(40, USD), "too little to charge, and January's"
    world.proves()


def test_a_retry_after_midnight_takes_nothing_from_the_new_month(world: World) -> None:
    world.sells("calls", PENNY, decimals=0)
    world.billing.grant("ada", "calls", Quota(Decimal(10)))
    world.on("2026-01-31T23:59:59")
    assert world.billing.consume("ada", "calls", 10, op="late").allowed
    world.on("2026-02-01T00:00:01")
    again = world.billing.consume("ada", "calls", 10, op="late")
    assert (again.allowed, again.used) == (True, 0)
    assert world.billing.consume("ada", "calls", 10, op="new").allowed
    world.proves()


def test_in_tokyo_the_month_is_over_nine_hours_earlier(world: World) -> None:
    world.sells("calls", PENNY, decimals=0)
    world.billing.grant("ada", "calls", Quota(Decimal(10), zone="Asia/Tokyo"))
    world.on("2026-01-31T14:59:59")
    assert world.billing.consume("ada", "calls", 10, op="a").resets_at == day("2026-01-31T15:00:00")
    world.later(seconds=1)
    assert world.billing.consume("ada", "calls", 10, op="b").allowed
    world.proves()


def test_overage_is_allowed_said_and_billed(world: World) -> None:
    world.sells("calls", PENNY, decimals=0)
    world.billing.grant("ada", "calls", Quota(Decimal(100), Policy.SOFT))
    assert world.billing.consume("ada", "calls", 100, op="a").reason is None
    assert world.billing.consume("ada", "calls", 50, op="b").reason is Reason.OVERAGE
    assert world.on("2026-02-01").bill("ada").total == Money(1_50, USD)
    world.proves()


def test_what_never_resets_is_used_up_for_good(world: World) -> None:
    world.sells("trials", PENNY, decimals=0)
    world.billing.grant("ada", "trials", Quota(Decimal(3), reset=Reset.NEVER))
    for month in range(1, 4):
        world.on(f"2026-{month:02}-15")
        assert world.billing.consume("ada", "trials", 1, op=f"try-{month}").allowed
    world.on("2027-01-01")
    assert world.billing.check("ada", "trials").resets_at is None
    assert not world.billing.consume("ada", "trials", 1, op="try-4").allowed
    held = world.billing.reserve("ada", "trials", 1, op="none", ttl=timedelta(hours=1))
    assert held.id is None
    world.proves()
