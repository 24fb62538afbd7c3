"""Three weeks in which no webhook comes: what happened at the provider is in our books all the same."""

from typing import Any

from tallystick.domain.disputes import DisputeStatus
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.ledger import Account
from tallystick.domain.payments import Method
from tallystick.domain.provider_subscriptions import InvoiceStanding
from tallystick.values.money import USD
from tallystick.worker import loop
from tests.scenarios.world import World

PRICE = {"model": "per_unit", "currency": "usd", "unit_amount": "1"}
CATALOGUE: dict[str, Any] = {
    "plans": [{"key": "weekly", "billed_by": "provider", "intervals": ["week"], "charges": [
        {"key": "base", "kind": "recurring", "prices": [
            {"currency": "usd", "model": "flat", "amount": "20", "lookup_key": "weekly_base"}]}]}],
    "coupons": [{"key": "spring", "name": "Spring", "percent": "20", "duration": "forever"}],
}  # fmt: skip


def follows(world: World, customer: str) -> None:
    """A subscription that the provider bills, by the week, to a card that it keeps."""
    world.billing.apply_catalogue(CATALOGUE)
    world.billing.push_catalogue()
    world.billing.put_customer(customer, email=f"{customer}@example.com")
    world.billing.subscribe_at_provider(customer, "weekly")
    world.works()
    ref = world.billing.customer(customer).provider_ref
    card = world.sandbox_call("POST", "/v1/payment_methods/pm_card_visa/attach", customer=ref)["id"]
    world.sandbox_call("POST", f"/v1/customers/{ref}", invoice_settings__default_payment_method=card)
    world.later(hours=7).works()
    world.delivers()
    world.works()


def happens_there(world: World, invoices: dict[str, Invoice], day: int) -> None:
    if day == 9:
        intent = world.payment(invoices["bob"]).ref
        world.sandbox_call("POST", "/v1/refunds", payment_intent=intent, amount=4000)
    if day == 12:
        (dispute,) = world.sandbox_call("GET", "/v1/disputes")["data"]
        world.sandbox_call("POST", f"/v1/disputes/{dispute['id']}", evidence__uncategorized_text="winning_evidence")
    if day == 13:
        world.sandbox_call("POST", "/v1/coupons/spring", name="Autumn")
    if day == 15:
        world.sandbox_call("POST", f"/v1/payment_intents/{world.payment(invoices['dan']).ref}/cancel")


def three_weeks_of_business(world: World, *, worker: bool) -> dict[str, Invoice]:
    """Four invoices; one is paid at the desk of the provider, one goes back, one is disputed and won, one is canceled there.

    The provider bills eve by itself, every week; and somebody there renames a coupon.
    """
    world.sells("calls", PRICE)
    follows(world, "eve")
    invoices = {}
    for customer in ("ada", "bob", "cyd", "dan"):
        world.uses(customer, "calls", 100)
        world.later(minutes=1)
        invoices[customer] = world.bill(customer, method=Method.INTENT, automatic=False)
    world.works()
    world.sandbox.faults.set("webhook_drop", 1.0)
    world.on("2026-01-03")
    for customer, card in (("ada", "pm_card_visa"), ("bob", "pm_card_visa"), ("cyd", "pm_card_createDispute")):
        world.pays(invoices[customer], card)
    for day in range(4, 22):
        world.on(f"2026-01-{day:02}T12:00")
        happens_there(world, invoices, day)
        world.sandbox.webhooks.deliver_due(lambda *_: 200)
        if worker:
            world.works()
    world.sandbox.faults.off()
    return invoices


def check(world: World, invoices: dict[str, Invoice]) -> None:
    stands = {customer: world.now(invoice).status for customer, invoice in invoices.items()}
    assert stands == {
        "ada": InvoiceStatus.PAID, "bob": InvoiceStatus.PAID, "cyd": InvoiceStatus.PAID, "dan": InvoiceStatus.OPEN,
    }  # fmt: skip
    assert [refund.amount.minor for refund in world.billing.refunds_of(invoices["bob"])] == [4000]
    assert [dispute.status for dispute in world.billing.disputes()] == [DisputeStatus.WON]
    assert world.balance(Account.CASH, USD).minor == 30000 - 4000
    assert world.balance(Account.DISPUTED, USD).minor == 0
    weekly = [mirrored.invoice for mirrored in world.billing.provider_invoices("eve")]
    assert [(told.standing, told.amount_paid.minor) for told in weekly] == 3 * [(InvoiceStanding.PAID, 20_00)]
    assert world.sandbox_call("GET", "/v1/coupons/spring")["name"] == "Spring"
    world.proves()
    found = world.billing.reconcile()
    assert (list(found.findings), found.equal["payments"]) == ([], 5), "both halves match, to the canceled one"
    assert (found.equal["invoices"], found.equal["subscriptions"], found.equal["coupons"]) == (3, 1, 1)
    world.pays(invoices["dan"])
    world.later(minutes=20).works()
    assert world.now(invoices["dan"]).status is InvoiceStatus.PAID


def test_every_night_heals_what_the_day_has_lost(small_world: World) -> None:
    invoices = three_weeks_of_business(small_world, worker=True)
    check(small_world, invoices)


def test_one_comparison_heals_three_weeks(world: World) -> None:
    invoices = three_weeks_of_business(world, worker=False)
    seen = world.billing.reconcile()
    assert {finding["part"] for finding in seen.findings} == {
        "news", "payments", "invoices", "refunds", "disputes", "subscriptions", "coupons",
    }  # fmt: skip
    assert seen.beyond_repair == []
    found = world.billing.reconcile(repair=True)
    assert found.differing == []
    assert world.billing.reconcile(repair=True).findings == [], "twice is once"
    loop.run_until_idle(world.billing.context)
    check(world, invoices)
