"""Usage that was billed for too much: the part that goes back is proved again, by what had been taken off it and when."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tallystick.app import Tallystick
from tallystick.domain.coupons import Coupon
from tallystick.storage.invariants import INVARIANTS
from tallystick.values.money import USD, Money
from tests.scenarios.world import World
from tests.storage.tampering import free, undone

PLANTED = (
    ("invoice_lines", "UPDATE tallystick_invoice_lines SET amount = amount - 100, taken_off = taken_off - 100 WHERE part = 1"),
    ("invoice_lines", "UPDATE tallystick_invoice_lines SET amount = amount + 1, taken_off = taken_off + 1 WHERE part = 1"),
    ("invoice_discounts", "DELETE FROM tallystick_invoice_discounts"),
    ("credit_notes", "DELETE FROM tallystick_credit_notes"),
)


@pytest.fixture
def business(database_url: str) -> Iterator[Tallystick]:
    """100 calls at a dollar less a fifth, less a note of 20: 60 are asked for; then 25 of the calls were a mistake."""
    world = World(database_url)
    world.sells("calls", {"model": "per_unit", "currency": "usd", "unit_amount": "1"})
    world.billing.put_coupon(Coupon("LESS", percent=Decimal(20)))
    world.billing.redeem("ada", "LESS")
    world.uses("ada", "calls", 75)
    world.uses("ada", "calls", 25, name="wrong")
    invoice = world.later(hours=1).bill("ada")
    world.billing.credit_note(invoice.id, amount=Money(20_00, USD), reason="slow", op="one")
    world.billing.retract("ada", "api", "wrong", reason="counted twice")
    world.later(hours=1).bill("ada")
    yield world.billing
    world.billing.close()


def test_what_went_back_is_proved_and_what_is_planted_against_it_is_found(business: Tallystick) -> None:
    report = business.verify()
    assert report.clean, report.violations
    assert report.checked["usage given back"] == 1
    invariant = next(each for each in INVARIANTS if each.name == "usage given back")
    for table, tampering in PLANTED:
        with undone(business) as conn:
            free(conn, f"tallystick_{table}")
            assert conn.exec_driver_sql(tampering).rowcount > 0, tampering
            assert invariant.check(conn, 5).violations, tampering
