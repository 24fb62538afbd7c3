"""Credit grants: value that a customer holds, prepaid or given, used up before money is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tallystick.domain.customers import checked_key
from tallystick.domain.ledger import Account, Entry, Transaction
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId, GrantId, TransactionId, derived
from tallystick.values.money import Currency, Money
from tallystick.values.time import to_micros

MINOR_MAX = 10**15  # of one grant: sums of many still fit into 64 bits
PRIORITY_MAX = 10**6


class GrantKind(StrEnum):
    """Where the value came from, and so where what expires of it goes."""

    PREPAID = "prepaid"  # paid for, outside of the provider; what expires is revenue
    PROMOTIONAL = "promotional"  # given away; what expires was never given


class Reason(StrEnum):
    """Why a grant holds more or less than before."""

    BURNED = "burned"  # by an invoice
    GIVEN_BACK = "given_back"  # by an invoice that became void
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CreditGrant:
    """Value of one currency. `remaining` is what no invoice has burned yet; of it nothing can be burned from `expires_at` on."""

    id: GrantId
    customer_id: CustomerId
    amount: Money
    remaining: Money
    kind: GrantKind
    priority: int
    name: str
    granted_at: datetime
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        currency = self.amount.currency
        if not 0 < self.amount.minor <= MINOR_MAX or self.amount.minor % currency.step:
            raise InvalidInput(f"amount: more than zero, at most {MINOR_MAX}, and a sum that {currency} has", field="amount")
        checked_key(self.name, field="name")
        if not -PRIORITY_MAX <= self.priority <= PRIORITY_MAX:
            raise InvalidInput(f"priority: a whole number from {-PRIORITY_MAX} to {PRIORITY_MAX}", field="priority")
        if self.expires_at is not None and self.expires_at <= self.granted_at:
            raise InvalidInput("expires_at: must be after now; leave it out for a grant that never expires", field="expires_at")
        assert Money(0, currency) <= self.remaining <= self.amount, f"{self.id}: what remains is some of what was granted"


@dataclass(frozen=True, slots=True)
class Burn:
    """What one invoice uses up of a grant: above zero."""

    grant_id: GrantId
    amount: Money


@dataclass(frozen=True, slots=True)
class Movement:
    """One change of a grant: `amount` is added to what remains, below zero for what is used up. Kept for ever."""

    grant_id: GrantId
    place: int
    reason: Reason
    invoice_id: str | None
    amount: Money
    at: datetime


def grant_id(customer_id: CustomerId, op: str) -> GrantId:
    """Of one operation of the caller's, one grant, however often it is sent."""
    return GrantId(derived("grant", customer_id, op))


def checked_kind(kind: str) -> GrantKind:
    """The kind of that name. Raises InvalidInput for another."""
    if kind not in set(GrantKind):
        raise InvalidInput(f"kind: one of {', '.join(GrantKind)}", field="kind")
    return GrantKind(kind)


def expired(grant: CreditGrant, now: datetime) -> bool:
    return grant.expires_at is not None and grant.expires_at <= now


def burn(grants: Sequence[CreditGrant], due: Money, *, now: datetime) -> tuple[Burn, ...]:
    """What of the grants pays for `due`: never more than is due, and nothing of what has expired or is of another currency.

    The lowest priority first, then what expires earliest, then what was given before what was paid for, then the oldest.
    """
    burns, left = [], due.minor
    for grant in sorted(grants, key=_order):
        taken = min(left, grant.remaining.minor) if _burnable(grant, due.currency, now) else 0
        if taken > 0:
            burns.append(Burn(grant.id, Money(taken, due.currency)))
            left -= taken
    return tuple(burns)


def _burnable(grant: CreditGrant, currency: Currency, now: datetime) -> bool:
    return grant.amount.currency == currency and not expired(grant, now)


def _order(grant: CreditGrant) -> tuple[object, ...]:
    ends = (1, 0) if grant.expires_at is None else (0, to_micros(grant.expires_at))
    return grant.priority, ends, grant.kind is GrantKind.PREPAID, grant.granted_at, grant.id


def book_grant(grant: CreditGrant) -> Transaction:
    """What was received, or given away, against what the customer now holds."""
    amounts = ((_source(grant.kind), grant.amount), (Account.CREDITS, -grant.amount))
    return _transaction(grant, "credit.granted", amounts, part=0, at=grant.granted_at)


def book_expiry(grant: CreditGrant, lost: Money, *, part: int, at: datetime) -> Transaction:
    """What the customer holds no longer: revenue where it was paid for, else as if it had never been given.

    `part` tells the expiries of one grant apart: what a void invoice gives back after the end expires again.
    """
    to = Account.REVENUE if grant.kind is GrantKind.PREPAID else Account.PROMOTIONS
    return _transaction(grant, "credit.expired", ((Account.CREDITS, lost), (to, -lost)), part=part, at=at)


def _source(kind: GrantKind) -> Account:
    return Account.EXTERNAL if kind is GrantKind.PREPAID else Account.PROMOTIONS


def _transaction(
    grant: CreditGrant, kind: str, amounts: Sequence[tuple[Account, Money]], *, part: int, at: datetime
) -> Transaction:
    entries = tuple(Entry(account, amount) for account, amount in amounts)
    transaction_id = TransactionId(derived("txn", kind, grant.id, str(part)))
    return Transaction(transaction_id, grant.customer_id, kind, grant.id, at, entries)
