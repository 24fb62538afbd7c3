"""From a file to paid invoices, on the shell alone."""

import json
from pathlib import Path

import pytest

from tallystick.cli.engine import engine
from tallystick.storage import payments
from tallystick.values.ids import InvoiceId
from tests.beside import beside
from tests.cli.conftest import Shell

CATALOG = """
[[meters]]
key = "tokens"
decimals = 0

[[charges]]
key = "tokens"
meter = "tokens"
name = "Tokens"
price = { currency = "usd", model = "per_unit", unit_amount = "0.01" }
"""
USAGE = """when,who,tokens
2026-01-05 10:00:00,cus_ada,100
2026-01-05 10:00:01.1234567,cus_ada,50
2026-01-06T00:00:00+09:00,cus_bob,10
"""
MAPPING = ("--time", "when", "--customer", "who", "--meter", "tokens=tokens")


def test_a_file_becomes_paid_invoices(shell: Shell) -> None:
    catalog, usage = shell.file("catalog.toml", CATALOG), shell.file("usage.csv", USAGE)
    shell("catalog", "apply", catalog, "--dry-run", exit_status=2)
    shell("catalog", "apply", catalog)
    assert "nothing to change" in shell("catalog", "apply", catalog, "--dry-run")

    tally = shell.json("events", "import", usage, *MAPPING)
    assert (tally["rows"], tally["recorded"]) == (3, 3)
    again = shell.json("events", "import", usage, *MAPPING)
    assert (again["recorded"], again["duplicate"]) == (0, 3)

    shell("bill", "--dry-run", exit_status=2)
    bills = {bill["customer"]: bill for bill in shell.json("bill", "--test-card", "pm_card_visa")}
    assert bills["cus_ada"]["total"] == {"amount": 150, "currency": "usd"}
    assert bills["cus_ada"]["status"] == "paid"
    assert bills["cus_bob"]["carried_out"] == {"amount": 10, "currency": "usd"}
    assert shell.json("bill") == []
    assert "nothing to bill" in shell("bill", "--dry-run")

    shown = shell.json("invoices", "show", bills["cus_ada"]["number"])
    assert shown["id"] == bills["cus_ada"]["invoice"]
    (line,) = shown["lines"]
    assert [event["quantity"] for event in line["events"]] == ["100", "50"]
    assert line["exact"] == "1.5"
    assert shell.json("verify")["clean"] is True


def test_a_row_that_cannot_be_read_is_named_and_the_rest_is_kept(shell: Shell) -> None:
    shell("catalog", "apply", shell.file("catalog.toml", CATALOG))
    usage = shell.file(
        "usage.csv", USAGE + "yesterday,cus_eve,1\n2026-01-07 00:00:00,cus_eve,1.5\n2026-01-07 00:00:00,cus_eve,nan\n"
    )
    tally = shell.json("events", "import", usage, *MAPPING, exit_status=1)
    assert (tally["recorded"], tally["refused"], tally["unreadable"]) == (3, 1, 2)
    assert any(problem.startswith("row 4:") for problem in tally["problems"])


def test_a_file_that_grew_counts_only_its_new_rows(shell: Shell) -> None:
    shell("catalog", "apply", shell.file("catalog.toml", CATALOG))
    shell("events", "import", shell.file("usage.csv", USAGE), *MAPPING)
    grown = shell.json("events", "import", shell.file("usage.csv", USAGE + "2026-01-08 00:00:00,cus_eve,7\n"), *MAPPING)
    assert (grown["recorded"], grown["duplicate"]) == (1, 3)


def test_a_missing_column_is_said_before_anything_is_read(shell: Shell) -> None:
    shell(
        "events",
        "import",
        shell.file("usage.csv", USAGE),
        "--time",
        "at",
        "--customer",
        "who",
        "--meter",
        "tokens",
        exit_status=1,
    )
    assert "the file has no at" in shell.err


def test_who_bills_one_customer_leaves_the_work_of_others_alone(shell: Shell) -> None:
    shell("catalog", "apply", shell.file("catalog.toml", CATALOG))
    shell("events", "import", shell.file("usage.csv", USAGE + "2026-01-08 00:00:00,cus_bob,490\n"), *MAPPING)
    with engine() as billing:
        hers, his = (billing.bill(who)[0].id for who in ("cus_ada", "cus_bob"))  # opened, and nobody was asked for the money
    assert shell.json("bill", "--customer", "cus_ada") == []
    assert [asked(hers), asked(his)] == [True, False]
    assert shell.json("bill") == []
    assert [asked(hers), asked(his)] == [True, True]


def asked(invoice: InvoiceId) -> bool:
    """Whether the provider was asked for the invoice's money."""
    with engine() as billing, billing.context.database.reading() as conn:
        payment = payments.of_invoice(conn, invoice)
    assert payment is not None
    return payment.ref is not None


def test_an_open_invoice_can_be_voided_with_a_reason(shell: Shell) -> None:
    shell("catalog", "apply", shell.file("catalog.toml", CATALOG))
    shell("events", "import", shell.file("usage.csv", USAGE), *MAPPING)
    (bill,) = shell.json("bill", "--customer", "cus_ada")
    assert bill["status"] == "open"
    assert bill["pay_at"].startswith("http")
    shell("invoices", "void", bill["invoice"], "--reason", "a test", "--dry-run", exit_status=2)
    shell("invoices", "void", bill["invoice"], "--reason", "a test")
    assert shell.json("invoices", "list", "--status", "void")[0]["id"] == bill["invoice"]
    assert any(act["reason"] == "a test" for act in shell.json("audit"))
    assert shell.json("verify")["clean"] is True


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("meters = 1", "must be a list"),
        ("[[meters]]\nkey = 'a'\n[[meters]]\nkey = 'a'", "twice"),
        ("[[charges]]\nkey = 'a'\nmeter = 'b'\nprice = { currency = 'usd', model = 'flat', amount = '1' }", "does not exist"),
        ("[[charges]]\nkey = 'a'\nmeter = 'b'\nprice = { currency = 'usd', model = 'flat', amont = '1' }", "charges[0].price"),
        ("[[meters]]\nkey = 'a'\ndecimals = 13", "from 0 to 12"),
        ("not toml", "not a TOML file"),
    ],
)
def test_a_wrong_catalogue_is_refused_with_the_field(shell: Shell, text: str, reason: str) -> None:
    shell("catalog", "apply", shell.file("catalog.toml", text), exit_status=1)
    assert reason in shell.err


def test_the_catalogue_that_is_shown_can_be_applied(shell: Shell) -> None:
    shell("catalog", "apply", shell.file("catalog.toml", CATALOG))
    shown = shell("catalog", "show")
    assert json.loads(shown)["charges"][0]["price"]["unit_amount"] == "0.01"
    assert "nothing to change" in shell("catalog", "apply", shell.file("again.json", shown))


def test_a_real_trace_of_an_llm_service_is_imported_and_paid(shell: Shell) -> None:
    trace = beside("data", "AzureLLMInferenceTrace_code.csv")
    examples = Path(__file__).resolve().parents[2] / "examples" / "llm_tokens"
    shell("catalog", "apply", str(examples / "catalog.toml"))
    tally = shell.json("events", "import", str(trace), "--mapping", str(examples / "mapping.toml"))
    assert (tally["rows"], tally["recorded"]) == (8819, 2 * 8819)
    bills = shell.json("bill", "--until", "2023-12-01T00:00:00Z", "--test-card", "pm_card_visa")
    assert len(bills) == 25
    assert {bill["status"] for bill in bills} == {"paid"}
    assert shell.json("verify")["clean"] is True
