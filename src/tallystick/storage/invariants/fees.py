"""Fees of subscriptions: rated from what they store, each time asked for once, and periods that meet."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row

from tallystick.domain.credit_notes import noted
from tallystick.domain.price_documents import read_price
from tallystick.domain.rating import Rating, prorated, rate
from tallystick.storage import credit_notes, invoices
from tallystick.storage.invariants.finding import Wrongs, count, rows
from tallystick.storage.ratings import exact, read_rating
from tallystick.values.errors import InvalidInput
from tallystick.values.exact import divided, minus, times
from tallystick.values.ids import InvoiceId, LineId
from tallystick.values.json import strict_loads
from tallystick.values.money import Money, Unrounded, currency

_FEES = """
SELECT l.customer_id, l.id, l.charge_key, l.kind, l.period_start, l.period_end, l.quantity, l.amount, l.currency, l.price,
       l.rating, l.share, l.credits, l.invoice_id, i.status
FROM tallystick_invoice_lines l JOIN tallystick_invoices i ON i.customer_id = l.customer_id AND i.id = l.invoice_id
WHERE l.kind <> 'usage' ORDER BY l.customer_id, l.charge_key, l.period_start, l.id
"""
_PERIODS = """
SELECT customer_id, subscription_id, period_start, period_end FROM tallystick_subscription_periods
UNION ALL
SELECT customer_id, id, period_start, period_end FROM tallystick_subscriptions WHERE status NOT IN ('canceled', 'paused')
ORDER BY customer_id, subscription_id, period_start
"""
_ISSUED = "SELECT subject, seq FROM tallystick_audit WHERE action IN ('credit_note.issued', 'invoice.opened')"
_RESUMED = "SELECT DISTINCT subject FROM tallystick_audit WHERE action = 'subscription.resumed'"
_TWO_INVOICES = """
SELECT customer_id, subscription_id, period_start, COUNT(*) AS times FROM tallystick_subscription_periods
GROUP BY customer_id, subscription_id, period_start HAVING COUNT(*) > 1
"""
_UNFINISHED = """
SELECT s.id, s.status FROM tallystick_subscriptions s
WHERE s.due_at IS NULL AND (s.status NOT IN ('canceled', 'paused') OR EXISTS (
    SELECT 1 FROM tallystick_subscription_periods p
    WHERE p.customer_id = s.customer_id AND p.subscription_id = s.id AND p.invoiced = 0))
"""


def rated(conn: Connection, wrong: Wrongs) -> int:
    """Each fee is its price for its quantity, for the share of the period that it stores, rounded once.

    What is given back is the rest of a fee's time, of what was asked for it: its exact amount less its discounts.
    """
    fees, discounted = {line.id: line for line in rows(conn, _FEES)}, _discounted(conn)
    credited = {row.invoice_id for row in rows(conn, "SELECT DISTINCT invoice_id FROM tallystick_credit_notes")}
    for line in fees.values():
        try:
            _check_rounding(wrong, line)
            if line.kind == "credit":
                fee = fees[line.credits]
                by_notes = _noted(conn, fee, line) if fee.invoice_id in credited else 0
                _check_credit(wrong, line, fee, discounted[line.credits] + by_notes)
            else:
                _check_fee(wrong, line)
        except (InvalidInput, KeyError, ValueError) as error:
            wrong(line.id, f"its price or rating cannot be read: {error}")
    return len(fees)


def _discounted(conn: Connection) -> dict[str, int]:
    """What discounts took off each line, in minor units."""
    found: dict[str, int] = defaultdict(int)
    for row in rows(conn, "SELECT shares FROM tallystick_invoice_discounts"):
        shares: Any = strict_loads(row.shares)
        for line_id, minor in shares:
            found[line_id] += minor
    return found


def _noted(conn: Connection, fee: Row[Any], credit: Row[Any]) -> int:
    """What notes had credited of the fee when the credit was asked for, in minor units; by the trail, which knows the order."""
    invoice = invoices.get(conn, InvoiceId(fee.invoice_id))
    assert invoice is not None, f"{fee.id}: stands on an invoice"
    happened = {row.subject: row.seq for row in rows(conn, _ISSUED)}
    notes = credit_notes.of_invoice(conn, invoice.customer_id, invoice.id)
    before = [note for note in notes if happened[note.id] < happened[credit.invoice_id]]
    return noted(invoice, before)[LineId(fee.id)].minor


def _rating(line: Row[Any]) -> Rating:
    return read_rating(strict_loads(line.rating), currency(line.currency))  # type: ignore[arg-type]


def _check_rounding(wrong: Wrongs, line: Row[Any]) -> None:
    rating = _rating(line)
    if line.amount != rating.exact.rounded().minor or rating.total.minor != line.amount:
        wrong(line.id, f"{line.amount} is not {rating.exact} rounded once")


def _check_fee(wrong: Wrongs, line: Row[Any]) -> None:
    rating = _rating(line)
    price = read_price(strict_loads(line.price))  # type: ignore[arg-type]
    again = prorated(rate(price, exact(line.quantity)), exact(line.share))  # type: ignore[arg-type]
    if again[:3] != rating[:3]:
        wrong(line.id, f"{line.quantity} at its price for {line.share} of a period come to {again.exact}, not to {rating.exact}")


def _check_credit(wrong: Wrongs, line: Row[Any], fee: Row[Any], discounted: int) -> None:
    rest = divided(Decimal(line.period_end - line.period_start), Decimal(fee.period_end - fee.period_start))
    asked = minus(_rating(fee).exact.amount, Money(discounted, currency(fee.currency)).major)
    expected = Unrounded(times(asked, rest), currency(line.currency)).rounded().minor
    if line.amount != -expected:
        wrong(line.id, f"gives {-line.amount} back of {fee.id}, whose rest is {expected}")


def once(conn: Connection, wrong: Wrongs) -> int:
    """No time is asked for twice of one charge; what is given back is the end of a fee, once.

    Also by a credit on an invoice that was made void: the service has ended there, and what is void never asked for less than
    nothing, so who voided it took nothing from the customer.
    """
    fees: dict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    credits: dict[str, Row[Any]] = {}
    for line in rows(conn, _FEES):
        if line.kind == "credit":
            other = credits.get(line.credits)
            if line.status == "void" and other is not None:
                continue
            if other is not None and other.status != "void":
                wrong(line.id, f"gives back of {line.credits}, as {other.id} did already")
            credits[line.credits] = line
        elif line.kind == "recurring" and line.status != "void":
            fees[line.customer_id, line.charge_key].append(line)
    for key, lines in fees.items():
        _check_times(wrong, "/".join(key), lines, credits)
    return sum(map(len, fees.values()))


def _check_times(wrong: Wrongs, subject: str, lines: list[Row[Any]], credits: dict[str, Row[Any]]) -> None:
    served = 0
    for line in lines:
        credit = credits.get(line.id)
        if credit is not None and (credit.period_end != line.period_end or credit.period_start < line.period_start):
            wrong(credit.id, "gives back what the fee does not cover")
        if credit is not None and credit.period_start == line.period_start:
            continue  # all of it: of those that begin at one instant, it may be listed in any place
        if line.period_start < served:
            wrong(subject, f"{line.id} asks for a time that was asked for before, by {served - line.period_start}")
        served = line.period_end if credit is None else credit.period_start


def tiling(conn: Connection, wrong: Wrongs) -> int:
    """The periods of a subscription meet; a gap is only where it was paused."""
    resumed = {row.subject for row in rows(conn, _RESUMED)}
    before: dict[str, int] = {}
    checked = 0
    for row in rows(conn, _PERIODS):
        checked += 1
        end = before.get(row.subscription_id)
        if end is not None and (row.period_start < end or (row.period_start > end and row.subscription_id not in resumed)):
            wrong(row.subscription_id, f"a period begins at {row.period_start}, the one before it has ended at {end}")
        before[row.subscription_id] = row.period_end
    return checked


def going_on(conn: Connection, wrong: Wrongs) -> int:
    """Every subscription that runs, or has a period to be invoiced, knows when something is to be done for it."""
    for row in rows(conn, _UNFINISHED):
        wrong(row.id, f"is {row.status}, and waits for nothing")
    for row in rows(conn, _TWO_INVOICES):
        wrong(row.subscription_id, f"its period from {row.period_start} is there {row.times} times")
    return count(conn, "tallystick_subscriptions")
