"""What an app begins with that sells three plans: its meters, and how much of each a plan lets its users use in a month."""

from collections.abc import Mapping
from decimal import Decimal

from tallystick.domain.entitlements import Quota
from tallystick.domain.usage import Meter
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


def quotas(limits: Mapping[str, int]) -> dict[MeterKey, Quota]:
    """The quotas of one plan, by the calendar month; a 0 becomes none. Raises InvalidInput for a meter of another name."""
    known = {meter.key for meter in METERS}
    if unknown := sorted(set(limits) - known):
        raise InvalidInput(f"limits: {unknown[0]!r} is not limited here; known: {', '.join(sorted(known))}", field="limits")
    return {MeterKey(key): Quota(Decimal(limit) if limit else None) for key, limit in limits.items()}
