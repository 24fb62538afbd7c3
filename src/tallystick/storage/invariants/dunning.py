"""Dunning: no attempt before its time, none that is not counted, one at a time, and none about what is settled."""

from itertools import pairwise
from typing import Any

from sqlalchemy import Connection

from tallystick.domain.dunning_documents import TRIES_MAX
from tallystick.storage.invariants.finding import HOUR, Wrongs, count, rows

_TRIES = """
SELECT t.customer_id, t.invoice_id, t.payment_id, t.charge, t.cause, t.due_at, t.begun_at, t.failed_at, p.charges, p.charging
FROM tallystick_dunning_tries t
LEFT JOIN tallystick_payments p ON p.customer_id = t.customer_id AND p.id = t.payment_id AND p.invoice_id = t.invoice_id
ORDER BY t.customer_id, t.invoice_id, t.begun_at, t.payment_id, t.charge
"""
_COUNTED = """
SELECT d.invoice_id, d.state, d.failures, d.tries, d.next_at, i.status,
       (SELECT COUNT(*) FROM tallystick_dunning_tries t WHERE t.customer_id = d.customer_id AND t.invoice_id = d.invoice_id
          AND t.failed_at IS NOT NULL) AS failed,
       (SELECT COUNT(*) FROM tallystick_dunning_tries t WHERE t.customer_id = d.customer_id AND t.invoice_id = d.invoice_id
          AND t.cause = 'schedule') AS scheduled
FROM tallystick_dunning d
LEFT JOIN tallystick_invoices i ON i.customer_id = d.customer_id AND i.id = d.invoice_id
"""
_UNHEARD = """
SELECT DISTINCT t.invoice_id FROM tallystick_dunning_tries t
LEFT JOIN tallystick_dunning d ON d.customer_id = t.customer_id AND d.invoice_id = t.invoice_id
WHERE t.failed_at IS NOT NULL AND d.invoice_id IS NULL
"""
_SETTLED = """
SELECT d.invoice_id, d.state, i.status, d.next_at - i.closed_at AS wait FROM tallystick_dunning d
LEFT JOIN tallystick_invoices i ON i.customer_id = d.customer_id AND i.id = d.invoice_id
"""
_LIVE = frozenset({"retrying", "waiting", "trying"})


def in_time(conn: Connection, wrong: Wrongs) -> int:
    """Each attempt has its time and its key; the next one is begun after the one before has failed."""
    tries = list(rows(conn, _TRIES))
    for each in tries:
        if each.begun_at < each.due_at:
            wrong(each.payment_id, f"charge {each.charge} was begun at {each.begun_at}, and was due at {each.due_at}")
        if each.charges is None or each.charge > each.charges:
            wrong(each.payment_id, f"charge {each.charge} was tried, of {each.charges} that were begun")
    for earlier, later in pairwise(tries):
        if (earlier.customer_id, earlier.invoice_id) == (later.customer_id, later.invoice_id):
            _in_turn(wrong, earlier, later)
    return len(tries)


def _in_turn(wrong: Wrongs, earlier: Any, later: Any) -> None:
    if earlier.payment_id == later.payment_id and earlier.failed_at is None and later.cause != "first":
        wrong(later.payment_id, f"charge {later.charge} was begun while nobody knew of charge {earlier.charge}")
    if later.cause == "schedule" and earlier.failed_at is not None and later.due_at <= earlier.failed_at:
        wrong(later.payment_id, f"charge {later.charge} was due at {later.due_at}, before one failed at {earlier.failed_at}")


def counted(conn: Connection, wrong: Wrongs) -> int:
    """Every failure is in its dunning, and every try of the calendar; what is paid or void is not dunned for."""
    for row in rows(conn, _COUNTED):
        if row.failed < row.failures or row.scheduled != row.tries:
            found = f"{row.failed} and {row.scheduled}"
            wrong(row.invoice_id, f"counts {row.failures} failures and {row.tries} tries of the calendar; there are {found}")
        if row.tries > TRIES_MAX:
            wrong(row.invoice_id, f"was tried {row.tries} times by the calendar")
        if row.state in _LIVE and row.next_at is None:
            wrong(row.invoice_id, f"is {row.state}, and waits for nothing")
    for row in rows(conn, _UNHEARD):
        wrong(row.invoice_id, "has failed to be paid, and is not dunned for")
    return count(conn, "tallystick_dunning")


def settled(conn: Connection, wrong: Wrongs) -> int:
    """What is paid or void is over, or is about to be; and nothing else is over."""
    for row in rows(conn, _SETTLED):
        is_settled, is_over = row.status in {"paid", "void"}, row.state == "over"
        is_near = row.wait is not None and row.wait < HOUR
        if (is_over and not is_settled) or (is_settled and not is_over and not is_near):
            wrong(row.invoice_id, f"is {row.status}, and its dunning is {row.state}")
    return count(conn, "tallystick_dunning")
