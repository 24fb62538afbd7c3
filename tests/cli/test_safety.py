"""A payment that is held, on the shell; and the settings that say beyond what."""

from decimal import Decimal

import pytest

from tallystick.app import Tallystick
from tallystick.domain.payments import Collection
from tallystick.domain.safety import Bounds
from tallystick.settings import Settings, read_settings
from tallystick.values.errors import WrongConfiguration
from tallystick.worker.loop import run_until_idle
from tests.cli.conftest import Shell

CATALOGUE = """
[[plans]]
key = "pro"
charges = [
    {key = "base", kind = "recurring", prices = [{currency = "eur", model = "flat", amount = "99"}]},
    {key = "more", kind = "recurring", prices = [{currency = "eur", model = "flat", amount = "1"}]},
]
"""
PAGES = """
meters = [{key = "pages", decimals = 0}]
charges = [{key = "pages", meter = "pages", price = {currency = "eur", model = "per_unit", unit_amount = "0.05"}}]
"""


def test_a_held_payment_is_released_by_the_number_of_its_invoice(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYSTICK_SAFETY_LINES_MAX", "1")
    shell("catalog", "apply", shell.file("plans.toml", CATALOGUE))
    billing = Tallystick.from_settings(read_settings())
    billing.put_customer("ada")
    billing.subscribed("ada", "pro", collection=Collection(payment_method="pm_card_visa"))
    run_until_idle(billing.context)
    billing.close()
    assert "open" in shell("invoices", "list")
    assert "held: lines" in shell("invoices", "show", "INV-000001")
    assert "held (lines)" in shell("invoices", "pay", "INV-000001")
    looked = shell("invoices", "release", "INV-000001", "--reason", "it is right", "--dry-run", exit_status=2)
    assert "100.00 EUR; it would be charged as usual" in looked
    assert "held: lines" in shell("invoices", "show", "INV-000001"), "a dry run releases nothing"
    released = shell("invoices", "release", "INV-000001", "--reason", "it is right")
    assert "payment open, 100.00 EUR" in released
    again = shell.json("invoices", "release", "INV-000001", "--reason", "it is right")
    assert (again["payment"], again["held"]) == ("open", False)
    assert "its money would be asked for" in shell("invoices", "pay", "INV-000001", "--dry-run", exit_status=2)
    assert "it would be taken back" in shell("invoices", "void", "INV-000001", "--reason", "x", "--dry-run", exit_status=2)
    assert shell.json("invoices", "pay", "INV-000001")["status"] == "paid"
    for command in (["pay"], ["void", "--reason", "x"], ["release", "--reason", "x"]):
        assert "nothing would be done" in shell("invoices", command[0], "INV-000001", *command[1:], "--dry-run")
    assert "held" not in shell("invoices", "show", "INV-000001")
    shell("invoices", "release", "INV-000002", "--reason", "x", exit_status=1)
    assert "[not_found]" in shell.err


def test_who_bills_is_told_what_is_held_and_what_to_do(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYSTICK_SAFETY_CHARGES_PER_DAY", "1")
    shell("catalog", "apply", shell.file("pages.toml", PAGES))
    billed = []
    for day in ("06", "07"):
        used = shell.file(f"{day}.csv", f"time,customer,pages\n2025-01-{day}T10:00:00Z,bob,400\n")
        shell("events", "import", used, "--meter", "pages", "--customer", "customer")
        billed.append(shell("bill", "--customer", "bob", "--test-card", "pm_card_visa"))
    assert "paid" in billed[0]
    assert "held (charges): beyond a safety bound; `tallystick invoices release` charges it" in billed[1]


def test_the_settings_are_the_bounds() -> None:
    assert Tallystick.from_settings(Settings(database_url="sqlite://")).context.terms.safety == Bounds()
    given = Settings(database_url="sqlite://", safety_charges_per_day=3, safety_times_the_mean=Decimal("2.5"), safety_lines_max=9)
    assert Tallystick.from_settings(given).context.terms.safety == Bounds(3, Decimal("2.5"), 9)


@pytest.mark.parametrize("name", ["CHARGES_PER_DAY", "TIMES_THE_MEAN", "LINES_MAX"])
def test_a_bound_below_one_stops_the_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"TALLYSTICK_SAFETY_{name}", "0")
    with pytest.raises(WrongConfiguration, match=name):
        read_settings()
