"""Usage goes to the provider's meters from the shell: shown first, sent on demand, and never twice."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from tallystick.cli.engine import engine
from tallystick.values.time import SystemClock, rfc3339
from tests.cli.conftest import Shell

CATALOG = """
[[meters]]
key = "compute_hours"
export_as = "compute"
"""
MAPPING = ("--time", "when", "--customer", "who", "--meter", "compute_hours=hours")
AT = SystemClock().now() - timedelta(minutes=1)
MONTH = AT.strftime("%Y-%m")
USAGE = f"when,who,hours\n{rfc3339(AT)},cus_ada,12.5\n{rfc3339(AT)},cus_ben,3\n"


def at_stripe(method: str, path: str, **fields: object) -> dict[str, str]:
    """What somebody sets up at the provider."""
    named = {name.replace("__", "[", 1) + ("]" if "__" in name else ""): str(value) for name, value in fields.items()}
    with engine() as billing:
        assert billing.sandbox is not None
        headers = {"Authorization": "Bearer sk_test_dashboard"}
        reply = billing.sandbox.handle(method, path, body=urlencode(named).encode(), headers=headers)
    assert reply.status == 200, reply.body
    answer: dict[str, str] = json.loads(reply.body)
    return answer


@pytest.fixture
def metered(shell: Shell) -> Shell:
    shell("catalog", "apply", shell.file("catalog.toml", CATALOG))
    shell("events", "import", shell.file("usage.csv", USAGE), *MAPPING)
    at_stripe("POST", "/v1/billing/meters", display_name="Compute", event_name="compute", default_aggregation__formula="sum")
    return shell


def told(shell: Shell, *arguments: str, exit_status: int = 0) -> list[tuple[str, str, str]]:
    found = shell.json("sync", "--month", MONTH, *arguments, exit_status=exit_status)
    return [(each["customer"], each["what"], each["quantity"]) for each in found["usage"]]


def test_without_commit_it_only_shows_what_would_be_sent(metered: Shell) -> None:
    for _ in range(2):
        assert told(metered, exit_status=2) == [("cus_ada", "send", "12.5"), ("cus_ben", "send", "3")]
    assert "send" in metered("sync", "--month", MONTH, exit_status=2)
    assert metered("sync", "--month", "2025-01") == "nothing to send\n"


def test_with_commit_it_is_sent_once(metered: Shell) -> None:
    assert told(metered, "--commit") == [("cus_ada", "sent", "12.5"), ("cus_ben", "sent", "3")]
    assert told(metered, "--commit") == []
    assert metered("sync", "--month", MONTH) == "nothing to send\n"
    (ada, ben) = metered.json("sync", "--month", MONTH, "--compare")["compared"]
    assert (ada["recorded"], ada["provider"], ada["difference"]) == ("12.5", "12.5", "0")
    assert (ben["customer"], ben["provider"]) == ("cus_ben", "3")
    assert "cus_ben" in metered("sync", "--month", MONTH, "--compare")


def test_of_one_customer_only_that_ones_is_sent(metered: Shell) -> None:
    assert told(metered, "--customer", "cus_ben", "--commit") == [("cus_ben", "sent", "3")]
    assert told(metered, exit_status=2) == [("cus_ada", "send", "12.5")]


@pytest.mark.parametrize("month", ["2025-13", "2025", "last", "2025-1"])
def test_a_month_that_is_none_is_refused_by_name(shell: Shell, month: str) -> None:
    shell("sync", "--month", month, exit_status=1)
    assert "2026-01" in shell.err


def test_an_item_that_is_not_there_is_said(metered: Shell) -> None:
    metered("sync", "--month", MONTH, "--subscription-item", "si_none", "--commit", exit_status=1)
    assert "si_none" in metered.err


def test_what_the_provider_does_not_count_is_shown_with_the_reason_and_sent_again(metered: Shell) -> None:
    long = f"when,who,hours\n{rfc3339(AT)},cus_eve,1234567890.123456\n"
    metered("events", "import", metered.file("long.csv", long), *MAPPING)
    assert ("cus_eve", "rejected", "1234567890.123456") in told(metered, "--commit", exit_status=1)
    (row,) = metered.json("sync", "--month", MONTH, "--rejected")["rejected"]
    assert (row["customer"], row["code"]) == ("cus_eve", "meter_event_value_too_many_digits")
    assert "too_many_digits" in metered("sync", "--month", MONTH, "--rejected")
    assert told(metered, "--retry", "--commit", exit_status=1) == [("cus_eve", "rejected", "1234567890.123456")]
