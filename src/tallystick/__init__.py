"""The billing engine you import: usage metering, quotas and invoices for Python programs, on Stripe."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tallystick.app import Leases, Tallystick
    from tallystick.app.metering import metered
    from tallystick.domain.catalog import (
        Charge,
        Conversion,
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
    from tallystick.domain.coupons import Coupon, Duration, PromotionCode
    from tallystick.domain.entitlements import Decision, Policy, Quota, Reset
    from tallystick.domain.payments import Collection
    from tallystick.domain.price_documents import read_price
    from tallystick.domain.tiers import PercentTier, Tier
    from tallystick.domain.usage import Aggregation, Event, Meter, Verdict
    from tallystick.short_way import BillingEngine, CostProjector, UsageTracker
    from tallystick.values.errors import TallystickError
    from tallystick.values.money import Money, currency
    from tallystick.values.time import Period

__all__ = [
    "Aggregation",
    "BillingEngine",
    "Charge",
    "Collection",
    "Conversion",
    "CostProjector",
    "Coupon",
    "Decision",
    "Duration",
    "DynamicPrice",
    "Event",
    "FlatPrice",
    "GraduatedPercentagePrice",
    "GraduatedPrice",
    "Leases",
    "Meter",
    "Money",
    "PackagePrice",
    "PercentTier",
    "PercentagePrice",
    "Period",
    "Policy",
    "PromotionCode",
    "Quota",
    "Reset",
    "StairstepPrice",
    "Tallystick",
    "TallystickError",
    "Tier",
    "UnitPrice",
    "UsageTracker",
    "Verdict",
    "VolumePrice",
    "currency",
    "metered",
    "read_price",
]
__version__ = "0.1.0"

# Where each public name lives; imported when it is first asked for, so that `import tallystick` costs next to nothing.
_HOMES = {
    "Aggregation": "tallystick.domain.usage",
    "BillingEngine": "tallystick.short_way",
    "Charge": "tallystick.domain.catalog",
    "Collection": "tallystick.domain.payments",
    "Conversion": "tallystick.domain.catalog",
    "CostProjector": "tallystick.short_way",
    "Coupon": "tallystick.domain.coupons",
    "Decision": "tallystick.domain.entitlements",
    "Duration": "tallystick.domain.coupons",
    "DynamicPrice": "tallystick.domain.catalog",
    "Event": "tallystick.domain.usage",
    "FlatPrice": "tallystick.domain.catalog",
    "GraduatedPercentagePrice": "tallystick.domain.catalog",
    "GraduatedPrice": "tallystick.domain.catalog",
    "Leases": "tallystick.app",
    "Meter": "tallystick.domain.usage",
    "Money": "tallystick.values.money",
    "PackagePrice": "tallystick.domain.catalog",
    "PercentTier": "tallystick.domain.tiers",
    "PercentagePrice": "tallystick.domain.catalog",
    "Period": "tallystick.values.time",
    "Policy": "tallystick.domain.entitlements",
    "PromotionCode": "tallystick.domain.coupons",
    "Quota": "tallystick.domain.entitlements",
    "Reset": "tallystick.domain.entitlements",
    "StairstepPrice": "tallystick.domain.catalog",
    "Tallystick": "tallystick.app",
    "TallystickError": "tallystick.values.errors",
    "Tier": "tallystick.domain.tiers",
    "UnitPrice": "tallystick.domain.catalog",
    "UsageTracker": "tallystick.short_way",
    "Verdict": "tallystick.domain.usage",
    "VolumePrice": "tallystick.domain.catalog",
    "currency": "tallystick.values.money",
    "metered": "tallystick.app.metering",
    "read_price": "tallystick.domain.price_documents",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'tallystick' has no attribute {name!r}")
    return getattr(import_module(home), name)
