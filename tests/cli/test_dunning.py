"""Dunning on the shell, and the two settings that it has."""

import pytest

from tallystick.app import Tallystick
from tallystick.domain.payments import Collection
from tallystick.settings import Settings, read_settings
from tallystick.values.errors import WrongConfiguration
from tallystick.worker.loop import run_until_idle
from tests.cli.conftest import Shell

CATALOGUE = """
[[plans]]
key = "pro"
charges = [{key = "base", kind = "recurring", prices = [{currency = "eur", model = "flat", amount = "99"}]}]
"""
MINE = """
otherwise = "rest"

[rules.rest]
codes = []
retry_after_days = [1]
"""


def test_what_has_failed_is_listed_and_shown(shell: Shell) -> None:
    shell("catalog", "apply", shell.file("plans.toml", CATALOGUE))
    assert shell.json("dunning", "list") == []
    billing = Tallystick.from_settings(read_settings())
    billing.put_customer("ada", email="ada@example.com")
    begun = billing.subscribed("ada", "pro", collection=Collection(payment_method="pm_card_chargeDeclinedExpiredCard"))
    assert begun.invoice is not None
    run_until_idle(billing.context)
    billing.close()
    (listed,) = shell.json("dunning", "list", "--state", "waiting")
    assert (listed["number"], listed["code"], listed["ask"]) == ("INV-000001", "expired_card", "new_card")
    assert "expired_card" in shell("dunning", "list")
    shown = shell.json("dunning", "show", begun.invoice.id)
    assert [each["cause"] for each in shown["attempts"]] == ["first"]
    assert [(each["type"], each["status"]) for each in shown["letters"]] == [("payment.failed", "delivered")]
    assert "The card has expired." in shell("dunning", "show", begun.invoice.id)
    assert "delivered" in shell("dunning", "show", begun.invoice.id)
    shell("dunning", "show", "inv_none", exit_status=1)
    assert "[not_found]" in shell.err
    shell("dunning", "list", "--state", "sad", exit_status=1)
    assert "state: one of" in shell.err


def test_a_file_of_ones_own_takes_the_place_of_the_shipped_rules(shell: Shell) -> None:
    billing = Tallystick.from_settings(Settings(dunning_path=shell.file("mine.toml", MINE), dunning_end="pause"))
    assert billing.context.terms.dunning.tries_max == 1
    assert billing.context.terms.dunning_end.value == "pause"
    billing.close()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("otherwise = ", "is not TOML"),
        ("otherwise = 'x'\n[rules.rest]\ncodes = []\nretry_after_days = [1]", "otherwise: must be one of the rules: rest"),
        (None, "cannot read"),
    ],
)
def test_a_wrong_file_stops_the_start_and_says_what_is_wrong(shell: Shell, text: str | None, why: str) -> None:
    path = str(shell.folder / "none.toml") if text is None else shell.file("wrong.toml", text)
    with pytest.raises(WrongConfiguration, match="TALLYSTICK_DUNNING") as refusal:
        Tallystick.from_settings(Settings(dunning_path=path))
    assert why in refusal.value.message
