"""Corners of a subscription's life, each with the figures that it comes to."""

from datetime import UTC, datetime
from decimal import Decimal

from tallystick import Tallystick
from tallystick.domain.invoices import Invoice
from tallystick.domain.usage import Event
from tallystick.testing import FakeClock, SeededIds
from tallystick.worker import loop

METERS = [{"key": "calls", "decimals": 0}]


def flat(amount: str, **more: object) -> dict[str, object]:
    return {"currency": "eur", "model": "flat", "amount": amount, **more}


def each(amount: str, **more: object) -> dict[str, object]:
    return {"currency": "eur", "model": "per_unit", "unit_amount": amount, **more}


def charge(key: str, kind: str, *prices: dict[str, object], **more: object) -> dict[str, object]:
    return {"key": key, "kind": kind, "prices": list(prices), **more}


def calls(price: dict[str, object]) -> dict[str, object]:
    return charge("calls", "usage", price, meter="calls")


PLANS = [
    {"key": "starter", "charges": [charge("base", "recurring", flat("31"))]},
    {"key": "pro", "charges": [charge("base", "recurring", flat("62")), calls(each("0.01"))]},
    {"key": "metered", "charges": [calls(each("1"))]},
    {"key": "least", "charges": [calls(each("0.01", minimum_amount="31"))]},
]


class Shop:
    """An engine whose clock waits for us."""

    def __init__(self, plans: list[dict[str, object]] | None = None, **catalogue: object) -> None:
        self.clock = FakeClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.app = Tallystick.from_url("sqlite://", clock=self.clock, ids=SeededIds())
        self.app.apply_catalogue({"meters": METERS, "plans": PLANS if plans is None else plans, **catalogue})
        self.events = 0

    def on(self, text: str) -> "Shop":
        self.clock.set(datetime.fromisoformat(text).replace(tzinfo=UTC))
        return self

    def uses(self, quantity: int, *, at: str | None = None) -> "Shop":
        self.events += 1
        when = self.clock.now() if at is None else datetime.fromisoformat(at).replace(tzinfo=UTC)
        self.app.record([Event("ada", f"event-{self.events}", "calls", Decimal(quantity), when)])  # type: ignore[arg-type]
        return self

    def works(self) -> "Shop":
        loop.catch_up(self.app.context)
        return self

    def invoices(self) -> list[Invoice]:
        """All of them, by number."""
        return sorted(self.app.invoices(customer_id="ada", limit=200), key=lambda invoice: invoice.number or "")

    def amounts(self) -> list[list[int]]:
        """The lines of each invoice, in minor units."""
        return [[line.amount.minor for line in invoice.lines] for invoice in self.invoices()]

    def proves(self) -> None:
        report = self.app.verify()
        assert report.clean, report.violations


def test_a_minimum_is_due_for_as_long_as_its_charge_counts() -> None:
    shop = Shop()
    named = shop.app.subscribe("ada", "least").id
    shop.on("2026-01-11").app.change_subscription(named, plan="starter", when="now")
    shop.on("2026-01-21").app.change_subscription(named, plan="least", when="now")
    shop.on("2026-02-02").works()
    assert shop.amounts() == [[1000, 2100], [-1100], [1100]], "ten days, and eleven; not ten, and the whole month again"
    shop.proves()
