"""Plans and subscriptions on the shell: from a file to a paid subscription, each step looked at before it is taken."""

import json
from datetime import timedelta

import pytest

from tallystick.values.time import SystemClock, rfc3339
from tests.cli.conftest import Shell

CATALOGUE = """
[[meters]]
key = "calls"
decimals = 0

[[plans]]
key = "starter"
charges = [{ key = "base", kind = "recurring", name = "Starter", prices = [{ currency = "eur", model = "flat", amount = "31" }] }]
quotas = [{ meter = "calls", limit = "1000" }]

[[plans]]
key = "pro"
name = "Pro"
intervals = ["month", "year"]
features = ["sso"]

[[plans.charges]]
key = "base"
kind = "recurring"
name = "Pro"
prices = [
    { currency = "eur", model = "flat", amount = "99", interval = "month" },
    { currency = "eur", model = "flat", amount = "990", interval = "year" },
]

[[plans.charges]]
key = "calls"
kind = "usage"
meter = "calls"
prices = [{ currency = "eur", model = "per_unit", unit_amount = "0.01", included = "100" }]

[[plans]]
key = "support"
add_on = true
charges = [{ key = "fee", kind = "recurring", name = "Support", prices = [{ currency = "eur", model = "flat", amount = "20" }] }]

[[coupons]]
key = "HALF"
percent = "50"
duration = "forever"
"""
VISA = ("--test-card", "pm_card_visa")


@pytest.fixture
def shop(shell: Shell) -> Shell:
    shell("catalog", "apply", shell.file("plans.toml", CATALOGUE))
    return shell


def started(shop: Shell, *more: str) -> str:
    answer = shop.json("subscriptions", "start", "ada", *more)
    return str(answer["subscription"]["id"])


def test_a_catalogue_with_plans_is_applied_once_in_toml_and_in_json(shop: Shell) -> None:
    assert "nothing to change" in shop("catalog", "apply", str(shop.folder / "plans.toml"))
    written = shop.file("again.json", shop("catalog", "show"))
    assert "nothing to change" in shop("catalog", "apply", written)
    dearer = shop.file("dearer.toml", CATALOGUE.replace('"31"', '"35"').replace('features = ["sso"]', ""))
    assert shop("catalog", "apply", dearer, "--dry-run", exit_status=2).splitlines() == [
        "~ plan starter",
        "    - charges.base.prices.0.amount 31",
        "    + charges.base.prices.0.amount 35",
        "~ plan pro",
        "    - features.0 sso",
    ]
    shop("catalog", "apply", shop.file("wrong.toml", CATALOGUE.replace('kind = "usage"', "")), exit_status=1)
    assert "plans[1].charges[1].kind: is missing" in shop.err


def test_plans_are_listed_and_shown(shop: Shell) -> None:
    assert [plan["key"] for plan in shop.json("plans", "list")] == ["pro", "starter", "support"]
    assert shop("plans", "list").splitlines()[1].split() == "pro 1 Pro month, year eur sso".split()
    shown = shop("plans", "show", "pro")
    assert "by the month or the year" in shown
    assert "by the year: currency eur model flat amount 990" in shown
    assert shop.json("plans", "show", "starter")["quotas"][0]["limit"] == "1000"
    shop("plans", "show", "starter", "--version", "2", exit_status=1)
    assert "[not_found]" in shop.err


def test_what_is_rehearsed_is_not_kept_and_then_it_is_what_is_paid(shop: Shell) -> None:
    start = ("subscriptions", "start", "ada", "starter", "--coupon", "HALF", "--add-on", "support=2", *VISA)
    assert "total 35.50 EUR" in shop(*start, "--dry-run", exit_status=2)
    assert shop.json("subscriptions", "list") == []
    assert shop.json("invoices", "list") == []
    assert "35.50 EUR  paid" in shop(*start)
    (kept,) = shop.json("subscriptions", "list", "--customer", "ada", "--status", "active", "--plan", "starter")
    assert kept["terms"]["add_ons"] == [{"plan": "support", "version": 1, "quantity": 2}]
    assert "1 support" not in shop("subscriptions", "show", kept["id"])
    assert "2 support" in shop("subscriptions", "show", kept["id"])
    shop(*start, exit_status=1)
    assert "[already_subscribed]" in shop.err
    assert shop.json("verify")["clean"] is True


def test_an_upgrade_is_looked_at_and_made(shop: Shell) -> None:
    named = started(shop, "starter", *VISA)
    change = ("subscriptions", "change", named, "--plan", "pro", "--when", "now")
    shown = shop(*change, "--dry-run", exit_status=2)
    assert "would be: ada: pro by the month, active" in shown
    assert "credit" in shown
    assert shop.json("subscriptions", "show", named)["terms"]["plan"] == "starter"
    changed = shop.json(*change)
    assert changed["subscription"]["terms"]["plan"] == "pro"
    assert [invoice["status"] for invoice in changed["invoices"]] == ["paid"]
    later = ("subscriptions", "change", named, "--plan", "starter")
    assert "nothing would be asked for now" in shop(*later, "--dry-run", exit_status=2)
    assert "changes to starter" in shop(*later)
    assert "goes on" in shop("subscriptions", "undo", named)


def test_it_is_paused_taken_up_again_and_ended(shop: Shell) -> None:
    named = started(shop, "starter", *VISA)
    assert "paused" in shop("subscriptions", "pause", named, "--dry-run", exit_status=2)
    assert shop.json("subscriptions", "show", named)["status"] == "active"
    assert "carried to the next invoice" in shop("subscriptions", "pause", named)
    assert "there will be none" in shop("subscriptions", "upcoming", named)
    assert "active" in shop("subscriptions", "resume", named)
    assert "total 31.00 EUR" in shop("subscriptions", "upcoming", named)
    assert shop.json("subscriptions", "upcoming", named)["total"] == {"amount": 3100, "currency": "eur"}
    assert "ends" in shop("subscriptions", "cancel", named)
    assert "goes on" in shop("subscriptions", "undo", named)
    shop("subscriptions", "cancel", named, "--credit-unused", exit_status=1)
    assert "goes with --now" in shop.err
    ended = shop.json("subscriptions", "cancel", named, "--now", "--credit-unused")
    assert ended["subscription"]["status"] == "canceled"
    shop("subscriptions", "resume", named, exit_status=1)
    assert "[illegal_transition]" in shop.err
    shop("subscriptions", "show", "none", exit_status=1)
    assert "[not_found]" in shop.err
    assert shop.json("verify")["clean"] is True


def test_bill_brings_up_the_subscriptions_that_are_due(shop: Shell) -> None:
    since = rfc3339(SystemClock().now() - timedelta(days=40))
    assert shop.json("subscriptions", "start", "ada", "starter", "--start", since, *VISA)["invoices"][0]["status"] == "paid"
    assert "1 invoice would be opened" in shop("bill", "--dry-run", exit_status=2)
    assert len(shop.json("invoices", "list")) == 1
    (bill,) = json.loads(shop("bill", "--json"))
    assert (bill["status"], bill["total"]["amount"]) == ("paid", 3100)
    assert "nothing to bill" in shop("bill")
    ben = shop.json("subscriptions", "start", "ben", "starter", "--start", since)["subscription"]["id"]
    assert "total 31.00 EUR" in shop("subscriptions", "bill", ben, "--dry-run", exit_status=2)
    assert len(shop.json("subscriptions", "bill", ben)["invoices"]) == 1
    assert "nothing would be asked for now" in shop("subscriptions", "bill", ben, "--dry-run")
    assert "nothing to bill" in shop("bill", "--customer", "ben")


def test_what_is_typed_wrongly_is_refused_by_name(shop: Shell) -> None:
    for wrong, said in (
        (("start", "ada", "none"), "plan"),
        (("start", "ada", "starter", "--add-on", "support=x"), "KEY=QUANTITY"),
        (("start", "ada", "starter", "--start", "today"), "start"),
        (("list", "--status", "gone"), "status"),
        (("change", "none", "--plan", "pro"), "not_found"),
    ):
        shop("subscriptions", *wrong, exit_status=1)
        assert said in shop.err
