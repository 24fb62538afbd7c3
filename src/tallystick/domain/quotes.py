"""Answers to questions about prices, prorations and periods: the same for the shell and for `POST /v1/quote`."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from tallystick.domain.catalog import FlatPrice, Price
from tallystick.domain.periods import Interval, boundaries, time_zone
from tallystick.domain.price_documents import read_price
from tallystick.domain.proration import Convention, local_midnight, prorate
from tallystick.domain.rating import Detail, DetailKind, Rating, difference, needs_events, rate, rate_events
from tallystick.domain.rating_documents import write_detail
from tallystick.values.decimals import half_up, plain
from tallystick.values.errors import InvalidInput
from tallystick.values.exact import ZERO, Exact, minus
from tallystick.values.fields import Fields
from tallystick.values.money import Money, Unrounded, currency
from tallystick.values.time import Period, instant, rfc3339

EVENTS_MAX = 100_000

Answer = dict[str, object]


def answer_quote(request: Mapping[str, object]) -> Answer:
    """What `price` makes of `quantity` (or `events`); with `already`, what is due beyond that (docs/reference/prices.md).

    `total` is rounded, with all the places of the currency; the amounts of `lines` and `true_up` add up to `exact`. A line
    that is a discount, a maximum, or an amount per event says so in `kind`. Raises InvalidInput with the path of the field.
    """
    fields = Fields(request)
    id_ = read_id(fields)
    price = _read_price(fields)
    now = _rated(fields, price)
    before = fields.take("already")
    then = None if before is None else _rated_before(before, price)
    fields.end()
    return {"id": id_, **(_whole(now) if then is None else _difference(now, then))}


def answer_proration(request: Mapping[str, object]) -> Answer:
    """What the service period is worth of an amount that is due for the full period (docs/reference/prices.md).

    With `day_inclusive` a plain date that ends a period is counted too; everywhere else a date is its local midnight.
    Raises InvalidInput with the path of the field.
    """
    fields = Fields(request)
    id_ = read_id(fields)
    major, money = fields.number("amount"), currency(fields.text("currency"))
    convention = Convention(fields.choice("convention", tuple(Convention), Convention.SECOND))
    zone = _read_zone(fields)
    full, service = (_read_period(fields, name, zone, convention) for name in ("full_period", "service_period"))
    fields.end()
    result = prorate(Unrounded(major, money), full, service, convention, zone)
    return {
        "id": id_,
        "amount": printed(result.rounded),
        "exact_fraction": f"{result.fraction.numerator}/{result.fraction.denominator}",
        "fraction": _nine_places(result.fraction),
    }


def answer_periods(request: Mapping[str, object]) -> Answer:
    """The boundaries, from the anchor on, that lie in [from, until) (docs/reference/prices.md).

    Raises InvalidInput with the path of the field.
    """
    fields = Fields(request)
    id_ = read_id(fields)
    interval = Interval(fields.choice("interval", tuple(Interval)))
    count, zone = fields.maybe_count("count"), _read_zone(fields)
    anchor, start, until = (
        _read_instant(fields.text(name), fields.path(name), zone, next_day=False) for name in ("anchor", "from", "until")
    )
    fields.end()
    found = boundaries(anchor, interval, 1 if count is None else count, zone, start=start, until=until)
    return {"id": id_, "boundaries": [rfc3339(at) for at in found]}


def read_id(fields: Fields) -> str | int | None:
    """The caller's own name for the question, given back as it came: a text of at most 256 characters, or a whole number."""
    value = fields.take("id")
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if not isinstance(value, str) or len(value) > 256:
        raise fields.wrong("id", "must be a text of at most 256 characters")
    return value


def printed(money: Money) -> str:
    """Major units, with all the places of the currency: "1.00", and of yen "100"."""
    return format(money.major, "f")


def _read_price(fields: Fields) -> Price:
    document = fields.required("price")
    if not isinstance(document, Mapping):
        raise fields.wrong("price", "must be an object with named fields")
    try:
        return read_price(document)
    except InvalidInput as wrong:
        raise InvalidInput(f"price.{wrong.message}", field=f"price.{wrong.field}" if wrong.field else "price") from None


def _rated(fields: Fields, price: Price) -> Rating:
    if needs_events(price):
        if not fields.has("events"):
            raise fields.wrong("events", "is missing; this price works on the single amounts, in place of quantity")
        return rate_events(price, _not_negative(fields, "events", fields.numbers("events", at_most=EVENTS_MAX)))
    quantity = fields.number_or("quantity", ZERO) if isinstance(price, FlatPrice) else fields.number("quantity")
    return rate(price, *_not_negative(fields, "quantity", [quantity]))


def _rated_before(before: object, price: Price) -> Rating:
    fields = Fields(before, "already")
    rating = _rated(fields, price)
    fields.end()
    return rating


def _not_negative(fields: Fields, name: str, numbers: Sequence[Decimal]) -> Sequence[Decimal]:
    if any(number < 0 for number in numbers):
        raise fields.wrong(name, "must not be below 0; what was taken back is left out of the whole of the period")
    return numbers


def _whole(rating: Rating) -> Answer:
    return _answer(rating.total, rating.exact.amount, rating.details, rating.true_up)


def _difference(now: Rating, then: Rating) -> Answer:
    """Every figure now, less the same figure then; lines that did not change are left out."""
    return _answer(
        difference(now, then),
        minus(now.exact.amount, then.exact.amount),
        _changes(now.details, then.details),
        minus(now.true_up, then.true_up),
    )


def _answer(total: Money, exact: Exact, details: Sequence[Detail], true_up: Exact) -> Answer:
    lines = [_line(detail) for detail in details if detail.kind is not DetailKind.MINIMUM]
    return {"total": printed(total), "exact": plain(exact), "lines": lines, "true_up": plain(true_up)}


def _line(detail: Detail) -> Answer:
    line = write_detail(detail)
    if detail.kind is DetailKind.USAGE:
        del line["kind"]
    return line


def _changes(now: Sequence[Detail], then: Sequence[Detail]) -> list[Detail]:
    rows: dict[tuple[DetailKind, int | None], Detail] = {(row.kind, row.tier): row for row in now}
    for row in then:
        known = rows.get((row.kind, row.tier), Detail(row.kind, row.tier, ZERO, row.unit_amount, ZERO, ZERO))
        rows[row.kind, row.tier] = Detail(
            kind=row.kind,
            tier=row.tier,
            quantity=minus(known.quantity, row.quantity),
            unit_amount=row.unit_amount,
            flat_amount=minus(known.flat_amount, row.flat_amount),
            amount=minus(known.amount, row.amount),
        )
    return [row for row in rows.values() if row.quantity or row.amount]


def _read_zone(fields: Fields) -> ZoneInfo:
    return time_zone(fields.text("zone", "UTC"))


def _read_period(fields: Fields, name: str, zone: ZoneInfo, convention: Convention) -> Period:
    ends = fields.items(name, at_most=2)
    if len(ends) != 2 or not all(isinstance(end, str) for end in ends):
        raise fields.wrong(name, 'must be two dates or instants, such as ["2026-01-01", "2026-02-01"]')
    start, end = (
        _read_instant(str(text), f"{name}[{at}]", zone, next_day=convention is Convention.DAY_INCLUSIVE and at == 1)
        for at, text in enumerate(ends)
    )
    if end <= start:
        raise fields.wrong(name, "must end after it starts")
    return Period(start, end)


def _read_instant(text: str, name: str, zone: ZoneInfo, *, next_day: bool) -> datetime:
    """An instant, or a date: its local midnight, or with `next_day` the one that ends it."""
    if len(text) != len("2026-01-31"):
        return instant(text, field=name)
    try:
        day = date.fromisoformat(text)
        return local_midnight(date.fromordinal(day.toordinal() + next_day), zone)
    except (ValueError, OverflowError):
        raise InvalidInput(f'{name}: there is no such day; write it as "2026-01-31"', field=name) from None


def _nine_places(fraction: Fraction) -> str:
    billionths = half_up(fraction * 10**9)
    return f"{billionths // 10**9}.{billionths % 10**9:09}"
