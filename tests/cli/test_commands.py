"""Every command, its exit status, and what it says when it cannot."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import typer

from tallystick import cli
from tallystick.cli import logs
from tallystick.cli.engine import print_table
from tests.cli.conftest import Shell


def test_uptime_says_what_this_machine_costs(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_NAME", "web-1")
    found = shell.json("uptime")
    assert found["server"] == "web-1"
    assert found["due"]["currency"] == "jpy"
    assert "web-1" in shell("uptime")


def test_uptime_makes_one_invoice_however_often_it_is_asked(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOURLY_RATE", "10000")  # from 18 seconds to a year of uptime it can be paid
    shell("uptime", "--invoice", "--dry-run", exit_status=2)
    first, second = (shell.json("uptime", "--invoice") for _ in range(2))
    assert first["invoice"] == second["invoice"]
    assert first["pay at"].startswith("http")


def test_uptime_below_the_minimum_says_when(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOURLY_RATE", "0.000001")
    shell("uptime", "--pay", exit_status=1)
    assert "which will be reached at" in shell.err
    assert "[amount_below_minimum]" in shell.err


def test_customers_are_kept(shell: Shell) -> None:
    shell("customers", "put", "cus_ada", "--email", "ada@example.com", "--name", "Ada")
    shell("customers", "put", "cus_bob")
    assert [c["id"] for c in shell.json("customers", "list")] == ["cus_ada", "cus_bob"]
    assert [c["id"] for c in shell.json("customers", "list", "--after", "cus_ada")] == ["cus_bob"]
    assert "ada@example.com" in shell("customers", "list")


def test_projections_are_printed(shell: Shell) -> None:
    assert shell.json("project", "api", "50000", "0.002", "5")["margin_percent"] == 60.0
    assert "Viable" in shell("project", "data", "1000", "0.04", "0.10")
    shell("project", "code", "abc", "1", "1", exit_status=1)


def test_what_is_done_is_said_in_json_too(shell: Shell) -> None:
    shell("api-keys", "create", "a program")
    key = shell.json("api-keys", "list")[0]["key_id"]
    assert shell.json("api-keys", "revoke", key) == {"id": key, "revoked": True}
    endpoint = shell.json("webhooks", "endpoints", "create", "https://example.com/hook")["id"]
    assert shell.json("webhooks", "endpoints", "disable", endpoint) == {"id": endpoint, "enabled": False}
    assert shell.json("webhooks", "endpoints", "enable", endpoint) == {"id": endpoint, "enabled": True}
    assert shell.json("webhooks", "endpoints", "test", endpoint)["endpoint"] == endpoint
    assert shell.json("webhooks", "endpoints", "remove", endpoint) == {"id": endpoint, "removed": True}
    assert shell.json("webhooks", "replay", "--parked") == {"deliveries": []}


def test_keys_are_shown_once_listed_and_revoked(shell: Shell) -> None:
    issued = shell.json("api-keys", "create", "ci", "--scope", "events:write")
    assert issued["key"].startswith("mk_")
    assert issued["key"] not in shell("api-keys", "list")
    shell("api-keys", "revoke", issued["key_id"])
    assert "revoked" in shell("api-keys", "list")


def test_the_worker_can_run_once(shell: Shell) -> None:
    assert "ran 0 jobs" in shell("worker", "--once")


def test_migrate_may_be_run_again(shell: Shell) -> None:
    assert shell("migrate") == shell("migrate")


@pytest.mark.parametrize("arguments", [("nonsense",), ("bill", "--nonsense"), ("invoices", "show"), ("serve", "--port", "0")])
def test_a_wrong_call_exits_1_and_says_so(shell: Shell, arguments: tuple[str, ...]) -> None:
    shell(*arguments, exit_status=1)
    assert shell.err


def test_a_customer_who_is_not_there_is_not_one_with_nothing_to_bill(shell: Shell) -> None:
    for more in ([], ["--dry-run"]):
        shell("bill", "--customer", "nobody", *more, exit_status=1)
        assert "[not_found]" in shell.err


# What goes on until it is stopped, and what writes a document or JSON by itself.
SPEAKS_FOR_ITSELF = {
    "serve", "demo", "worker", "migrate", "quote", "prorate", "periods", "catalog show",
    "invoices pdf", "invoices html", "invoices csv",
}  # fmt: skip


def _commands(of: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    for word, each in getattr(of, "commands", {}).items():
        yield from _commands(each, f"{name} {word}".strip())
    if not hasattr(of, "commands"):
        yield name, of


def test_everything_prints_json() -> None:
    silent = {
        name for name, each in _commands(typer.main.get_command(cli.app)) if all("--json" not in it.opts for it in each.params)
    }
    assert silent == SPEAKS_FOR_ITSELF


def test_an_unknown_invoice_is_an_error_in_one_line(shell: Shell) -> None:
    shell("invoices", "show", "inv_nowhere", exit_status=1)
    assert shell.err == "tallystick: invoice: there is no such invoice [not_found]\n"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("CURRENCY", "doubloons", "CURRENCY"),
        ("PORT", "99999", "PORT: Input should be less than or equal to 65535; such as PORT=8000"),
        ("DEBUG", "perhaps", "; such as DEBUG=false"),
        ("TALLYSTICK_NUMBER_PREFIX", "inv", "; such as TALLYSTICK_NUMBER_PREFIX=INV"),
        ("TALLYSTICK_SAFETY_TIMES_THE_MEAN", "NaN", "; such as TALLYSTICK_SAFETY_TIMES_THE_MEAN=20"),
        ("HOURLY_RATE", "-1", "; such as HOURLY_RATE=100"),
        ("STRIPE_SECRET_KEY", "hunter2", "begins with sk_test_"),
        ("DATABASE_URL", "mysql://nowhere", "not supported"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_repeated(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(name, value)
    shell("migrate", exit_status=1)
    assert reason in shell.err
    assert "hunter2" not in shell.err


def test_a_database_that_is_not_there_is_said_with_its_host_and_without_its_password(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:hunter2@127.0.0.1:1/nothing")
    shell("verify", exit_status=1)
    assert "the database cannot be reached" in shell.err
    assert 'DATABASE_URL: connection failed: connection to server at "127.0.0.1", port 1 failed' in shell.err
    assert "hunter2" not in shell.err


def test_the_release_is_the_one_of_the_package(shell: Shell) -> None:
    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text("utf-8"))
    assert shell("--version") == f"tallystick {project['project']['version']}\n"


def test_the_installed_command_prints_help() -> None:
    printed = subprocess.run([sys.executable, "-m", "tallystick", "--help"], capture_output=True, text=True, check=True)
    assert "verify" in printed.stdout


def test_figures_stand_to_the_right_and_sentences_that_begin_with_one_do_not(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("n", "how it is"), [("9", "12.50 EUR"), ("10", "9.00 EUR"), ("11", "2026-10-28.endive, and a long sentence")])
    lines = capsys.readouterr().out.splitlines()
    assert [line[:2] for line in lines] == ["n ", " 9", "10", "11"]
    assert lines[1].endswith("12.50 EUR")
    assert lines[2].endswith(" 9.00 EUR")
    print_table(("how it is",), [("2026-10-28.endive",), ("as long a sentence as there is",)])
    assert "\n2026-10-28.endive\n" in capsys.readouterr().out


def test_quotes_go_through_pipes() -> None:
    question = {"id": 1, "price": {"currency": "usd", "model": "per_unit", "unit_amount": "0.01"}, "quantity": "250"}
    command = [sys.executable, "-m", "tallystick", "quote"]
    answered = subprocess.run(command, input=json.dumps(question), capture_output=True, text=True, check=True)
    assert json.loads(answered.stdout)["total"] == "2.50"


def test_the_log_goes_to_standard_error_and_leaves_the_output_alone(shell: Shell) -> None:
    logs.configure()
    structlog.get_logger("tallystick.test").warning("job.failed", job="1", code="busy")
    out, err = shell.capsys.readouterr()
    assert out == ""
    assert json.loads(err)["event"] == "job.failed"
