"""A line of an invoice as people read it: what, when, how much at which price, and the steps of its sum where there are some."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import assert_never
from zoneinfo import ZoneInfo

from tallystick.domain import figures
from tallystick.domain.catalog import (
    DynamicPrice,
    FlatPrice,
    GraduatedPercentagePrice,
    GraduatedPrice,
    PackagePrice,
    PercentagePrice,
    StairstepPrice,
    UnitPrice,
    VolumePrice,
)
from tallystick.domain.invoice_words import WORDS, Words
from tallystick.domain.letter_frames import Locale
from tallystick.domain.lines import Line, LineKind
from tallystick.domain.rating import Detail, DetailKind
from tallystick.values.decimals import plain
from tallystick.values.exact import times

_DETAILS_MAX = 40  # of one line; who wants more of it asks for its explanation
_MORE = "…"
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Row:
    """`period` and `details` stand below the text; a cell that says nothing is empty."""

    text: str
    period: str
    details: tuple[str, ...]
    quantity: str
    price: str
    amount: str


def row(line: Line, unit: str, zone: ZoneInfo, locale: Locale) -> Row:
    """`unit` is what the line's meter counts."""
    words = WORDS[locale]
    text, unit = figures.plain_text(line.description), figures.plain_text(unit)
    details = tuple(_details(line, words, locale))
    if len(details) > _DETAILS_MAX:
        details = (*details[:_DETAILS_MAX], _MORE)
    return Row(
        text=words.given_back.format(description=text) if line.kind is LineKind.CREDIT else text,
        period=figures.span(line.period, zone, locale),
        details=details,
        quantity=f"{figures.number(line.quantity, locale)} {unit}".rstrip(),
        price=_price(line, words, locale),
        amount=figures.money(line.amount, locale),
    )


def _price(line: Line, words: Words, locale: Locale) -> str:
    """What one of the quantity costs; empty where that is no single amount."""
    price, code = line.price, line.price.currency.code
    match price:
        case FlatPrice():
            return figures.rate(price.amount, code, locale)
        case UnitPrice():
            return figures.rate(price.unit_amount, code, locale)
        case PackagePrice():
            amount, size = figures.rate(price.package_amount, code, locale), figures.number(price.package_size, locale)
            return words.per_package.format(amount=amount, size=size)
        case PercentagePrice():
            return f"{figures.number(price.rate_percent, locale)} %"
        case GraduatedPrice() | VolumePrice() | StairstepPrice() | GraduatedPercentagePrice():
            return words.by_tier
        case DynamicPrice():
            return ""
        case _:
            assert_never(price)


def _details(line: Line, words: Words, locale: Locale) -> Iterator[str]:
    if line.kind is LineKind.CREDIT:
        return  # of its sum there is one step, and the text says it
    if line.kind is LineKind.USAGE and line.price.included:
        yield words.included.format(included=figures.number(line.price.included, locale))
    rows = line.rating.details
    if len(rows) > 1 or any(detail.tier is not None or detail.kind is not DetailKind.USAGE for detail in rows):
        yield from (_detail(detail, line, words, locale) for detail in rows)
    before = line.rating.total - line.amount
    if before.minor:
        total = figures.money(line.rating.total, locale)
        yield words.billed_before.format(total=total, before=figures.money(before, locale))


def _detail(detail: Detail, line: Line, words: Words, locale: Locale) -> str:
    code = line.price.currency.code
    values = {
        "tier": plain(detail.tier or 1),
        "quantity": figures.number(detail.quantity, locale),
        "unit_amount": figures.rate(detail.unit_amount, code, locale),
        "flat_amount": figures.rate(detail.flat_amount, code, locale),
        "amount": figures.rate(detail.amount, code, locale),
    }
    if isinstance(line.price, PercentagePrice | GraduatedPercentagePrice) and detail.kind is DetailKind.USAGE:
        values["quantity"] = figures.rate(detail.quantity, code, locale)
        values["unit_amount"] = f"{figures.number(times(detail.unit_amount, _HUNDRED), locale)} %"
    return _template(detail, words).format(**values)


def _template(detail: Detail, words: Words) -> str:
    if detail.kind is DetailKind.USAGE:
        return _usage(detail, words)
    return {
        DetailKind.FIXED: words.fixed,
        DetailKind.PER_EVENT: words.per_event,
        DetailKind.DISCOUNT: words.discount,
        DetailKind.MAXIMUM: words.maximum,
        DetailKind.MINIMUM: words.minimum,
        DetailKind.PRORATION: words.proration,
        DetailKind.UNUSED: words.unused,
    }[detail.kind]


def _usage(detail: Detail, words: Words) -> str:
    if detail.tier is None:
        return words.full_price if detail.flat_amount else words.step
    if not detail.flat_amount:
        return words.tier
    return words.tier_flat if detail.unit_amount else words.tier_fixed
