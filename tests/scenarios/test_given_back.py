"""Usage that was billed, made less, and only then turned out to be wrong: what goes back is what was asked for it."""

from decimal import Decimal

import pytest

from tallystick.domain.coupon_documents import read_coupon
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.values.errors import Conflict
from tallystick.values.fields import Fields
from tallystick.values.money import USD, Money
from tests.scenarios.world import World

WHY = "counted twice"


def usd(cents: int) -> Money:
    return Money(cents, USD)


def january(world: World, coupon: dict[str, object] | None = None, *, pays: bool = True) -> Invoice:
    """100 calls at a dollar, as 60 and 40, billed on the first of February."""
    world.sells("calls", {"model": "per_unit", "currency": "usd", "unit_amount": "1"})
    if coupon is not None:
        world.billing.put_coupon(read_coupon(Fields({"key": "LESS", **coupon}))[0])
        world.on("2026-01-02").billing.redeem("ada", "LESS")
    world.on("2026-01-10").uses("ada", "calls", 60, name="right")
    world.on("2026-01-11").uses("ada", "calls", 40, name="wrong")
    invoice = world.on("2026-02-01").bill("ada", times=2, payment_method="pm_card_visa" if pays else None)
    if pays:
        world.works()
    return invoice


def retract(world: World, *names: str) -> None:
    for name in names * 2:
        world.billing.retract("ada", "api", name, reason=WHY)


def february(world: World) -> Invoice:
    """On the first of March, after 200 calls more."""
    world.on("2026-02-15").uses("ada", "calls", 200)
    return world.on("2026-03-01").bill("ada", times=2)


@pytest.mark.parametrize(
    ("coupon", "paid", "gone", "given_back"),
    [
        (None, 100_00, ("wrong",), 40_00),
        ({"percent": "100"}, 0, ("wrong",), 0),
        ({"percent": "100"}, 0, ("wrong", "right"), 0),
        ({"percent": "30"}, 70_00, ("wrong",), 28_00),
        ({"percent": "30"}, 70_00, ("right", "wrong"), 70_00),
        ({"amounts": {"usd": "50"}}, 50_00, ("wrong",), 20_00),  # as 30 of the 50 are of what stays
        ({"percent": "33.333"}, 66_67, ("wrong",), 26_67),  # 66.67 * 60 / 100 = 40.002
    ],
)
def test_of_what_was_discounted_goes_back_what_was_paid(
    world: World, coupon: dict[str, object] | None, paid: int, gone: tuple[str, ...], given_back: int
) -> None:
    assert january(world, coupon).total == usd(paid)
    retract(world, *gone)
    line = next(line for line in february(world).lines if line.part)
    before, quantity = 100, {"right": 60, "wrong": 40}
    less = sum(quantity[name] for name in gone)
    assert (line.amount, line.quantity) == (usd(-given_back), -less)
    assert line.taken_off == usd(less * before - given_back), "the rest had been taken off"
    world.proves()


def test_what_was_credited_does_not_go_back_once_more(world: World) -> None:
    invoice = january(world)
    world.billing.credit_note(invoice.id, amount=usd(25_00), reason="slow", op="one")
    world.works()
    retract(world, "right", "wrong")
    line = next(line for line in february(world).lines if line.part)
    assert (line.amount, line.taken_off) == (usd(-75_00), usd(25_00))
    world.proves()


def test_what_was_never_asked_for_does_not_go_back(world: World) -> None:
    invoice = january(world, pays=False)
    for _ in range(2):
        world.billing.void(invoice.id, reason="the wrong customer")
    retract(world, "right", "wrong")
    lines = february(world).lines
    assert [(line.part, line.amount, line.taken_off) for line in lines] == [(1, usd(0), usd(100_00)), (0, usd(200_00), None)]
    world.proves()


def test_what_was_given_back_is_neither_void_nor_credited_afterwards(world: World) -> None:
    invoice = january(world, pays=False)
    retract(world, "wrong")
    later = february(world)
    assert later.total == usd(160_00)
    with pytest.raises(Conflict, match=f"{later.number} gives back a part"):
        world.billing.void(invoice.id, reason="the wrong customer")
    rest = world.billing.credit_note(invoice.id, reason="all that is left", op="rest")
    assert rest.amount == usd(60_00)
    world.proves()


def test_the_bill_that_gave_it_back_is_void_and_then_the_first_may_be(world: World) -> None:
    invoice = january(world, pays=False)
    retract(world, "wrong")
    later = february(world)
    for each in (later, invoice):
        world.billing.void(each.id, reason="the wrong customer")
        assert world.now(each).status is InvoiceStatus.VOID
    world.proves()


def test_late_usage_after_a_correction_is_asked_for_by_difference(world: World) -> None:
    january(world, {"percent": "100"})
    retract(world, "wrong")
    world.on("2026-02-02").bills("ada")
    world.uses("ada", "calls", 25, name="late", at="2026-01-20")
    (line,) = (line for invoice in world.on("2026-02-03").bills("ada") for line in invoice.lines)
    assert (line.part, line.quantity, line.amount) == (2, Decimal(25), usd(25_00)), "from 60 to 85"
    world.proves()
