"""`tallystick catalog push` shows the difference, acts once, and says what the provider cannot hold."""

from tests.cli.conftest import Shell

CATALOGUE = """
[[meters]]
key = "calls"
export_as = "calls_made"

[[plans]]
key = "pro"
name = "Pro"

[[plans.charges]]
key = "base"
kind = "recurring"
prices = [{ currency = "usd", model = "flat", amount = "AMOUNT" }]

[[plans.charges]]
key = "calls"
kind = "usage"
meter = "calls"
prices = [{ currency = "usd", model = "per_unit", unit_amount = "0.01", minimum_amount = "5" }]
"""


def applied(shell: Shell, amount: str) -> None:
    shell("catalog", "apply", shell.file("catalogue.toml", CATALOGUE.replace("AMOUNT", amount)))


def test_the_difference_is_shown_made_once_and_shown_again(shell: Shell) -> None:
    applied(shell, "99")
    text = shell("catalog", "push", "--dry-run", exit_status=2)
    assert "+ meter calls_made" in text
    assert "+ price pro:base:usd:1-month" in text
    assert "not there: price pro:calls:usd:1-month: a minimum" in text
    assert shell("catalog", "push") == text
    assert "nothing to change" in shell("catalog", "push")
    shell("catalog", "push", "--dry-run")
    applied(shell, "149")
    text = shell("catalog", "push", "--dry-run", exit_status=2)
    assert "+ (takes over the lookup key) price pro:base:usd:1-month" in text
    assert "- unit_amount 9900" in text
    assert "+ unit_amount 14900" in text


def test_it_can_be_read_by_programs(shell: Shell) -> None:
    applied(shell, "99")
    told = shell.json("catalog", "push", "--dry-run", exit_status=2)
    assert [change["act"] for change in told["changes"]] == ["create"] * 3
    assert told["changes"][2]["after"]["unit_amount"] == "9900"
    assert [untold["key"] for untold in told["untold"]] == ["pro:calls:usd:1-month"]
    assert told["stopped"] is None
