"""Lines for spreadsheets: exact, quoted, and no cell is a formula."""

import csv
import io
from dataclasses import replace

import pytest

from tallystick.documents.csv import COLUMNS, lines_csv
from tallystick.domain.invoices import Invoice
from tests.domain.test_invoice_documents import invoice_of


def rows(invoice: Invoice) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(lines_csv(invoice), newline="")))


def test_there_is_a_row_for_each_line_with_exact_figures() -> None:
    first, second = rows(invoice_of(9900, 100))
    assert tuple(first) == COLUMNS
    assert (first["number"], first["description"], first["amount"], first["currency"]) == ("INV-000001", "Fee 0", "9900", "JPY")
    assert (first["from"], first["until"]) == ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")
    assert (second["kind"], second["quantity"], second["discount"]) == ("recurring", "1", "0")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_nothing_that_others_have_named_is_computed(start: str) -> None:
    invoice = invoice_of(100)
    (line,) = invoice.lines
    hostile = f'{start}HYPERLINK("https://evil.example","x"),\n"quoted"'
    ((row),) = rows(replace(invoice, lines=(replace(line, description=hostile, charge_key=hostile),)))
    assert (row["description"], row["charge"]) == (f"'{hostile}", f"'{hostile}")
    assert row["amount"] == "100"


def test_what_is_given_back_stays_a_number() -> None:
    invoice = invoice_of(100)
    (row,) = rows(replace(invoice, lines=(replace(invoice.lines[0], amount=-invoice.lines[0].amount),)))
    assert row["amount"] == "-100"
