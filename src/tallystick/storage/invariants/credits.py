"""Discounts and credit grants: shared out to the cent, redeemed no more often than they may be, and held as the books say."""

import json
from collections import defaultdict

from sqlalchemy import Connection

from tallystick.storage.invariants.finding import Wrongs, count, rows

_DISCOUNTED = """
SELECT i.customer_id, i.id, i.discount, COALESCE(SUM(d.amount), 0) AS taken,
       COALESCE(SUM(CASE WHEN d.currency <> i.currency THEN 1 ELSE 0 END), 0) AS foreign_ones
FROM tallystick_invoices i
LEFT JOIN tallystick_invoice_discounts d ON d.customer_id = i.customer_id AND d.invoice_id = i.id
GROUP BY i.customer_id, i.id, i.discount
HAVING i.discount <> COALESCE(SUM(d.amount), 0) OR SUM(CASE WHEN d.currency <> i.currency THEN 1 ELSE 0 END) > 0
"""
_SHARES = "SELECT customer_id, invoice_id, discount_id, amount, shares FROM tallystick_invoice_discounts"
_LINES = """
SELECT l.customer_id, l.invoice_id, l.id, l.amount FROM tallystick_invoice_lines l
WHERE EXISTS (SELECT 1 FROM tallystick_invoice_discounts d WHERE d.customer_id = l.customer_id AND d.invoice_id = l.invoice_id)
"""
# What is for one invoice is used up by the one that stands, and by no other.
_USED_UP = """
SELECT d.customer_id, d.id, d.used_up, COUNT(i.id) AS standing FROM tallystick_discounts d
LEFT JOIN tallystick_invoice_discounts a ON a.customer_id = d.customer_id AND a.discount_id = d.id
LEFT JOIN tallystick_invoices i ON i.customer_id = a.customer_id AND i.id = a.invoice_id AND i.status <> 'void'
WHERE d.duration = 'once' GROUP BY d.customer_id, d.id, d.used_up HAVING COUNT(i.id) <> d.used_up
"""
_COUPONS = """
SELECT c.key AS name, c.redemptions, c.max_redemptions, COUNT(d.id) AS counted FROM tallystick_coupons c
LEFT JOIN tallystick_discounts d ON d.coupon_key = c.key GROUP BY c.key, c.redemptions, c.max_redemptions
HAVING c.redemptions <> COUNT(d.id) OR c.redemptions > c.max_redemptions
"""
_CODES = """
SELECT c.code AS name, c.redemptions, c.max_redemptions, COUNT(d.id) AS counted FROM tallystick_promotion_codes c
LEFT JOIN tallystick_discounts d ON d.code = c.code GROUP BY c.code, c.redemptions, c.max_redemptions
HAVING c.redemptions <> COUNT(d.id) OR c.redemptions > c.max_redemptions
"""
_GRANTS = """
SELECT g.customer_id, g.id, g.amount, g.remaining, g.moves,
       COALESCE(SUM(b.amount), 0) AS moved, COUNT(b.place) AS listed, COALESCE(MAX(b.place), 0) AS last
FROM tallystick_credit_grants g
LEFT JOIN tallystick_credit_burns b ON b.customer_id = g.customer_id AND b.grant_id = g.id
GROUP BY g.customer_id, g.id, g.amount, g.remaining, g.moves
"""
_HELD = "SELECT customer_id, currency, SUM(remaining) AS held FROM tallystick_credit_grants GROUP BY customer_id, currency"
_BOOKED = """
SELECT customer_id, currency, -SUM(amount) AS held FROM tallystick_ledger_entries WHERE account = 'credits'
GROUP BY customer_id, currency
"""
_BURNED = """
SELECT i.customer_id, i.id, i.status, i.credits_applied, COALESCE(SUM(b.amount), 0) AS net,
       COALESCE(SUM(CASE WHEN b.reason = 'burned' THEN -b.amount ELSE 0 END), 0) AS burned
FROM tallystick_invoices i
LEFT JOIN tallystick_credit_burns b ON b.customer_id = i.customer_id AND b.invoice_id = i.id
GROUP BY i.customer_id, i.id, i.status, i.credits_applied
"""


def discounted(conn: Connection, wrong: Wrongs) -> int:
    """Each discount is the sum of its shares, an invoice says the sum of its discounts, and no line gives more than it has."""
    for row in rows(conn, _DISCOUNTED):
        wrong(row.id, f"says {row.discount} off; its discounts take {row.taken}, {row.foreign_ones} in another currency")
    taken: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in rows(conn, _SHARES):
        shares = json.loads(row.shares)
        for line_id, minor in shares:
            taken[row.customer_id, row.invoice_id, line_id] += minor
        if sum(minor for _, minor in shares) != row.amount or any(minor <= 0 for _, minor in shares):
            wrong(f"{row.invoice_id}/{row.discount_id}", f"takes {row.amount}, and its shares are {row.shares}")
    for row in rows(conn, _LINES):
        off = taken.pop((row.customer_id, row.invoice_id, row.id), 0)
        if off > max(row.amount, 0):
            wrong(row.id, f"is of {row.amount}, and discounts take {off} off it")
    for (_, invoice_id, line_id), off in taken.items():
        wrong(invoice_id, f"has no line {line_id}, of which discounts take {off}")
    return count(conn, "tallystick_invoice_discounts")


def redeemed(conn: Connection, wrong: Wrongs) -> int:
    for statement in (_COUPONS, _CODES):
        for row in rows(conn, statement):
            wrong(row.name, f"says {row.redemptions} redemptions, of {row.max_redemptions}; there are {row.counted}")
    for row in rows(conn, _USED_UP):
        said = "is" if row.used_up else "is not"
        wrong(row.id, f"is for one invoice and {said} used up; {row.standing} that stand are reduced by it")
    return count(conn, "tallystick_discounts")


def held(conn: Connection, wrong: Wrongs) -> int:
    """What remains is what was granted and moved; of each customer and currency it is what the books hold for them."""
    for row in rows(conn, _GRANTS):
        if row.remaining != row.amount + row.moved or row.remaining < 0 or not row.moves == row.listed == row.last:
            wrong(row.id, f"has {row.remaining} of {row.amount}; {row.listed} of {row.moves} movements come to {row.moved}")
    booked = {(row.customer_id, row.currency): int(row.held) for row in rows(conn, _BOOKED)}
    for row in rows(conn, _HELD):
        said = booked.pop((row.customer_id, row.currency), 0)
        if said != row.held:
            wrong(f"{row.customer_id}/{row.currency}", f"holds {row.held} in grants, and {said} in the books")
    for (customer_id, currency), said in booked.items():
        if said:
            wrong(f"{customer_id}/{currency}", f"holds nothing in grants, and {said} in the books")
    return count(conn, "tallystick_credit_grants")


def burned(conn: Connection, wrong: Wrongs) -> int:
    for row in rows(conn, _BURNED):
        kept = 0 if row.status == "void" else row.credits_applied
        if (row.burned, -row.net) != (row.credits_applied, kept):
            wrong(row.id, f"is {row.status} and says {row.credits_applied} of grants; burned {row.burned}, kept {-row.net}")
    return count(conn, "tallystick_credit_burns")
