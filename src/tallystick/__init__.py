"""The billing engine you import: usage metering, quotas and invoices for Python programs, on Stripe."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tallystick.app import Tallystick
    from tallystick.domain.usage import Event, Meter, Verdict
    from tallystick.short_way import BillingEngine, CostProjector, UsageTracker
    from tallystick.values.errors import TallystickError
    from tallystick.values.money import Money
    from tallystick.values.time import Period

__all__ = [
    "BillingEngine",
    "CostProjector",
    "Event",
    "Meter",
    "Money",
    "Period",
    "Tallystick",
    "TallystickError",
    "UsageTracker",
    "Verdict",
]
__version__ = "0.1.0"

# Where each public name lives; imported when it is first asked for, so that `import tallystick` costs next to nothing.
_HOMES = {
    "BillingEngine": "tallystick.short_way",
    "CostProjector": "tallystick.short_way",
    "Event": "tallystick.domain.usage",
    "Meter": "tallystick.domain.usage",
    "Money": "tallystick.values.money",
    "Period": "tallystick.values.time",
    "Tallystick": "tallystick.app",
    "TallystickError": "tallystick.values.errors",
    "UsageTracker": "tallystick.short_way",
    "Verdict": "tallystick.domain.usage",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'tallystick' has no attribute {name!r}")
    return getattr(import_module(home), name)
