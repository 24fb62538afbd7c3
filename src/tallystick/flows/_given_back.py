"""What later invoices give back of an earlier one: the rest of its fees, and usage that turned out to be less."""

from collections import Counter

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.invoices import Invoice
from tallystick.values.ids import LineId
from tallystick.values.money import Money


def amount(conn: Connection, invoice: Invoice) -> Money:
    """So much of what the invoice asks for is given back by invoices that stand."""
    of_usage = sum(_by_number(conn, invoice).values())
    return storage.invoices.given_back(conn, invoice) + Money(of_usage, invoice.currency)


def numbers(conn: Connection, invoice: Invoice) -> list[str]:
    """The numbers of these invoices."""
    return sorted({*storage.invoices.given_back_on(conn, invoice), *_by_number(conn, invoice)})


def _by_number(conn: Connection, invoice: Invoice) -> Counter[str]:
    """What each later invoice gives back of the usage of this one, in minor units."""
    found: Counter[str] = Counter()
    for stretch in storage.invoices.lowered(conn, invoice):
        invoices = storage.invoices.of_lines(conn, invoice.customer_id, [line.id for line in stretch])
        asked: dict[LineId, Money] = {}
        number: dict[LineId, str] = {}
        for each in invoices:
            notes = storage.credit_notes.of_invoice(conn, each.customer_id, each.id)
            asked |= domain.credit_notes.asked(each, notes)
            number |= {line.id: each.number or each.id for line in each.lines}
        mine = {line.id for line in invoice.lines}
        for by, of, minor in domain.lines.given_back([(line.id, asked[line.id]) for line in stretch]):
            if of in mine:
                found[number[by]] += minor
    return found
