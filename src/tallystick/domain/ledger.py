"""Double-entry books: transactions whose entries sum to zero in each currency."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tallystick.values.ids import CustomerId, TransactionId
from tallystick.values.money import Currency, Money


class Account(StrEnum):
    """Debits are positive, credits negative."""

    RECEIVABLE = "receivable"  # what customers owe on open invoices
    CARRIED = "carried"  # owed or credited, too small to collect, waiting for the next invoice
    CASH = "cash"  # received by the provider for us
    REVENUE = "revenue"
    REFUNDS = "refunds"  # returned out of revenue
    BAD_DEBT = "bad_debt"  # given up on
    REFUNDS_DUE = "refunds_due"  # credited, and not yet returned
    DISPUTED = "disputed"  # taken back by a bank, while it is not decided who keeps it
    EXTERNAL = "external"  # received by us, outside of the provider
    PROMOTIONS = "promotions"  # given away
    CREDITS = "credits"  # what customers hold in grants
    TAX_PAYABLE = "tax_payable"  # collected for the state
    DEFERRED_REVENUE = "deferred_revenue"  # asked for in advance, not served yet


@dataclass(frozen=True, slots=True)
class Entry:
    account: Account
    amount: Money


@dataclass(frozen=True, slots=True)
class Transaction:
    """One booking. `subject` is the id of what caused it; `kind` says what happened; the id is derived from both."""

    id: TransactionId
    customer_id: CustomerId
    kind: str
    subject: str
    at: datetime
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        sums: dict[Currency, int] = defaultdict(int)
        for entry in self.entries:
            sums[entry.amount.currency] += entry.amount.minor
        assert not any(sums.values()), f"{self.id}: debits equal credits"
