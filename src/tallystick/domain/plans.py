"""What is sold: plans in versions, each with its charges, quotas and features. A version never changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from tallystick.domain.catalog import Price
from tallystick.domain.customers import checked_key
from tallystick.domain.entitlements import Quota
from tallystick.domain.periods import Cadence, Interval
from tallystick.domain.rating import needs_events
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import MeterKey
from tallystick.values.money import Currency

TRIAL_MAX = timedelta(days=730)
_DAY = timedelta(days=1)


class ChargeKind(StrEnum):
    RECURRING = "recurring"  # the same for every period
    SEATS = "seats"  # by the seats of the subscription
    USAGE = "usage"  # by what a meter measured in the period
    ONE_TIME = "one_time"  # once in the life of a subscription


class Timing(StrEnum):
    """When a fee is asked for; usage can only come in arrears."""

    ADVANCE = "advance"
    ARREARS = "arrears"


class BilledBy(StrEnum):
    """Who makes the invoices of a plan: we do, or the provider's own subscriptions do, and we follow."""

    TALLYSTICK = "tallystick"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class PlanPrice:
    """A price of a charge, in its currency; `cadence` where it is only for subscriptions of such periods.

    `lookup_key` names the provider's own price, for plans that the provider bills.
    """

    price: Price
    cadence: Cadence | None = None
    lookup_key: str | None = None


@dataclass(frozen=True, slots=True)
class PlanCharge:
    """One component of a plan that produces a line in each period. Raises InvalidInput for what makes no sense."""

    key: str
    kind: ChargeKind
    prices: tuple[PlanPrice, ...]
    meter_key: MeterKey | None = None
    timing: Timing = Timing.ADVANCE
    display_name: str = ""

    def __post_init__(self) -> None:
        checked_key(self.key, field="key")
        checked_key(self.display_name or self.key, field="name")
        if ":" in self.key or "/" in self.key:
            raise InvalidInput(f'charge {self.key}: ":" and "/" are not for keys of charges', field="key")
        if (self.kind is ChargeKind.USAGE) != (self.meter_key is not None):
            raise InvalidInput(f"charge {self.key}: usage is of a meter, and nothing else is", field="meter")
        if self.kind is not ChargeKind.USAGE and any(needs_events(priced.price) for priced in self.prices):
            raise InvalidInput(f"charge {self.key}: a fee has no events; choose another model of price", field="prices")
        if not self.prices:
            raise InvalidInput(f"charge {self.key}: has no price", field="prices")
        named = [(priced.price.currency, priced.cadence) for priced in self.prices]
        if len(set(named)) < len(named):
            raise InvalidInput(f"charge {self.key}: two prices of one currency and interval", field="prices")

    @property
    def in_advance(self) -> bool:
        return self.kind is ChargeKind.ONE_TIME or (self.kind is not ChargeKind.USAGE and self.timing is Timing.ADVANCE)

    def price(self, currency: Currency, cadence: Cadence) -> Price | None:
        """The price for such a subscription: the one of its cadence, else the one for any."""
        found = self.priced(currency, cadence)
        return None if found is None else found.price

    def priced(self, currency: Currency, cadence: Cadence) -> PlanPrice | None:
        """The same, with the name that the provider knows it by."""
        found = {priced.cadence: priced for priced in self.prices if priced.price.currency == currency}
        return found.get(cadence, found.get(None))


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """One version of a plan. An add-on is a plan that is only sold beside another one.

    `quotas` are what it lets customers use; a meter that is not named there is not limited by it, nor entitled to.
    Raises InvalidInput for what makes no sense.
    """

    key: str
    version: int
    charges: tuple[PlanCharge, ...]
    cadences: tuple[Cadence, ...] = (Cadence(Interval.MONTH),)
    quotas: Mapping[MeterKey, Quota] = field(default_factory=dict)
    features: frozenset[str] = frozenset()
    trial: timedelta = timedelta(0)
    add_on: bool = False
    display_name: str = ""
    billed_by: BilledBy = BilledBy.TALLYSTICK

    def __post_init__(self) -> None:
        checked_key(self.key, field="key")
        checked_key(self.display_name or self.key, field="name")
        self._check_billed_by()
        keys = [charge.key for charge in self.charges]
        if len(set(keys)) < len(keys):
            raise InvalidInput(f"plan {self.key}: two charges of one key", field="charges")
        if not self.cadences:
            raise InvalidInput(f"plan {self.key}: needs an interval", field="intervals")
        if not timedelta(0) <= self.trial <= TRIAL_MAX or self.trial % _DAY:
            raise InvalidInput(f"plan {self.key}: a trial of 0 to {TRIAL_MAX.days} whole days", field="trial_days")
        if self.charges and not any(self.currencies(cadence) for cadence in self.cadences):
            raise InvalidInput(
                f"plan {self.key}: no currency has a price for each of its charges, so that nobody could subscribe",
                field="charges",
            )

    def _check_billed_by(self) -> None:
        """What the provider bills it must know by name; and it knows neither add-ons of ours, nor fees in arrears or once."""
        keys = [priced.lookup_key for charge in self.charges for priced in charge.prices]
        if self.billed_by is BilledBy.TALLYSTICK:
            if any(key is not None for key in keys):
                message = f'plan {self.key}: a lookup_key is for plans with billed_by = "provider"; leave it out'
                raise InvalidInput(message, field="billed_by")
            return
        if self.add_on:
            raise InvalidInput(f"plan {self.key}: an add-on cannot be billed by the provider", field="add_on")
        if not self.charges or None in keys or len(set(keys)) < len(keys):
            message = f"plan {self.key}: billed by the provider, each price needs a lookup_key of its own there"
            raise InvalidInput(message, field="charges")
        if len(self.cadences) > 1 and any(priced.cadence is None for charge in self.charges for priced in charge.prices):
            message = f"plan {self.key}: billed by the provider, by several intervals: say of each price which one it is for"
            raise InvalidInput(message, field="charges")
        if any(not charge.in_advance and charge.kind is not ChargeKind.USAGE for charge in self.charges) or any(
            charge.kind is ChargeKind.ONE_TIME for charge in self.charges
        ):
            message = f"plan {self.key}: the provider bills fees in advance and usage; no fee in arrears, and none once"
            raise InvalidInput(message, field="charges")

    def currencies(self, cadence: Cadence) -> list[Currency]:
        """Those in which each of its charges has a price for such periods, by code; a plan without charges has none."""
        offered = [{priced.price.currency for priced in charge.prices} for charge in self.charges]
        common = set.intersection(*offered) if offered else set()
        sold = (found for found in common if all(charge.price(found, cadence) is not None for charge in self.charges))
        return sorted(sold, key=lambda found: found.code)
