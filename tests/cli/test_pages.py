"""The provider's pages, opened from the shell: an invoice is paid there, a subscription begun, a card saved."""

import pytest

from tallystick.cli.engine import engine
from tallystick.domain.payments import Collection, Method
from tallystick.sandbox import pages
from tests.cli.conftest import Shell

CATALOGUE = """
[[plans]]
key = "solo"
charges = [{ key = "base", kind = "recurring", prices = [{ currency = "eur", model = "flat", amount = "9" }] }]

[[plans]]
key = "team"
billed_by = "provider"

[[plans.charges]]
key = "seats"
kind = "seats"
prices = [{ currency = "usd", model = "per_unit", unit_amount = "20", lookup_key = "team_seat" }]
"""
BACK = ("--success-url", "https://shop.test/ok?session={CHECKOUT_SESSION_ID}", "--cancel-url", "https://shop.test/back")


@pytest.fixture
def shop(shell: Shell) -> Shell:
    shell("catalog", "apply", shell.file("plans.toml", CATALOGUE))
    return shell


def visit(url: str, form: str) -> int:
    """The customer, on the page; the status of what they then see."""
    with engine() as billing:
        assert billing.sandbox is not None
        return pages.answer(billing.sandbox, "POST", url.removeprefix(billing.sandbox.public_url), form.encode())[0]


def owed(customer: str, method: Method = Method.INTENT) -> str:
    """The number of an open invoice of 9.00 euros that nobody has paid, collected so."""
    with engine() as billing:
        begun = billing.subscribed(customer, "solo", collection=Collection(method, automatic=False))
        assert begun.invoice is not None
        billing.collect(begun.invoice.id)
        return str(billing.invoice(begun.invoice.id).number)


def test_an_open_invoice_is_paid_on_a_page_and_asked_for_again_it_is_the_same_page(shop: Shell) -> None:
    number = owed("ada")
    assert f"{number}: open, 9.00 EUR; a page would be opened" in shop(
        "invoices", "page", number, *BACK, "--dry-run", exit_status=2
    )
    url = shop("invoices", "page", number, *BACK).strip()
    assert shop.json("invoices", "page", number, *BACK, "--dry-run")["opens_page"] is False
    again = shop.json("invoices", "page", number, *BACK)
    assert (again["url"], again["payment"]["amount"]) == (url, {"amount": 900, "currency": "eur"})
    assert again["session_id"].startswith("cs_test_")
    assert any(act["actor"] == "shell" and act["action"] == "payment.sent_to_page" for act in shop.json("audit"))
    assert visit(url, "card=pm_card_visa") == 303
    assert f"{number}: paid" in shop("invoices", "pay", number)
    assert "no page would be opened" in shop("invoices", "page", number, *BACK, "--dry-run")
    shop("invoices", "page", number, *BACK, exit_status=1)
    assert shop.err.endswith("is paid; nothing is left to be paid [not_open]\n")
    assert shop.json("verify")["clean"] is True


def test_a_page_that_is_closed_leaves_the_invoice_open_and_can_be_closed_twice(shop: Shell) -> None:
    number = owed("ada")
    url = shop("invoices", "page", number, *BACK).strip()
    assert f"{number}: open; payment open" in shop("invoices", "close-page", number)
    assert shop.json("invoices", "close-page", number)["url"] is None
    assert visit(url, "card=pm_card_visa") != 303
    assert shop("invoices", "page", number, *BACK).strip() != url


def test_a_hosted_invoice_has_a_page_already(shop: Shell) -> None:
    number = owed("ada", Method.HOSTED)
    shop("invoices", "page", number, *BACK, "--dry-run")
    assert "/invoice/" in shop("invoices", "page", number, *BACK)


def test_an_address_that_a_page_cannot_lead_back_to_is_named(shop: Shell) -> None:
    number = owed("ada")
    for more in ((), ("--dry-run",)):
        shop("invoices", "page", number, "--success-url", "/paid", *BACK[2:], *more, exit_status=1)
        assert shop.err.startswith("tallystick: success_url: must be an absolute")
    shop("invoices", "page", "INV-999999", *BACK, exit_status=1)
    assert shop.err == "tallystick: invoice: there is no such invoice [not_found]\n"


def test_a_plan_that_the_provider_bills_is_begun_on_its_page(shop: Shell) -> None:
    shop("catalog", "push")
    opened = shop.json("subscriptions", "page", "bob", "team", *BACK, "--seats", "3")
    begun = opened["subscription"]
    assert (begun["billed_by"], begun["status"], begun["terms"]["seats"]) == ("provider", "requested", 3)
    assert shop("subscriptions", "page", "bob", "team", *BACK, "--seats", "3").strip() == opened["url"], "the same wish"
    assert visit(opened["url"], "card=pm_card_visa") == 303
    shop("worker", "--once")
    assert shop.json("subscriptions", "show", begun["id"])["status"] == "active"
    shop("subscriptions", "page", "bob", "team", *BACK, exit_status=1)
    assert shop.err.endswith("[already_subscribed]\n")


def test_a_plan_that_we_bill_begins_once_a_card_is_saved_on_the_page(shop: Shell) -> None:
    opened = shop.json("subscriptions", "page", "ada", "solo", *BACK)
    shown = opened["checkout"]
    assert (shown["status"], shown["plan"], shown["currency"], shown["interval"]) == ("open", "solo", "eur", "month")
    assert shop("subscriptions", "page", "ada", "solo", *BACK).strip() == opened["url"]
    assert visit(opened["url"], "card=pm_card_visa") == 303
    with engine() as billing:
        billing.checkout(opened["session_id"])
    shop("worker", "--once")
    assert [each["status"] for each in shop.json("subscriptions", "list", "--customer", "ada")] == ["active"]
    assert [each["status"] for each in shop.json("invoices", "list", "--customer", "ada")] == ["paid"]


def test_what_a_page_cannot_sell_is_refused_by_name(shop: Shell) -> None:
    shop("subscriptions", "page", "ada", "solo", *BACK, "--seats", "2", "--trial-days", "7", exit_status=1)
    assert "--seats, --trial-days" in shop.err
    shop("subscriptions", "page", "ada", "gold", *BACK, exit_status=1)
    assert shop.err == "tallystick: plan: there is no such plan [not_found]\n"
    assert shop.json("subscriptions", "list") == []


def test_cards_are_saved_in_the_portal_listed_and_one_is_made_the_default(shell: Shell) -> None:
    shell("customers", "put", "ada")
    assert shell.json("customers", "payment-methods", "list", "ada") == []
    url = shell("customers", "portal", "ada", "--return-url", "https://shop.test/account").strip()
    for card in ("pm_card_visa", "pm_card_mastercard"):
        assert visit(url, f"action=add&card={card}") == 303
    newest, first = shell.json("customers", "payment-methods", "list", "ada")
    assert [(each["brand"], each["last4"]) for each in (newest, first)] == [("mastercard", "4444"), ("visa", "4242")]

    chosen = ("customers", "payment-methods", "default", "ada", first["id"])
    assert shell(*chosen, "--dry-run", exit_status=2).startswith("would be:")
    assert shell.json("customers", "payment-methods", "list", "ada") == [newest, first], "looked at, and not done"
    assert [each["is_default"] for each in shell.json(*chosen)] == [False, True]
    assert [each["is_default"] for each in shell.json("customers", "payment-methods", "list", "ada")] == [False, True]
    shell(*chosen, "--dry-run")
    shown = shell("customers", "payment-methods", "list", "ada").splitlines()
    assert (first["id"] in shown[2], shown[2].endswith("default")) == (True, True)
    assert any(act["action"] == "customer.payment_method_chosen" and act["actor"] == "shell" for act in shell.json("audit"))


def test_a_card_that_the_customer_has_not_saved_is_not_chosen(shell: Shell) -> None:
    shell("customers", "put", "ada")
    for more in ((), ("--dry-run",)):
        shell("customers", "payment-methods", "default", "ada", "pm_card_visa", *more, exit_status=1)
        assert shell.err == "tallystick: payment_method: the customer has not saved such a payment method [not_found]\n"


def test_nobody_is_made_up_at_the_provider_by_a_slip_of_the_pen(shell: Shell) -> None:
    for arguments in (("payment-methods", "list", "eve"), ("portal", "eve", "--return-url", "https://shop.test/account")):
        shell("customers", *arguments, exit_status=1)
        assert shell.err == "tallystick: customer: there is no such customer [not_found]\n"
    assert shell.json("customers", "list") == []
