"""What an app begins with that sells three plans: its meters, and how much of each a plan lets its users use in a month."""

from collections.abc import Collection, Mapping

from tallystick.domain.entitlements import Quota
from tallystick.domain.usage import Meter
from tallystick.values.decimals import exact_decimal
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import MeterKey

TOKENS = Meter(MeterKey("tokens"), decimals=0, unit="token")
API_CALLS = Meter(MeterKey("api_calls"), decimals=0, unit="call")
SCRAPING_TASKS = Meter(MeterKey("scraping_tasks"), decimals=0, unit="task")
METERS = (TOKENS, API_CALLS, SCRAPING_TASKS)

# As apps of this kind write them: 0 is unlimited, here and nowhere behind it.
LIMITS: Mapping[str, Mapping[str, int]] = {
    "basic": {"tokens": 100_000, "api_calls": 1_000, "scraping_tasks": 100},
    "pro": {"tokens": 1_000_000, "api_calls": 10_000, "scraping_tasks": 1_000},
    "enterprise": {"tokens": 0, "api_calls": 0, "scraping_tasks": 0},
}
SAMPLE_PRICES: Mapping[str, str] = {"basic": "19", "pro": "99", "enterprise": "499"}  # to try it; nobody has asked for them

Document = dict[str, object]


def quotas(limits: Mapping[str, int]) -> dict[MeterKey, Quota]:
    """The quotas of one plan, by the calendar month; a 0 becomes none. Raises InvalidInput for a meter of another name."""
    known = {meter.key for meter in METERS}
    if unknown := sorted(set(limits) - known):
        raise InvalidInput(f"limits: {unknown[0]!r} is not limited here; known: {', '.join(sorted(known))}", field="limits")
    return {MeterKey(key): Quota(exact_decimal(limit, field=f"limits.{key}") if limit else None) for key, limit in limits.items()}


def catalogue(
    limits: Mapping[str, Mapping[str, int]], prices: Mapping[str, str], currency: str, *, meters: Collection[str],
    plans: Collection[str],
) -> Document:  # fmt: skip
    """What is missing of the meters and the plans, as a document; `prices` are of a month. What is there already stays as it is.

    Raises InvalidInput for a plan whose limits, or whose price, are not given.
    """
    if unlike := sorted(set(limits) ^ set(prices)):
        raise InvalidInput(f"prices: {unlike[0]} has a price and no limits, or limits and no price", field="prices")
    return {
        "meters": [{"key": m.key, "decimals": 0, "unit": m.unit} for m in METERS if m.key not in meters],
        "plans": [_plan(key, limits[key], prices[key], currency) for key in limits if key not in plans],
    }


def _plan(key: str, limits: Mapping[str, int], price: str, currency: str) -> Document:
    fee = {"currency": currency, "model": "flat", "amount": price}
    unlimited = {meter: quota.limit is None for meter, quota in quotas(limits).items()}
    return {
        "key": key,
        "name": key.capitalize(),
        "charges": [{"key": f"{key}_fee", "kind": "recurring", "name": key.capitalize(), "prices": [fee]}],
        "quotas": [{"meter": meter, "limit": "unlimited" if unlimited[MeterKey(meter)] else limits[meter]} for meter in limits],
    }
