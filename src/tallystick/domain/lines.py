"""Lines of an invoice: usage in arrears, fees in advance, and what of a fee is given back; each is rounded once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tallystick.domain.catalog import Charge, Price
from tallystick.domain.rating import Rating, needs_events, prorated, rate, rate_events, unused
from tallystick.domain.usage import Usage
from tallystick.values.decimals import EXACT
from tallystick.values.exact import ONE, ZERO, Exact, divided, minus, times
from tallystick.values.ids import CustomerId, LineId, MeterKey, derived
from tallystick.values.money import Money, Unrounded
from tallystick.values.time import Period, to_micros

OF_SUBSCRIPTION = "sub_"  # how the keys of charges begin that belong to one: sub_…:key


class LineKind(StrEnum):
    USAGE = "usage"  # what a meter measured, in arrears
    RECURRING = "recurring"  # a fee for its period
    ONE_TIME = "one_time"  # a fee that is due once
    CREDIT = "credit"  # the unused rest of a recurring fee, given back


@dataclass(frozen=True, slots=True)
class Billable:
    """What one charge has to rate for one customer and period: all its usage so far, and what was billed of it before.

    `amounts` are the single amounts of events, for prices that need them. `part` counts the lines that this charge and
    period already have: 0 for a period billed for the first time, more for late usage, which is billed by difference.
    `billed` is what they were rated at, `asked` what of that was asked for in the end (None: all). `share` is how
    much of a full period this one is, 0 to 1: so much of the price's minimum is due.
    """

    charge: Charge
    period: Period
    usage: Usage
    amounts: tuple[Decimal, ...] = ()
    part: int = 0
    billed: Money | None = None
    asked: Money | None = None
    billed_quantity: Decimal = ZERO
    share: Exact = ONE


@dataclass(frozen=True, slots=True)
class Fee:
    """One fee to be billed: `quantity` times what the price says, for the `share` of a full period that `period` is."""

    charge_key: str
    description: str
    price: Price
    quantity: Decimal
    period: Period
    share: Exact = ONE
    part: int = 0
    kind: LineKind = LineKind.RECURRING


@dataclass(frozen=True, slots=True)
class Line:
    """One charge for one period on one invoice. Of `rating`, `amount` is what this line adds after what was billed before.

    Fees have no meter. `credits` names the line that a credit gives back a part of. Where usage turned out to be less, what
    discounts and credit notes had taken off is not given back: `taken_off` is so much of the difference.
    """

    id: LineId
    charge_key: str
    meter_key: MeterKey | None
    description: str
    period: Period
    part: int
    quantity: Decimal
    amount: Money
    price: Price
    rating: Rating
    kind: LineKind = LineKind.USAGE
    share: Exact = ONE
    credits: LineId | None = None
    taken_off: Money | None = None  # of a line that gives nothing back: None


def rated(price: Price, usage: Usage, amounts: Sequence[Decimal], *, share: Exact = ONE) -> Rating:
    """The usage of a whole period under `price`: by its quantity, or by single amounts where the price needs them."""
    if needs_events(price):
        return rate_events(price, amounts, minimum_share=share)
    return rate(price, usage.quantity, minimum_share=share)


def since(now: Billable, lines: Sequence[Line]) -> Billable | None:
    """What has come to a closed period since `lines` billed it, by difference; None where that is nothing.

    round(total now) - round(total billed before): any number of late arrivals adds up to the cent of the whole.
    """
    billed, quantity = max(lines, key=lambda line: line.part).rating.total, ZERO
    for line in lines:
        quantity = EXACT.add(quantity, line.quantity)
    total = rated(now.charge.price, now.usage, now.amounts, share=now.share).total
    if total == billed and now.usage.quantity == quantity:
        return None
    return replace(now, part=len(lines), billed=billed, billed_quantity=quantity)


def falls(now: Billable) -> bool:
    """Whether less was used than was billed before, so that something is given back."""
    return now.billed is not None and rated(now.charge.price, now.usage, now.amounts, share=now.share).total < now.billed


def kept(asked: Money, billed: Money, total: Money) -> Money:
    """What the customer still pays of `asked`, where what was rated at `billed` turned out to be `total`: the same part of it.

    Rounded half up, once, to whole steps of the currency. What was written off, or credited, is not owed again.
    """
    assert Money(0, billed.currency) <= total < billed, "only what falls gives something back"
    step = billed.currency.step
    asked = min(asked, billed)
    return Money((2 * asked.minor * total.minor + billed.minor * step) // (2 * billed.minor * step) * step, billed.currency)


def given_back(parts: Sequence[tuple[LineId, Money]]) -> list[tuple[LineId, LineId, int]]:
    """Of what is asked for by the lines of one charge and period, in their order: which line gives back how much of which.

    In minor units, and of the newest first.
    """
    left: list[tuple[LineId, int]] = []
    found = []
    for line_id, asked in parts:
        rest = -asked.minor
        if rest < 0:
            left.append((line_id, asked.minor))
        while rest > 0 and left:
            of, minor = left.pop()
            part = min(rest, minor)
            found.append((line_id, of, part))
            rest -= part
            if minor > part:
                left.append((of, minor - part))
    return found


def usage_line(customer_id: CustomerId, billable: Billable) -> Line:
    charge, period = billable.charge, billable.period
    rating = rated(charge.price, billable.usage, billable.amounts, share=billable.share)
    amount, taken_off = _difference(billable, rating.total)
    return Line(
        id=LineId(derived("line", customer_id, charge.key, str(period), str(billable.part))),
        charge_key=charge.key,
        meter_key=charge.meter_key,
        description=charge.display_name or charge.key,
        period=period,
        part=billable.part,
        quantity=EXACT.subtract(billable.usage.quantity, billable.billed_quantity),
        amount=amount,
        price=charge.price,
        rating=rating,
        share=billable.share,
        taken_off=taken_off,
    )


def _difference(billable: Billable, total: Money) -> tuple[Money, Money | None]:
    """What is added to what was billed before; and where that is given back, what of it had been taken off."""
    billed, asked = billable.billed, billable.asked
    if billed is None:
        return total, None
    if asked is None or total >= billed or billed.minor <= 0:
        return total - billed, None
    below = min(total, Money(0, total.currency))  # a price may come to less than nothing, which was never taken off
    given_back = min(asked, billed) - kept(asked, billed, total - below) - below
    return -given_back, billed - total - given_back


def fee_line(customer_id: CustomerId, fee: Fee) -> Line:
    rating = prorated(rate(fee.price, fee.quantity), fee.share)
    return Line(
        id=LineId(derived("line", customer_id, fee.charge_key, fee.kind, str(fee.period), str(fee.part))),
        charge_key=fee.charge_key,
        meter_key=None,
        description=fee.description,
        period=fee.period,
        part=fee.part,
        quantity=fee.quantity,
        amount=rating.total,
        price=fee.price,
        rating=rating,
        kind=fee.kind,
        share=fee.share,
    )


def credit_line(customer_id: CustomerId, line: Line, *, at: datetime, discounted: Money, part: int) -> Line:
    """What is given back of a fee whose service ends at `at`, before its period does.

    The rest of its time, to the microsecond, of what was asked for it: its exact amount, less the discount it had. A fee and
    its credit add up to the fee of the time that was served, rounded once (docs: Money and time, Time).
    """
    rest = Period(at, line.period.end)
    left = share_of(rest, line.period)
    rating = unused(Unrounded(times(minus(line.rating.exact.amount, discounted.major), left), line.amount.currency))
    return Line(
        id=LineId(derived("line", customer_id, line.charge_key, LineKind.CREDIT, str(rest), str(part), line.id)),
        charge_key=line.charge_key,
        meter_key=None,
        description=line.description,
        period=rest,
        part=part,
        quantity=line.quantity,
        amount=rating.total,
        price=line.price,
        rating=rating,
        kind=LineKind.CREDIT,
        share=left,
        credits=line.id,
    )


def own_key(charge_key: str) -> str:
    """The charge's own key, without the subscription that it is billed for."""
    return charge_key.partition(":")[2] if charge_key.startswith(OF_SUBSCRIPTION) else charge_key


def share_of(part: Period, full: Period) -> Exact:
    """How much of the full period the part is, by its length."""
    return divided(Decimal(_length(part)), Decimal(_length(full)))


def _length(period: Period) -> int:
    return to_micros(period.end) - to_micros(period.start)
