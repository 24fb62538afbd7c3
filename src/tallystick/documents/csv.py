"""The lines of an invoice for spreadsheets: exact figures, and no cell that a spreadsheet takes for a formula."""

import csv
import io
from collections.abc import Iterator

from tallystick.domain.invoices import Invoice
from tallystick.domain.lines import Line
from tallystick.values.decimals import plain
from tallystick.values.time import rfc3339

COLUMNS = (
    *("number", "invoice", "customer", "line", "kind", "charge", "meter", "description", "from", "until"),
    *("quantity", "share", "amount", "discount", "currency"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def lines_csv(invoice: Invoice) -> str:
    """A row for each line, amounts in major units; `amount` less `discount` is what the line asks for."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(list(_cells(invoice, line)) for line in invoice.lines)
    return file.getvalue()


def _cells(invoice: Invoice, line: Line) -> Iterator[str]:
    named = (
        invoice.number or "",
        invoice.id,
        invoice.customer_id,
        line.id,
        line.kind.value,
        line.charge_key,
        line.meter_key or "",
    )
    yield from (_text(cell) for cell in (*named, line.description))
    yield rfc3339(line.period.start)
    yield rfc3339(line.period.end)
    yield plain(line.quantity)
    yield plain(line.share)
    yield f"{line.amount.major:f}"
    yield f"{invoice.discount_of(line.id).major:f}"
    yield line.amount.currency.code.upper()


def _text(cell: str) -> str:
    """What somebody has named; a quote before what a spreadsheet would compute."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
