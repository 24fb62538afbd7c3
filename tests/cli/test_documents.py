"""Invoices as files, on the shell."""

import csv

from tests.cli.conftest import Shell
from tests.cli.test_credit_notes import billed


def test_an_invoice_is_written_to_a_file_of_its_number(shell: Shell) -> None:
    number = billed(shell)
    assert shell("invoices", "pdf", number).startswith(f"{number}.pdf: ")
    assert (shell.folder / f"{number}.pdf").read_bytes().startswith(b"%PDF-")
    named = shell.folder / "rechnung.html"
    shell("invoices", "html", number, "--language", "ja", "--output", str(named))
    assert 'lang="ja"' in named.read_text("utf-8")
    shell("invoices", "html", number, "--language", "fr", exit_status=1)
    assert "language: must be one of en, ja" in shell.err
    shell("invoices", "pdf", "INV-999999", exit_status=1)
    assert "there is no such invoice" in shell.err


def test_the_lines_are_written_for_a_spreadsheet(shell: Shell) -> None:
    number = billed(shell)
    shell("invoices", "csv", number, "--bom")
    with (shell.folder / f"{number}.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["number"], row["amount"], row["currency"]) == (number, "10.00", "USD")


def test_a_credit_note_is_written_likewise(shell: Shell) -> None:
    number = billed(shell)
    note = shell.json("invoices", "credit", number, "--amount", "2.50", "--reason", "a mistake", "--op", "1")
    shell("invoices", "html", note["id"])
    assert "a mistake" in (shell.folder / "CN-000001.html").read_text("utf-8")
    shell("invoices", "pdf", note["id"])
    assert (shell.folder / "CN-000001.pdf").exists()
