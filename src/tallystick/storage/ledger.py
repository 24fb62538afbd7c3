"""The books: transactions are added, each once, and never changed."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, literal, select, tuple_

from tallystick.domain.ledger import Account, Entry, Transaction
from tallystick.storage import schema
from tallystick.storage.database import insert_new
from tallystick.storage.types import Instant, Key
from tallystick.values.ids import CustomerId, TransactionId
from tallystick.values.money import Currency, Money, currency

_ENTRIES = schema.ledger_entries.c
_ADD_ENTRIES = schema.ledger_entries.insert()
_BALANCE = select(func.sum(_ENTRIES.amount)).where(
    _ENTRIES.account == bindparam("account_name"), _ENTRIES.currency == bindparam("code")
)
_BALANCE_OF_CUSTOMER = _BALANCE.where(_ENTRIES.customer_id == bindparam("customer"))


def book(conn: Connection, transaction: Transaction) -> bool:
    """False where it is booked already."""
    table = schema.ledger_transactions
    row = {
        "customer_id": transaction.customer_id,
        "id": transaction.id,
        "kind": transaction.kind,
        "subject": transaction.subject,
        "at": transaction.at,
    }
    if not insert_new(conn, table, [row], [table.c.id]):
        return False
    entries = [
        {
            "customer_id": transaction.customer_id,
            "transaction_id": transaction.id,
            "place": place,
            "account": entry.account.value,
            "currency": entry.amount.currency.code,
            "amount": entry.amount.minor,
        }
        for place, entry in enumerate(transaction.entries)
    ]
    if entries:
        conn.execute(_ADD_ENTRIES, entries)
    return True


def balance(conn: Connection, account: Account, *, customer_id: CustomerId | None = None, currency: Currency) -> Money:
    """The sum of the account's entries: of one customer, or of all."""
    asked = {"account_name": account.value, "code": currency.code}
    if customer_id is None:
        found = conn.execute(_BALANCE, asked)
    else:
        found = conn.execute(_BALANCE_OF_CUSTOMER, asked | {"customer": customer_id})
    return Money(int(found.scalar_one() or 0), currency)


def transactions(
    conn: Connection, customer_id: CustomerId, *, subject: str | None = None, after: Transaction | None = None, limit: int
) -> list[Transaction]:
    """Of one customer, oldest first, beginning behind `after`; of one subject where that is given."""
    table = schema.ledger_transactions.c
    asked = select(schema.ledger_transactions).where(table.customer_id == customer_id)
    if subject is not None:
        asked = asked.where(table.subject == subject)
    if after is not None:
        asked = asked.where(tuple_(table.at, table.id) > tuple_(literal(after.at, Instant()), literal(after.id, Key())))
    rows = conn.execute(asked.order_by(table.at, table.id).limit(limit)).all()
    entries = _entries_of(conn, customer_id, [row.id for row in rows])
    return [_transaction(row, entries[row.id]) for row in rows]


def _entries_of(conn: Connection, customer_id: CustomerId, ids: Sequence[str]) -> dict[str, list[Entry]]:
    table = schema.ledger_entries.c
    asked = select(schema.ledger_entries).where(table.customer_id == customer_id, table.transaction_id.in_(ids))
    found: dict[str, list[Entry]] = defaultdict(list)
    for row in conn.execute(asked.order_by(table.place)):
        found[row.transaction_id].append(Entry(Account(row.account), Money(row.amount, currency(row.currency))))
    return found


def _transaction(row: Row[Any], entries: Sequence[Entry]) -> Transaction:
    return Transaction(TransactionId(row.id), CustomerId(row.customer_id), row.kind, row.subject, row.at, tuple(entries))
