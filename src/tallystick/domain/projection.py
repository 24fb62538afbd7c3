"""Margins before anything is sold: what a service costs, brings in and leaves, and whether that is enough."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tallystick.values.decimals import EXACT, exact_decimal, from_steps, half_up
from tallystick.values.errors import InvalidInput
from tallystick.values.exact import ZERO, Exact, divided, times


class Kind(StrEnum):
    """What is sold; each kind has the least margin that pays for its risk."""

    API_SERVICE = "api_service"
    CUSTOM_CODE = "custom_code"
    DATA_PROCESSING = "data_processing"


MARGIN_PERCENT_MIN = {Kind.API_SERVICE: Decimal(50), Kind.CUSTOM_CODE: Decimal(70), Kind.DATA_PROCESSING: Decimal(60)}


class Recommendation(StrEnum):
    """What to make of a margin."""

    VIABLE = "Viable"
    THIN = "Margins too thin - adjust pricing"
    LOSS = "Loss - every sale costs more than it brings"


@dataclass(frozen=True, slots=True)
class Projection:
    """A month of a service, in major units of whatever currency the prices were in.

    `margin_percent` is profit of revenue, rounded half up to two places; the recommendation is decided on the exact one.
    """

    kind: Kind
    quantity: Decimal
    monthly_cost: Decimal
    monthly_revenue: Decimal
    monthly_profit: Decimal
    margin_percent: Decimal
    recommendation: Recommendation


def project_api_service(
    expected_calls_per_month: Decimal, api_cost_per_call: Decimal, proposed_price_per_1k: Decimal
) -> Projection:
    """Calls that are bought one by one and sold by the thousand; viable from a margin of 50 %."""
    price = EXACT.scaleb(proposed_price_per_1k, -3)
    return _projection(Kind.API_SERVICE, expected_calls_per_month, api_cost_per_call, price)


def project_custom_code(
    expected_hours_per_month: Decimal, cost_per_hour: Decimal, proposed_price_per_hour: Decimal
) -> Projection:
    """Hours of work; viable from a margin of 70 %, because time is the cost."""
    return _projection(Kind.CUSTOM_CODE, expected_hours_per_month, cost_per_hour, proposed_price_per_hour)


def project_data_processing(expected_gb_per_month: Decimal, cost_per_gb: Decimal, proposed_price_per_gb: Decimal) -> Projection:
    """Gigabytes that are processed; viable from a margin of 60 %."""
    return _projection(Kind.DATA_PROCESSING, expected_gb_per_month, cost_per_gb, proposed_price_per_gb)


def _projection(kind: Kind, quantity: Decimal, cost: Decimal, price: Decimal) -> Projection:
    """Raises InvalidInput for a negative figure, or one of more than 38 digits."""
    for name, value in (("expected quantity", quantity), ("cost", cost), ("price", price)):
        if exact_decimal(value, field=name) < 0:
            raise InvalidInput(f"{name}: must not be below 0", field=name)
    costs, revenue = EXACT.multiply(quantity, cost), EXACT.multiply(quantity, price)
    profit = EXACT.subtract(revenue, costs)
    margin = times(divided(profit, revenue), Decimal(100)) if revenue else ZERO
    return Projection(kind, quantity, costs, revenue, profit, _two_places(margin), _recommended(kind, profit, margin))


def _recommended(kind: Kind, profit: Decimal, margin: Exact) -> Recommendation:
    if profit < 0:
        return Recommendation.LOSS
    return Recommendation.VIABLE if margin >= MARGIN_PERCENT_MIN[kind] else Recommendation.THIN


def _two_places(number: Exact) -> Decimal:
    return from_steps(half_up(times(number, Decimal(100))), 2)
