"""A small business in the middle of March 2026, for the pages to show: three plans, customers in every state, and an admin."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tallystick.app import Tallystick
from tallystick.domain.api_keys import Scope
from tallystick.domain.catalog import Charge
from tallystick.domain.payments import Collection
from tallystick.domain.price_documents import read_price
from tallystick.domain.usage import Event, Meter
from tallystick.testing import FakeClock
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.money import EUR, USD, Money
from tallystick.worker.loop import run_until_idle

BEGAN, NOW = datetime(2026, 2, 5, 9, tzinfo=UTC), datetime(2026, 3, 18, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"
ADMIN, ADA, LATE = "boss@example.com", "ada@example.com", "late@example.com"
NEW, FRESH = "new@example.com", "fresh@example.com"  # without a plan; one of them is about to take one
TOKENS, CALLS, NIGHTS = MeterKey("tokens"), MeterKey("api_calls"), MeterKey("nights")
_QUIET = (5, 6)  # of the days of a week
_STAYS = {3: 40, 10: 50, 17: 30, 20: 4_200, 24: 4_300}  # nights on a day, the last two far above what is usual


def catalogue() -> dict[str, object]:
    return {
        "meters": [{"key": TOKENS, "unit": "token", "decimals": 0}, {"key": CALLS, "unit": "call", "decimals": 0}],
        "plans": [
            _plan("starter", "19", tokens="100000", calls="1000"),
            _plan("pro", "99", tokens="1000000", calls="20000", features=["team", "priority support"]),
            _plan("enterprise", "499", tokens="unlimited", calls="100000", features=["team", "priority support", "sso"]),
        ],
    }


def _plan(key: str, amount: str, *, tokens: str, calls: str, features: list[str] | None = None) -> dict[str, Any]:
    included = {"model": "per_unit", "unit_amount": "0.01", "included": calls}
    return {
        "key": key,
        "name": key.capitalize(),
        "intervals": ["month", "year"],
        "features": features or [],
        "quotas": [
            {"meter": TOKENS, "limit": tokens, "policy": "hard", "reset": "period"},
            {"meter": CALLS, "limit": calls, "policy": "soft", "reset": "period"},
        ],
        "charges": [
            {"key": f"{key}_base", "kind": "recurring", "name": key.capitalize(), "prices": [
                {"currency": code, "model": "flat", "amount": f"{amount}{zeros}", "interval": interval}
                for code in ("usd", "eur") for interval, zeros in (("month", ""), ("year", "0"))
            ]},
            {"key": f"{key}_calls", "kind": "usage", "meter": CALLS, "name": "API calls", "prices": [
                {"currency": code, **included} for code in ("usd", "eur")
            ]},
        ],
    }  # fmt: skip


def fill(billing: Tallystick, clock: FakeClock) -> None:
    """Lives from February to the middle of March."""
    clock.set(BEGAN)
    billing.apply_catalogue(catalogue(), actor="shell")
    billing.put_meter(Meter(NIGHTS, unit="night", decimals=0))
    billing.put_charge(
        Charge("nights", NIGHTS, read_price({"currency": "usd", "model": "per_unit", "unit_amount": "1"}), "Nights")
    )
    billing.register(ADMIN, PASSWORD, role="admin")
    ada = billing.register(ADA, PASSWORD).id
    billing.put_customer(ada, email=ADA, name="Ada Lovelace")
    billing.subscribe(ada, "starter", currency="usd", collection=Collection(payment_method="pm_card_visa"))
    billing.put_customer("studio-kobo", email="keiri@kobo.example", name="スタジオ工房")
    billing.subscribe("studio-kobo", "pro", currency="eur", collection=Collection(payment_method="pm_card_visa"))
    billing.put_customer("ben & sons", email="ben@example.net", name="Ben & Sons")
    billing.subscribe("ben & sons", "starter", currency="usd", collection=Collection(payment_method="pm_card_chargeCustomerFail"))
    late = billing.register(LATE, PASSWORD).id
    billing.put_customer(late, email=LATE, name="Late Payments Ltd")
    billing.subscribe(late, "starter", currency="eur", collection=Collection(payment_method="pm_card_chargeCustomerFail"))
    billing.put_customer("trial-co", email="hello@trial.example")
    billing.put_customer("grand-hotel", email="office@grand.example", name="Grand Hotel")
    for at in range((NOW - BEGAN).days + 1):
        clock.set(BEGAN + timedelta(days=at))
        for customer, much in ((ada, 1), ("studio-kobo", 8), ("ben & sons", 0)):
            use(billing, customer, at, much)
        if at in _STAYS:
            stay(billing, _STAYS[at])
        for subscription in billing.due_subscriptions():
            billing.bill_subscription(subscription)
        run_until_idle(billing.context)
        deliver(billing)
    clock.set(NOW)
    for email in (NEW, FRESH):
        billing.register(email, PASSWORD)
    billing.grant_credit(ada, Money(1500, USD), kind="promotional", name="Sorry for the outage", op="outage", actor="support")
    billing.grant_credit("studio-kobo", Money(5000, EUR), kind="promotional", name="Welcome", op="welcome", actor="support")
    billing.cap_spend(ada, Money(20_000, USD), actor="support")
    billing.create_api_key("production", [Scope.EVENTS_WRITE], actor="shell")
    billing.revoke_api_key(billing.create_api_key("old laptop", [Scope.ADMIN], actor="shell").key_id, actor="shell")
    run_until_idle(billing.context)


def use(billing: Tallystick, customer: str, at: int, much: int) -> None:
    """One day's usage: more in the week than at its end, and a little more every day."""
    day = BEGAN + timedelta(days=at)
    if not much or day.weekday() in _QUIET:
        return
    wave = 1 + at % 4
    sizes = {TOKENS: 2_000 * wave + 40 * at, CALLS: 18 * wave + at // 4}
    for meter, size in sizes.items():
        billing.consume(customer, meter, size * much, op=f"{meter}-{at}")


def stay(billing: Tallystick, nights: int) -> None:
    """By one who has no plan: billed on the same day, and charged for that alone."""
    now = billing.context.clock.now()
    hotel, name = CustomerId("grand-hotel"), EventId(f"stay-{now.date()}")
    billing.record([Event(hotel, name, NIGHTS, Decimal(nights), now - timedelta(hours=1))])
    billing.bill(hotel, collection=Collection(payment_method="pm_card_visa"), actor="shell")


def deliver(billing: Tallystick) -> None:
    """The sandbox's news, taken in at once."""
    assert billing.sandbox is not None

    def post(_url: str, headers: dict[str, str], body: bytes) -> int:
        billing.receive(body, headers)
        return 200

    billing.sandbox.webhooks.deliver_due(post)
    run_until_idle(billing.context)
