"""A rating as a document: what it came to, exactly, and the rows that lead there."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from tallystick.domain.rating import Detail, DetailKind, Rating
from tallystick.values.decimals import plain
from tallystick.values.exact import Exact
from tallystick.values.money import Currency, Money, Unrounded

Document = dict[str, Any]


def write_rating(rating: Rating) -> Document:
    return {
        "total": str(rating.total.minor),
        "exact": plain(rating.exact.amount),
        "true_up": plain(rating.true_up),
        "details": [_write_detail(detail) for detail in rating.details],
    }


def read_rating(document: Document, currency: Currency) -> Rating:
    return Rating(
        total=Money(int(document["total"]), currency),
        exact=Unrounded(exact(document["exact"]), currency),
        true_up=exact(document["true_up"]),
        rows=tuple(_read_detail(detail) for detail in document["details"]),
    )


def exact(text: str) -> Exact:
    """The number that `plain` wrote: a fraction where its digits have no end."""
    return Fraction(text) if "/" in text else Decimal(text)


def _write_detail(detail: Detail) -> Document:
    return {
        "kind": detail.kind.value,
        "tier": detail.tier,
        "quantity": plain(detail.quantity),
        "unit_amount": plain(detail.unit_amount),
        "flat_amount": plain(detail.flat_amount),
        "amount": plain(detail.amount),
    }


def _read_detail(document: Document) -> Detail:
    return Detail(
        kind=DetailKind(document["kind"]),
        tier=document["tier"],
        quantity=exact(document["quantity"]),
        unit_amount=exact(document["unit_amount"]),
        flat_amount=exact(document["flat_amount"]),
        amount=exact(document["amount"]),
    )
