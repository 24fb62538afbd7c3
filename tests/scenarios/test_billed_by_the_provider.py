"""A month in which the provider bills: its prices made by us, its meter told by us, its invoice its own."""

from typing import Any

from tallystick.domain.provider_subscriptions import InvoiceStanding, Standing
from tallystick.storage import customers
from tallystick.values.ids import CustomerId
from tests.scenarios.world import World, day

PLAN: dict[str, Any] = {
    "key": "pro",
    "name": "Pro",
    "billed_by": "provider",
    "charges": [
        {"key": "base", "kind": "recurring", "prices": [
            {"currency": "usd", "model": "flat", "amount": "20", "lookup_key": "pro_base"}]},
        {"key": "calls", "kind": "usage", "meter": "calls", "prices": [
            {"currency": "usd", "model": "graduated", "lookup_key": "pro_calls", "tiers": [
                {"up_to": "1000", "unit_amount": "0"}, {"up_to": None, "unit_amount": "0.01"}]}]},
    ],
}  # fmt: skip


def test_a_month_that_the_provider_bills(world: World) -> None:
    billing = world.billing
    billing.apply_catalogue({"meters": [{"key": "calls", "decimals": 0, "export_as": "calls_made"}], "plans": [PLAN]})
    billing.push_catalogue()
    billing.put_customer("ada", email="ada@example.com")
    followed = billing.subscribe_at_provider("ada", "pro")
    world.works()
    with billing.context.database.reading() as conn:
        ada = customers.get(conn, CustomerId("ada"))
    assert ada is not None
    method = world.sandbox_call("POST", "/v1/payment_methods/pm_card_visa/attach", customer=ada.provider_ref)["id"]
    world.sandbox_call("POST", f"/v1/customers/{ada.provider_ref}", invoice_settings__default_payment_method=method)
    world.later(hours=7)
    world.works()
    assert billing.provider_subscription(followed.id).standing is Standing.ACTIVE

    world.on("2026-01-20").uses("ada", "calls", 1_500, times=2)
    world.later(minutes=5)
    world.works()
    world.on("2026-02-02")
    for _ in range(3):
        world.delivers(times=2)
        world.works()
    february, january = billing.provider_invoices("ada")
    assert (january.invoice.total.minor, january.invoice.standing) == (20_00, InvoiceStanding.PAID)
    assert (february.invoice.total.minor, february.invoice.standing) == (20_00 + 5_00, InvoiceStanding.PAID)
    assert world.bills("ada") == []
    assert billing.invoices(customer_id="ada") == []


def test_usage_before_a_first_payment_that_never_came_is_in_no_later_subscriptions_period(world: World) -> None:
    billing = world.billing
    billing.apply_catalogue({"meters": [{"key": "calls", "decimals": 0, "export_as": "calls_made"}], "plans": [PLAN]})
    billing.push_catalogue()
    billing.put_customer("ada", email="ada@example.com")
    billing.subscribe_at_provider("ada", "pro")
    world.works()
    world.uses("ada", "calls", 9_000)
    for hours in (1, 23):
        world.later(hours=hours).delivers()
        world.works()
    ref = billing.customer("ada").provider_ref
    method = world.sandbox_call("POST", "/v1/payment_methods/pm_card_visa/attach", customer=ref)["id"]
    world.sandbox_call("POST", f"/v1/customers/{ref}", invoice_settings__default_payment_method=method)
    billing.subscribe_at_provider("ada", "pro")
    world.works()
    world.later(days=3).uses("ada", "calls", 1_100)
    for at in ("2026-01-10", "2026-02-02T12:00", "2026-02-03"):
        world.on(at).works()
        world.delivers(times=2)
        world.works()
    totals = [each.invoice.total.minor for each in billing.provider_invoices("ada")]
    assert totals[:2] == [20_00 + 1_00, 20_00], "a hundred more than are included, and none of the nine thousand"
    told = [each for each in billing.reconcile(since=day("2026-01-01")).findings if each["part"] == "usage"]
    assert [(each["ours"], each["theirs"]) for each in told] == [("9000", None)]
