"""A month of a small business in Tokyo, with everything that can stand on an invoice: to read, and for tests of what is read."""

from tallystick.domain.coupon_documents import read_coupon
from tallystick.domain.invoices import Invoice
from tallystick.values.fields import Fields
from tallystick.values.money import Money, currency
from tests.scenarios.world import World

TIERS = [
    {"up_to": "1000", "unit_amount": "1.5", "flat_amount": "500"},
    {"up_to": "10000", "unit_amount": "0.8"},
    {"up_to": None, "unit_amount": "0.25"},
]


def _plan(key: str, name: str, fee: str, code: str) -> dict[str, object]:
    usage = {"currency": code, "model": "graduated", "tiers": TIERS, "included": "100"}
    return {
        "key": key,
        "name": name,
        "charges": [
            {"key": "base", "kind": "recurring", "name": f"{name} base fee", "prices": [_flat(fee, code)]},
            {"key": "seats", "kind": "seats", "name": "Seats", "prices": [_per_unit("800", code)]},
            {"key": "calls", "kind": "usage", "meter": "api_calls", "name": "API calls", "prices": [usage]},
        ],
    }


def _flat(amount: str, code: str) -> dict[str, str]:
    return {"currency": code, "model": "flat", "amount": amount}


def _per_unit(amount: str, code: str) -> dict[str, str]:
    return {"currency": code, "model": "per_unit", "unit_amount": amount}


def rich_invoice(world: World, *, code: str = "jpy") -> Invoice:
    """Tiers, seats, a change in the middle of the month, a coupon, a credit grant, and a rest of the time before."""
    billing, of = world.billing, currency(code)
    meter = {"key": "api_calls", "aggregation": "sum", "unit": "calls"}
    plans = [_plan("basic", "Basic", "9900", code), _plan("pro", "Pro", "19900", code)]
    billing.apply_catalogue({"meters": [meter], "plans": plans})
    coupon = {"key": "EARLYBIRD30", "name": "Early bird", "percent": "30", "duration": "months", "months": 6}
    billing.put_coupon(read_coupon(Fields(coupon))[0])
    billing.put_customer("ada", email="ada@example.com", name="髙橋・﨑山商店 株式会社")
    subscription = billing.subscribe("ada", "basic", currency=code, seats=3, zone="Asia/Tokyo", anchoring="calendar")
    billing.redeem("ada", "EARLYBIRD30")
    world.uses("ada", "api_calls", 2500)
    world.on("2026-01-20T03:00").uses("ada", "api_calls", "23000")
    billing.change_subscription(subscription.id, plan="pro")
    billing.grant_credit("ada", Money(5000 * 10**of.exponent, of), kind="promotional", name="Sorry", op="outage")
    world.on("2026-01-31T17:00").works()
    newest, *_ = billing.invoices(customer_id="ada", limit=1)
    return newest
