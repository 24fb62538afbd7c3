"""What a quantity costs by a recurring price: one row for each line of the invoice, and each rounded by itself."""

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from tallystick.sandbox.objects import amounts
from tallystick.sandbox.state import Doc
from tallystick.values.decimals import EXACT

_ZERO = Decimal(0)


class Row(NamedTuple):
    """`exact` is in minor units, before its rounding; `label` says which tier it is of, if any."""

    exact: Fraction
    quantity: Decimal
    unit: Decimal
    label: str = ""

    @property
    def amount(self) -> int:
        return amounts.rounded_fraction(self.exact)

    def times(self, share: Fraction) -> "Row":
        return self._replace(exact=self.exact * share)


def rows(price: Doc, quantity: Decimal) -> list[Row]:
    """Flat and per unit one row; graduated one for each tier that is reached, and one for each flat amount in it."""
    if price["billing_scheme"] == "per_unit":
        unit = Decimal(price["unit_amount_decimal"])
        return [_row(_transformed(price, quantity), unit)._replace(quantity=quantity)]
    tiers = _tiers(price)
    if price["tiers_mode"] == "volume":
        reached = next(number for number, (_, end, _) in enumerate(tiers) if end is None or quantity <= end)
        return _tier_rows(tiers[reached][2], quantity, "")
    found = []
    for number, (start, end, tier) in enumerate(tiers, 1):
        # The first tier's flat amount is owed before anything is used.
        if number > 1 and quantity <= start:
            break
        units = EXACT.subtract(quantity if end is None else min(quantity, end), start)
        found += _tier_rows(tier, units, f"Tier {number}")
    return found


def _row(quantity: Decimal, unit: Decimal, label: str = "") -> Row:
    return Row(Fraction(quantity) * Fraction(unit), quantity, unit, label)


def _tier_rows(tier: Doc, units: Decimal, label: str) -> list[Row]:
    """The units' row, unless there are none and only a flat amount is owed; and the flat amount's."""
    flat = Decimal(tier["flat_amount_decimal"] or 0)
    unit = Decimal(tier["unit_amount_decimal"] or 0)
    fixed = [_row(Decimal(1), flat, f"{label} flat fee".strip())] if flat else []
    return [*([] if fixed and not (units and unit) else [_row(units, unit, label)]), *fixed]


def _tiers(price: Doc) -> list[tuple[Decimal, Decimal | None, Doc]]:
    found, start = [], _ZERO
    for tier in price["_tiers"]:
        end = None if tier["up_to"] is None else Decimal(tier["up_to"])
        found.append((start, end, tier))
        start = end or start
    return found


def _transformed(price: Doc, quantity: Decimal) -> Decimal:
    how = price["transform_quantity"]
    if how is None:
        return quantity
    packages = Fraction(quantity) / how["divide_by"]
    whole = packages.__ceil__() if how["round"] == "up" else packages.__floor__()
    return Decimal(whole)
