"""Credits and refunds on the shell."""

from tests.cli.conftest import Shell
from tests.cli.test_usage_to_paid import CATALOG, MAPPING

USAGE = "when,who,tokens\n2026-01-05 10:00:00,cus_ada,1000\n"


def billed(shell: Shell, *how: str) -> str:
    shell("catalog", "apply", shell.file("catalog.toml", CATALOG))
    shell.json("events", "import", shell.file("usage.csv", USAGE), *MAPPING)
    return str(shell.json("bill", *how)[0]["number"])


def test_a_paid_invoice_is_refunded_once_and_shows_it(shell: Shell) -> None:
    number = billed(shell, "--test-card", "pm_card_visa")
    said = ("--reason", "too slow", "--op", "ticket 7")
    would = shell.json("invoices", "refund", number, "--amount", "4.00", *said, "--dry-run", exit_status=2)
    assert (would["number"], would["refunded"]) == (None, {"amount": 400, "currency": "usd"})
    first, second = (shell.json("invoices", "refund", number, "--amount", "4.00", *said) for _ in range(2))
    assert first == second
    assert first["number"] == "CN-000001"
    assert "CN-000001: 4.00 USD: 4.00 USD goes back" in shell("invoices", "show", number)
    shown = shell.json("invoices", "show", number)
    assert ([note["number"] for note in shown["credit_notes"]], shown["amount_due"]["amount"]) == (["CN-000001"], 0)
    kept = shell("invoices", "credit", number, "--keep", "--reason", "the rest", "--op", "ticket 8")
    assert kept == f"CN-000002: 6.00 USD: 6.00 USD kept as the customer's balance of {number}\n"
    shell("invoices", "refund", number, "--amount", "0.01", "--reason", "x", "--op", "ticket 9", exit_status=1)
    assert "0.00 USD" in shell.err
    assert shell.json("verify")["clean"] is True


def test_an_open_invoice_is_credited_in_part(shell: Shell) -> None:
    number = billed(shell)
    shell("invoices", "credit", number, "--amount", "2.50", "--reason", "a mistake", "--op", "1", "--dry-run", exit_status=2)
    said = shell("invoices", "credit", number, "--amount", "2.50", "--reason", "a mistake", "--op", "1")
    assert said == f"CN-000001: 2.50 USD: 2.50 USD no longer asked for of {number}\n"
    assert shell.json("invoices", "show", number)["amount_due"]["amount"] == 750
    assert shell.json("verify")["clean"] is True
