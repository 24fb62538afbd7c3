"""Quotas and spend caps in the shell: the same answers as by every other door, and an exit status that scripts can read."""

import pytest

from tests.cli.conftest import Shell


@pytest.fixture
def granted(shell: Shell) -> Shell:
    shell.file("catalog.json", '{"meters": [{"key": "calls", "decimals": 0}], "charges": [{"key": "calls", "meter": "calls",'
                '"price": {"model": "per_unit", "currency": "usd", "unit_amount": "0.01"}}]}')  # fmt: skip
    shell("catalog", "apply", "catalog.json")
    assert "10" in shell("quotas", "grant", "ada", "calls", "10")
    return shell


def test_a_quota_is_granted_asked_for_and_used(granted: Shell) -> None:
    assert granted.json("quotas", "check", "ada", "calls", "10")["allowed"]
    for _ in range(2):
        assert granted.json("quotas", "consume", "ada", "calls", "7", "--op", "a")["remaining"] == "3"
    no = granted.json("quotas", "consume", "ada", "calls", "4", "--op", "b", exit_status=1)
    assert (no["allowed"], no["reason"]) == (False, "quota_exceeded")
    (found,) = granted.json("quotas", "list", "ada")
    assert (found["meter"], found["used"], found["remaining"]) == ("calls", "7", "3")
    assert "calls" in granted("quotas", "list", "ada")
    granted("quotas", "grant", "ada", "calls", "unlimited", "--policy", "soft")
    assert granted.json("quotas", "check", "ada", "calls", "1000")["limit"] is None


def test_spend_is_capped_looked_at_and_set_free(granted: Shell) -> None:
    assert "no cap" in granted("quotas", "caps", "ada")
    granted("quotas", "caps", "ada", "--set", "5")
    granted("quotas", "consume", "ada", "calls", "5", "--op", "a")
    assert granted.json("quotas", "check", "ada", "calls", exit_status=1)["reason"] == "spend_cap"
    assert granted.json("quotas", "caps", "ada")["remaining"] == 0
    granted("quotas", "caps", "ada", "--remove")
    assert granted.json("quotas", "caps", "ada") is None
    assert granted.json("quotas", "check", "ada", "calls")["allowed"]


def test_what_is_said_wrongly_is_refused_in_a_line(granted: Shell) -> None:
    for wrong in (
        ("quotas", "grant", "ada", "calls", "10", "--policy", "firm"),
        ("quotas", "grant", "ada", "calls", "ten"),
        ("quotas", "caps", "ada", "--set", "5", "--remove"),
        ("quotas", "consume", "ada", "calls"),
    ):
        granted(*wrong, exit_status=1)
