"""Invoices and credit notes as files, on the shell."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.engine import engine, say

if TYPE_CHECKING:
    from tallystick.app import Tallystick

_CREDIT_NOTE = "cn_"
_Reference = Annotated[str, typer.Argument(metavar="ID", help="An invoice's number or id, or a credit note's id.")]
_Output = Annotated[str | None, typer.Option(help="The file; - for standard output. Default: its number, in this folder.")]
_Language = Annotated[str | None, typer.Option(help="en or ja; the customer's own if not given.")]


def pdf(reference: _Reference, output: _Output = None, language: _Language = None) -> None:
    """Write an invoice, or a credit note, as PDF."""
    with engine() as billing:
        name, is_note, found = _found(billing, reference)
        write = billing.credit_note_pdf if is_note else billing.invoice_pdf
        _put(write(found, language=language), output, f"{name}.pdf")


def html(reference: _Reference, output: _Output = None, language: _Language = None) -> None:
    """Write an invoice, or a credit note, as one page for a browser."""
    with engine() as billing:
        name, is_note, found = _found(billing, reference)
        write = billing.credit_note_html if is_note else billing.invoice_html
        _put(write(found, language=language).encode(), output, f"{name}.html")


def csv(
    invoice: Annotated[str, typer.Argument(help="Its number or id, or the provider's id.")],
    output: _Output = None,
    bom: Annotated[bool, typer.Option("--bom", help="Begin with a byte order mark, for spreadsheets that need it.")] = False,
) -> None:
    """Write the lines of an invoice for a spreadsheet."""
    with engine() as billing:
        found = billing.find_invoice(invoice)
        text = billing.invoice_csv(found.id)
        _put(text.encode("utf-8-sig" if bom else "utf-8"), output, f"{found.number or found.id}.csv")


def _found(billing: "Tallystick", reference: str) -> tuple[str, bool, str]:
    """The name of the file, whether it is a credit note, and the id."""
    if reference.startswith(_CREDIT_NOTE):
        note = billing.credit_note_by_id(reference)
        return note.number, True, note.id
    invoice = billing.find_invoice(reference)
    return invoice.number or invoice.id, False, invoice.id


def _put(content: bytes, output: str | None, name: str) -> None:
    if output == "-":
        sys.stdout.buffer.write(content)
        return
    path = Path(output or name)
    path.write_bytes(content)
    say(f"{path}: {len(content)} bytes")
