"""A rating written down, details and all, and read again: what an invoice said stands, whatever the engine learns later."""

import re
from collections.abc import Mapping
from fractions import Fraction

from tallystick.domain.rating import Detail, DetailKind, Rating
from tallystick.values.decimals import EXACT, plain
from tallystick.values.exact import Exact
from tallystick.values.fields import Fields
from tallystick.values.money import Money, Unrounded, currency

_DETAILS_MAX = 10_000
_FIGURE = re.compile(r"-?\d{1,380}(\.\d{1,380}|/[1-9]\d{0,380})?", re.ASCII)


def write_rating(rating: Rating) -> dict[str, object]:
    """A document of texts and whole numbers, for JSON; numbers whose digits never end are written as "n/d"."""
    return {
        "currency": rating.total.currency.code,
        "total_minor": rating.total.minor,
        "exact": plain(rating.exact.amount),
        "true_up": plain(rating.true_up),
        "details": [write_detail(detail) for detail in rating.details],
    }


def write_detail(detail: Detail) -> dict[str, object]:
    """One row of a rating, for JSON; decimals as texts, in major units."""
    return {
        "kind": detail.kind.value,
        "tier": detail.tier,
        "quantity": plain(detail.quantity),
        "unit_amount": plain(detail.unit_amount),
        "flat_amount": plain(detail.flat_amount),
        "amount": plain(detail.amount),
    }


def read_rating(document: Mapping[str, object]) -> Rating:
    """The rating that was written: equal to it, detail by detail. Raises InvalidInput for any other document."""
    fields = Fields(document)
    money = currency(fields.text("currency"))
    minor = fields.required("total_minor")
    if type(minor) is not int:
        raise fields.wrong("total_minor", "must be a whole number of minor units")
    rating = Rating(
        total=Money(minor, money),
        exact=Unrounded(_exact(fields, "exact"), money),
        true_up=_exact(fields, "true_up"),
        rows=tuple(_read_detail(row) for row in fields.items("details", at_most=_DETAILS_MAX)),
    )
    fields.end()
    return rating


def _read_detail(row: object) -> Detail:
    fields = Fields(row, "details")
    detail = Detail(
        kind=DetailKind(fields.choice("kind", tuple(DetailKind))),
        tier=fields.maybe_count("tier"),
        quantity=_exact(fields, "quantity"),
        unit_amount=_exact(fields, "unit_amount"),
        flat_amount=_exact(fields, "flat_amount"),
        amount=_exact(fields, "amount"),
    )
    fields.end()
    return detail


def _exact(fields: Fields, name: str) -> Exact:
    """A figure of ours: it may have more digits than one from outside, for it is the product of several."""
    value = fields.required(name)
    if not isinstance(value, str) or not _FIGURE.fullmatch(value):
        raise fields.wrong(name, 'must be a decimal, or a fraction such as "1/3", in a text')
    return Fraction(value) if "/" in value else EXACT.create_decimal(value)
