"""Withdrawal: we cancel at the provider what would collect an invoice. It is written down before it is asked, with why."""

from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    PAGE = "page"  # the customer is to pay by another page, or by none
    CREDIT = "credit"  # a credit note makes the invoice smaller
    VOID = "void"  # the invoice is taken back
    GONE = "gone"  # the customer has gone at the provider, and nobody could pay


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Why, and what is needed to go on by ourselves: `reason` and `actor` are said of an invoice that is void then."""

    why: Why
    reason: str = ""
    actor: str = "system"
