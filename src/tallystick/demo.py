"""A year of a business that sells an API, through the real engine and the sandbox: to look at, and to see the books are right.

The same seed tells the same story. Time is a clock that is moved, and nobody's card is ever asked."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tallystick.app import Tallystick
from tallystick.domain.coupon_documents import read_coupon
from tallystick.domain.payments import Collection
from tallystick.domain.usage import Event
from tallystick.testing import FakeClock, SeededIds
from tallystick.values.fields import Fields
from tallystick.values.ids import CustomerId, EventId, MeterKey, SystemIds
from tallystick.values.money import Money, currency
from tallystick.worker import loop, schedule

_CALLS, _TOKENS = MeterKey("api_calls"), MeterKey("tokens")
_PLANS = ("starter", "growth", "scale")
_FEES = {"starter": ("19", "2900"), "growth": ("99", "14900"), "scale": ("499", "74900")}
_PACE = {"starter": 60, "growth": 900, "scale": 9000}  # calls of a usual day
_FIRST = "Amber Blue Cedar Delta Ember Fern Grove Harbor Iris Juniper Kestrel Linden Maple North Opal Pine Quartz River".split()
_LAST = "Analytics Books Clinic Dynamics Foods Labs Logistics Media Robotics Software".split()
_JAPANESE = "さくら みどり あおぞら ひまわり こだま つばめ あかつき しらかば".split()
_DECLINED = ("pm_card_chargeCustomerFail", "pm_card_visa_chargeDeclinedInsufficientFunds")
_SPIKE_ON, _DOWN_ON = 0.55, 0.7  # of the year
_COUPON = {"key": "EARLYBIRD30", "name": "Early bird", "percent": "30", "duration": "months", "months": 3}


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody whose year it is: days are counted from its first one."""

    id: str
    name: str
    is_japanese: bool
    plan: str
    card: str
    joins_on: int
    leaves_on: int | None
    grows_on: int | None
    pace: int

    @property
    def currency(self) -> str:
        return "jpy" if self.is_japanese else "usd"


class Year:
    """`billing` stands on `clock`, and on an empty database; `chance` decides everything that is left to it."""

    def __init__(self, billing: Tallystick, clock: FakeClock, *, customers: int, days: int, seed: int) -> None:
        self._billing, self._clock, self._days = billing, clock, days
        self._chance = random.Random(seed)  # noqa: S311 a story, and no secret
        self._customers = [self._made_up(number, customers) for number in range(customers)]
        self._subscriptions: dict[str, str] = {}
        self._sweeps = schedule.Sweeps()
        self._began_at = clock.now()

    def run(self, advanced: Callable[[int], None] = lambda _: None) -> None:
        """Day by day; `advanced` is told of each that is over."""
        self._billing.apply_catalogue(_catalogue())
        self._billing.put_coupon(read_coupon(Fields(_COUPON))[0])
        for day in range(self._days):
            self._clock.set(self._began_at + timedelta(days=day, hours=9, minutes=55))
            for customer in self._customers:
                self._live(customer, day)
            if day == int(self._days * _DOWN_ON):
                self._make_up_for_downtime()
            self._billing.record(list(self._used(day)))
            if day == int(self._days * _SPIKE_ON):
                self._works_at(day, hours=10, minutes=5)  # an hour that is unusual is seen while it is the last one
            self._works_at(day, hours=24)
            advanced(1)

    def _works_at(self, day: int, **hours: int) -> None:
        """What the worker does at that time of the day."""
        self._clock.set(self._began_at + timedelta(days=day, **hours))
        self._sweeps.run_due(self._billing.context)
        loop.run_until_idle(self._billing.context)

    def _made_up(self, number: int, of: int) -> Customer:
        chance, days = self._chance, self._days
        is_japanese = chance.random() < 0.2
        name = f"{_FIRST[number % len(_FIRST)]} {_LAST[(number * 7) // len(_FIRST) % len(_LAST)]}"
        plan = chance.choices(_PLANS, (6, 3, 1))[0]
        joins_on = 0 if number < of // 6 else int(days * 0.95 * (number / of) ** 0.8)
        leaves_on = joins_on + chance.randint(days // 8, days) if chance.random() < 0.3 else None
        return Customer(
            id=f"cus_{number + 1:03d}",
            name=f"{_JAPANESE[number % len(_JAPANESE)]}商事 株式会社" if is_japanese else name,
            is_japanese=is_japanese,
            plan=plan,
            card=chance.choice(_DECLINED) if chance.random() < 0.08 else "pm_card_visa",
            joins_on=joins_on,
            leaves_on=leaves_on if leaves_on is not None and leaves_on < days else None,
            grows_on=joins_on + chance.randint(days // 10, days // 2) if plan != "scale" and chance.random() < 0.25 else None,
            pace=max(int(_PACE[plan] * chance.uniform(0.4, 1.8)), 1),
        )

    def _live(self, customer: Customer, day: int) -> None:
        """What this customer decides on this day."""
        if day == customer.joins_on:
            self._join(customer)
        if customer.id not in self._subscriptions or self._has_left(customer, day - 1):
            return
        subscription = self._subscriptions[customer.id]
        if self._billing.subscription(subscription).status not in {"active", "trialing"}:
            return
        if day == customer.grows_on:
            self._billing.change_subscription(subscription, plan=_PLANS[_PLANS.index(customer.plan) + 1])
        if day == customer.leaves_on:
            self._billing.cancel(subscription)

    def _join(self, customer: Customer) -> None:
        billing, zone = self._billing, "Asia/Tokyo" if customer.is_japanese else "UTC"
        language = "ja" if customer.is_japanese else "en"
        billing.put_customer(customer.id, email=f"{customer.id}@example.com", name=customer.name, language=language)
        if customer.joins_on == 0:
            billing.redeem(customer.id, str(_COUPON["key"]))
        begun = billing.subscribe(
            customer.id,
            customer.plan,
            currency=customer.currency,
            zone=zone,
            anchoring="calendar",
            collection=Collection(payment_method=customer.card),
        )
        self._subscriptions[customer.id] = begun.id

    def _make_up_for_downtime(self) -> None:
        """Half a day was lost for everybody: some credit, once each."""
        for customer in self._customers:
            if customer.id in self._subscriptions:
                amount = Money(500, currency(customer.currency))  # 5.00 dollars, 500 yen
                self._billing.grant_credit(customer.id, amount, kind="promotional", name="Downtime", op=f"downtime-{customer.id}")

    def _used(self, day: int) -> Iterator[Event]:
        spike = self._customers[0].id if day == int(self._days * _SPIKE_ON) else None
        for customer in self._customers:
            if customer.joins_on > day or self._has_left(customer, day):
                continue
            growth = 1 + (day - customer.joins_on) / self._days
            calls = int(customer.pace * growth * self._chance.uniform(0.5, 1.5) * (20 if customer.id == spike else 1))
            late = timedelta(days=3) if self._chance.random() < 0.01 and day - customer.joins_on > 3 else timedelta(0)
            at = self._clock.now() - timedelta(minutes=self._chance.randint(1, 54)) - late
            yield self._event(customer, _CALLS, calls, day, at)
            yield self._event(customer, _TOKENS, calls * self._chance.randint(200, 900), day, at)

    def _event(self, customer: Customer, meter: MeterKey, quantity: int, day: int, at: datetime) -> Event:
        return Event(CustomerId(customer.id), EventId(f"{meter}-{day}"), meter, Decimal(quantity), at)

    def _has_left(self, customer: Customer, day: int) -> bool:
        return customer.leaves_on is not None and customer.leaves_on < day


class _Ids(SeededIds):
    """The same ids each time, and secrets that nobody can foresee: the database is served afterwards."""

    def secret(self, size: int) -> bytes:
        return SystemIds(FakeClock()).secret(size)


def opened(url: str, *, began_at: datetime, seed: int) -> tuple[Tallystick, FakeClock]:
    """An engine for a year that begins then."""
    clock = FakeClock(began_at)
    return Tallystick.from_url(url, clock=clock, ids=_Ids(seed)), clock


def _catalogue() -> dict[str, object]:
    meters = [{"key": _CALLS, "unit": "calls", "decimals": 0}, {"key": _TOKENS, "unit": "tokens", "decimals": 0}]
    return {"meters": meters, "plans": [_plan(key) for key in _PLANS]}


def _plan(key: str) -> dict[str, object]:
    dollars, yen = _FEES[key]
    fees = [{"currency": "usd", "model": "flat", "amount": dollars}, {"currency": "jpy", "model": "flat", "amount": yen}]
    return {
        "key": key,
        "name": key.capitalize(),
        "charges": [
            {"key": "base", "kind": "recurring", "name": key.capitalize(), "prices": fees},
            {
                "key": "calls",
                "kind": "usage",
                "meter": _CALLS,
                "name": "API calls",
                "prices": _tiered("0.002", "0.001", "0.3", "0.15"),
            },
            {"key": "tokens", "kind": "usage", "meter": _TOKENS, "name": "Tokens", "prices": _packaged("0.02", "3")},
        ],
    }


def _tiered(dollars: str, fewer_dollars: str, yen: str, fewer_yen: str) -> list[dict[str, object]]:
    return [
        {
            "currency": code,
            "model": "graduated",
            "included": "1000",
            "tiers": [{"up_to": "50000", "unit_amount": first}, {"up_to": None, "unit_amount": then}],
        }
        for code, first, then in (("usd", dollars, fewer_dollars), ("jpy", yen, fewer_yen))
    ]


def _packaged(dollars: str, yen: str) -> list[dict[str, object]]:
    amounts = (("usd", dollars), ("jpy", yen))
    return [
        {"currency": code, "model": "package", "package_size": "100000", "package_amount": amount} for code, amount in amounts
    ]
