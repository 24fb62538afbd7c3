"""A month whose usage was told wrongly, and the months in which that is put right; each step is done twice."""

from dataclasses import replace
from decimal import Decimal

from tallystick.domain.catalog import Charge
from tallystick.domain.entitlements import Quota
from tallystick.domain.invoices import InvoiceStatus
from tallystick.domain.ledger import Account
from tallystick.domain.price_documents import read_price
from tallystick.domain.usage import Aggregation, Meter
from tallystick.values.ids import MeterKey
from tallystick.values.money import USD, Money
from tallystick.values.time import Period
from tests.scenarios.world import World, day

TOKENS = {"currency": "usd", "model": "graduated", "tiers": [{"up_to": "1000", "unit_amount": "0.02"}, {"unit_amount": "0.01"}]}
SEATS = {"currency": "usd", "model": "per_unit", "unit_amount": "30"}
WHY = "the import ran twice"


def test_january_was_told_twice_and_february_gives_it_back(world: World) -> None:
    world.sells("tokens", TOKENS)
    world.on("2026-01-10").uses("ada", "tokens", 800, name="a")
    world.on("2026-01-10").uses("ada", "tokens", 800, name="a, again")
    january = world.on("2026-02-01").bill("ada", times=2, payment_method="pm_card_visa")
    assert january.total == Money(26_00, USD)  # 1000 at 0.02, 600 at 0.01
    world.works()

    for _ in range(2):
        world.on("2026-02-03").billing.retract("ada", "api", "a, again", reason=WHY)
    world.on("2026-02-15").uses("ada", "tokens", 1500)
    february = world.on("2026-03-01").bill("ada", times=2, payment_method="pm_card_visa")
    assert [(line.part, line.quantity, line.amount) for line in february.lines] == [
        (1, -800, Money(-10_00, USD)),  # January as a whole: 800 at 0.02 are 16, and 26 were billed
        (0, 1500, Money(25_00, USD)),
    ]
    assert february.total == Money(15_00, USD)
    world.works()
    assert world.now(january).total == Money(26_00, USD)
    assert world.balance(Account.CASH, USD) == Money(41_00, USD)
    world.proves()


def test_a_credit_larger_than_the_month_waits_for_the_next_one(world: World) -> None:
    world.sells("tokens", TOKENS)
    world.on("2026-01-10").uses("ada", "tokens", 1000, name="wrong")
    world.on("2026-02-01").bill("ada", payment_method="pm_card_visa")
    world.works()
    wrong = world.billing.event("ada", "api", "wrong")
    for _ in range(2):
        right = replace(wrong, quantity=Decimal(100))
        world.on("2026-02-02").billing.correct("ada", "api", "wrong", replacement=right, reason=WHY)
    world.on("2026-02-10").uses("ada", "tokens", 400)
    february = world.on("2026-03-01").bill("ada", times=2)
    assert (february.total, february.carried_out) == (Money(0, USD), Money(-10_00, USD))
    assert february.status is InvoiceStatus.PAID
    world.on("2026-03-10").uses("ada", "tokens", 700)
    march = world.on("2026-04-01").bill("ada", times=2, payment_method="pm_card_visa")
    assert (march.carried_in, march.total) == (Money(-10_00, USD), Money(4_00, USD))
    world.works()
    assert world.balance(Account.CARRIED, USD) == Money(0, USD)
    world.proves()


def test_seats_are_paid_by_the_time_that_they_were_held(world: World) -> None:
    world.billing.put_meter(Meter(MeterKey("seats"), Aggregation.TIME_WEIGHTED, decimals=4))
    world.billing.put_charge(Charge("seats", MeterKey("seats"), read_price(SEATS)))
    world.uses("ada", "seats", 5, name="five")
    world.on("2026-01-11").uses("ada", "seats", 36, name="thirty-six")  # a slip of the pen
    january = world.on("2026-02-01").bill("ada", times=2)
    assert january.total == Money(780_00, USD)  # 5 for 10 of 31 days, then 36: 26 seats
    february = world.on("2026-03-01").bill("ada", times=2)
    assert february.total == Money(36 * 30_00, USD), "the level holds, although nothing was sent"

    wrong = world.billing.event("ada", "api", "thirty-six")
    for _ in range(2):
        world.billing.correct(
            "ada", "api", "thirty-six", replacement=replace(wrong, quantity=Decimal(6)), reason="a slip of the pen"
        )
    world.on("2026-03-16T12:00").uses("ada", "seats", 0)
    march = world.on("2026-04-01").bill("ada", times=2)
    assert [(line.part, line.quantity, line.amount) for line in march.lines] == [
        (1, Decimal("-20.3226"), Money(-609_68, USD)),  # 5 × 10 days and 6 × 21 are 5.6774 seats in 31 days
        (1, Decimal(-30), Money(-900_00, USD)),
        (0, Decimal(3), Money(90_00, USD)),
    ]
    assert world.on("2026-05-01").bills("ada") == [], "no seat is held any more"
    world.works()
    world.proves()


def test_a_quota_that_was_used_up_by_mistake_stays_used_and_is_not_billed(world: World) -> None:
    world.sells("tokens", TOKENS, decimals=0)
    world.billing.grant("ada", "tokens", Quota(Decimal(1000)))
    world.on("2026-01-10")
    assert world.billing.consume("ada", "tokens", 1000, op="runaway").allowed
    for _ in range(2):
        world.billing.retract("ada", "quota", "runaway", reason="a loop of ours")
    assert not world.billing.consume("ada", "tokens", 1, op="next").allowed
    world.on("2026-02-01")
    assert world.bills("ada") == []
    assert world.billing.usage("ada", "tokens", Period(day("2026-01-01"), day("2026-02-01"))).quantity == 0
    world.proves()


def test_an_old_month_may_be_put_right_long_after_it(world: World) -> None:
    world.sells("tokens", TOKENS)
    world.on("2026-01-10").uses("ada", "tokens", 100, name="old")
    world.on("2026-02-01").bill("ada")
    wrong = world.on("2026-11-11").billing.event("ada", "api", "old")
    moved = replace(wrong, at=day("2026-01-20"), quantity=Decimal(1100))
    world.billing.correct("ada", "api", "old", replacement=moved, reason=WHY)
    (line,) = world.on("2026-12-01").bill("ada", times=2).lines
    assert (line.period.end, line.amount) == (day("2026-02-01"), Money(21_00 - 2_00, USD))
    world.proves()
