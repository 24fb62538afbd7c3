"""What a price comes to, worked out once more from contracts.md section 4, in fractions; shares no code with the engine."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

PLACES = {"usd": 2, "jpy": 0, "kwd": 3, "isk": 2}
STEP = {"isk": 100}
Document = dict[str, Any]

exact = lru_cache(maxsize=100_000)(Fraction)  # the same few texts again and again: reading them is most of the work


@dataclass(frozen=True)
class Owed:
    """Exact, in major units; the rounded total in minor units; what the minimum added."""

    exact: Fraction
    minor: int
    true_up: Fraction


def owed(
    document: Document, quantity: str | None = None, events: list[str] | None = None, minimum_share: Fraction = Fraction(1)
) -> Owed:
    """Convert, subtract included, rate, discount, maximum, minimum, round: in this order, and round only at the end."""
    if events is not None:
        amounts = take_included([converted(document, exact(event)) for event in events], number(document, "included"))
        subtotal = of_events(document, amounts)
    else:
        assert quantity is not None
        left = converted(document, exact(quantity)) - number(document, "included")
        subtotal = of_quantity(document, max(left, Fraction(0)))
    amount = subtotal * (100 - number(document, "discount_percent")) / 100
    if document.get("maximum_amount") is not None:
        amount = min(amount, number(document, "maximum_amount"))
    true_up = (
        max(number(document, "minimum_amount") * minimum_share - amount, Fraction(0))
        if document.get("minimum_amount") is not None
        else Fraction(0)
    )
    return Owed(amount + true_up, minor_units(amount + true_up, document["currency"]), true_up)


def number(document: Document, name: str, default: int = 0) -> Fraction:
    value = document.get(name)
    return exact(default if value is None else value)


def minor_units(amount: Fraction, code: str) -> int:
    step = STEP.get(code, 1)
    scaled = abs(amount) * 10 ** PLACES[code] / step
    up = int(scaled + Fraction(1, 2))  # half away from zero
    return (up if amount >= 0 else -up) * step


def made_whole(value: Fraction, mode: str) -> Fraction:
    down = value.numerator // value.denominator
    return {"none": value, "down": Fraction(down), "up": Fraction(down if down == value else down + 1)}[mode]


def converted(document: Document, value: Fraction) -> Fraction:
    convert = document.get("convert")
    if convert is None:
        return value
    by = convert.get("divide_by")
    value = value / exact(by) if by is not None else value * exact(convert["multiply_by"])
    return made_whole(value, convert.get("round") or "none")


def of_quantity(document: Document, units: Fraction) -> Fraction:
    match document["model"]:
        case "flat":
            return number(document, "amount")
        case "per_unit":
            return units * number(document, "unit_amount")
        case "package":
            packages = made_whole(units / number(document, "package_size"), document.get("round") or "up")
            return packages * number(document, "package_amount")
        case "graduated" | "graduated_percentage" | "volume" | "stairstep":
            return of_tiers(document, units)
    raise AssertionError(document["model"])


def of_tiers(document: Document, units: Fraction) -> Fraction:
    tiers = document["tiers"]
    if units == 0:
        return tier_cost(document["model"], tiers[0], Fraction(0)) if document.get("zero_usage_flat") else Fraction(0)
    edges = [Fraction(0)] + [exact(tier["up_to"]) for tier in tiers[:-1]]
    reached = [at for at, edge in enumerate(edges) if units > edge]
    if document["model"] in ("volume", "stairstep"):
        return tier_cost(document["model"], tiers[reached[-1]], units)
    total = Fraction(0)
    for at in reached:
        end = units if at == reached[-1] else edges[at + 1]
        total += tier_cost(document["model"], tiers[at], end - edges[at])
    return total


def tier_cost(model: str, tier: Document, units: Fraction) -> Fraction:
    flat = number(tier, "flat_amount")
    if model == "stairstep":
        return flat
    if model == "graduated_percentage":
        cost = units * number(tier, "rate_percent") / 100
    elif tier.get("package_size") is not None:
        cost = made_whole(units / exact(tier["package_size"]), "up") * number(tier, "unit_amount")
    else:
        cost = units * number(tier, "unit_amount")
    cost += flat
    return min(cost, number(tier, "maximum_amount")) if tier.get("maximum_amount") is not None else cost


def take_included(amounts: list[Fraction], included: Fraction) -> list[Fraction | None]:
    """What is left of each event; None for an event that lies wholly within what is included."""
    left: list[Fraction | None] = []
    for amount in amounts:
        taken = min(amount, included)
        covered = included > 0 and taken == amount
        included -= taken
        left.append(None if covered else amount - taken)
    return left


def of_events(document: Document, amounts: list[Fraction | None]) -> Fraction:
    if document["model"] == "dynamic":
        return sum((amount for amount in amounts if amount is not None), Fraction(0)) * number(document, "multiplier", 1)
    assert document["model"] == "percentage"
    total = Fraction(0)
    for paid in after_free_part(document, [amount for amount in amounts if amount is not None]):
        cost = paid * number(document, "rate_percent") / 100 + number(document, "fixed_amount_per_event")
        if document.get("maximum") is not None:
            cost = min(cost, number(document, "maximum"))
        if document.get("minimum") is not None:
            cost = max(cost, number(document, "minimum"))
        total += cost
    return total


def after_free_part(document: Document, amounts: list[Fraction]) -> list[Fraction]:
    """The paid part of each event that pays: the free part ends with the events or the amount, whichever is used up first."""
    count, money = document.get("free_events"), document.get("free_amount")
    if count is None and money is None:
        return amounts
    paid, used, used_events = [], Fraction(0), 0
    for amount in amounts:
        ended = (count is not None and used_events >= int(count)) or (money is not None and used >= Fraction(money))
        if ended:
            paid.append(amount)
            continue
        used_events += 1
        free = amount if money is None else min(amount, Fraction(money) - used)
        used += free
        if free < amount:
            paid.append(amount - free)
    return paid
