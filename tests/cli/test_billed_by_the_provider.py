"""A plan that the provider bills, on the shell: the same commands, and `billed by` says whose they are."""

from typing import Any

import pytest

from tallystick.cli.engine import engine
from tallystick.domain.provider_subscriptions import InvoiceStanding, MirroredInvoice, ProviderInvoice
from tallystick.storage import provider_subscriptions
from tallystick.values.ids import CustomerId, SubscriptionId
from tallystick.values.money import USD, Money
from tests.cli.conftest import Shell

CATALOGUE = """
[[plans]]
key = "pro"
billed_by = "provider"
trial_days = 14

[[plans.charges]]
key = "seats"
kind = "seats"
prices = [{ currency = "usd", model = "per_unit", unit_amount = "20", lookup_key = "pro_seat" }]

[[plans]]
key = "starter"
charges = [{ key = "base", kind = "recurring", prices = [{ currency = "usd", model = "flat", amount = "5" }] }]
"""


@pytest.fixture
def shop(shell: Shell) -> Shell:
    shell("catalog", "apply", shell.file("plans.toml", CATALOGUE))
    return shell


@pytest.fixture
def pushed(shop: Shell) -> Shell:
    shop("catalog", "push")
    return shop


def test_it_is_looked_at_asked_for_and_ended_like_any_other(pushed: Shell) -> None:
    start = ("subscriptions", "start", "ada", "pro", "--seats", "3", "--op", "signup")
    assert "would be: ada: pro by the month, requested" in pushed(*start, "--dry-run", exit_status=2)
    assert pushed.json("subscriptions", "list") == []
    begun = pushed.json(*start)["subscription"]
    assert (begun["billed_by"], begun["status"], begun["terms"]["seats"]) == ("provider", "trialing", 3)
    assert pushed.json(*start)["subscription"] == begun, "the same name is the same subscription"

    named = begun["id"]
    assert "is to end with its period" in pushed("subscriptions", "cancel", named, "--dry-run", exit_status=2)
    assert "goes on" in pushed("subscriptions", "show", named)
    assert ", ends, billed by the provider" in pushed("subscriptions", "cancel", named)
    assert pushed.json("subscriptions", "cancel", named)["subscription"]["told"] is True
    pushed("subscriptions", "cancel", named, "--dry-run")
    assert ", goes on, billed by the provider" in pushed("subscriptions", "undo", named)
    assert pushed.json("subscriptions", "cancel", named, "--now")["subscription"]["status"] == "canceled"
    pushed("subscriptions", "undo", named, exit_status=1)
    assert "[not_running]" in pushed.err
    assert pushed.json("verify")["clean"] is True


def test_one_list_has_both_kinds_and_says_who_bills(pushed: Shell) -> None:
    theirs = pushed.json("subscriptions", "start", "ada", "pro")["subscription"]["id"]
    ours = pushed.json("subscriptions", "start", "ada", "starter")["subscription"]["id"]
    listed = pushed.json("subscriptions", "list", "--customer", "ada")
    assert [(each["id"], each["billed_by"]) for each in listed] == [(theirs, "provider"), (ours, "tallystick")]
    assert [each["id"] for each in pushed.json("subscriptions", "list", "--limit", "1")] == [theirs]
    assert [each["id"] for each in pushed.json("subscriptions", "list", "--after", theirs)] == [ours]
    assert [each["id"] for each in pushed.json("subscriptions", "list", "--plan", "pro")] == [theirs]
    assert [each["id"] for each in pushed.json("subscriptions", "list", "--status", "trialing")] == [theirs]
    assert pushed.json("subscriptions", "list", "--status", "refused") == []
    assert "billed by" in pushed("subscriptions", "list").splitlines()[0]


def test_it_is_shown_with_the_invoices_that_the_provider_made(pushed: Shell) -> None:
    named = pushed.json("subscriptions", "start", "ada", "pro")["subscription"]["id"]
    assert pushed.json("subscriptions", "show", named)["invoices"] == []
    told: dict[str, Any] = {
        "standing": InvoiceStanding.OPEN,
        "number": "P-0001",
        "amount_paid": Money(0, USD),
        "url": "https://pay.example/1",
    }
    with engine() as billing, billing.context.database.transaction("told of an invoice") as conn:
        now, ref = billing.context.clock.now(), billing.provider_subscription(named).ref
        invoice = ProviderInvoice(
            "in_1", str(ref), SubscriptionId(named), total=Money(2000, USD), amount_due=Money(2000, USD), created_at=now,
            lines=(), **told,
        )  # fmt: skip
        provider_subscriptions.mirror(conn, MirroredInvoice(CustomerId("ada"), SubscriptionId(named), invoice, now))
    (shown,) = pushed.json("subscriptions", "show", named)["invoices"]
    assert (shown["number"], shown["status"], shown["total"]["amount"]) == ("P-0001", "open", 2000)
    assert "P-0001  20.00 USD  open    https://pay.example/1" in pushed("subscriptions", "show", named)
    assert "to be paid at https://pay.example/1" in pushed("subscriptions", "cancel", named)


def test_what_the_provider_refuses_is_told_at_once(shop: Shell) -> None:
    """Nobody has pushed the catalogue: there is no price of that name."""
    refused = shop.json("subscriptions", "start", "ada", "pro", exit_status=1)["subscription"]
    assert refused["status"] == "refused"
    assert "pro_seat" in refused["reason"]
    assert "pro_seat" in shop("subscriptions", "show", refused["id"])


@pytest.mark.parametrize("act", ["pause", "resume", "change", "upcoming", "bill"])
def test_what_only_we_can_do_is_refused_and_says_where(pushed: Shell, act: str) -> None:
    named = pushed.json("subscriptions", "start", "ada", "pro")["subscription"]["id"]
    pushed("subscriptions", act, named, exit_status=1)
    assert "[billed_by_provider]" in pushed.err


def test_options_of_our_own_plans_are_refused_by_name(pushed: Shell) -> None:
    pushed("subscriptions", "start", "ada", "pro", "--coupon", "HALF", "--zone", "Asia/Tokyo", exit_status=1)
    assert "--coupon, --zone" in pushed.err
    named = pushed.json("subscriptions", "start", "ada", "pro")["subscription"]["id"]
    pushed("subscriptions", "cancel", named, "--now", "--credit-unused", exit_status=1)
    assert "--credit-unused" in pushed.err
