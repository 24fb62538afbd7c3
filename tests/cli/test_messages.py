"""Alerts and webhooks on the shell."""

import json

import pytest

from tests.cli.conftest import Shell
from tests.couriers.listening import listening


def test_an_endpoint_is_made_told_and_removed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYSTICK_WEBHOOKS_LOCAL", "true")
    with listening() as listener:
        made = shell.json("webhooks", "endpoints", "create", listener.url, "--type", "endpoint.*")
        assert made["secret"].startswith("whsec_")
        assert made["secret"] not in shell("webhooks", "endpoints", "list")
        shell("webhooks", "endpoints", "test", made["id"])
        shell("worker", "--once")
        (message,) = shell.json("webhooks", "messages")
        assert [went["status"] for went in message["dispatches"]] == ["delivered"]
        assert "delivered" in shell("webhooks", "messages")
        assert made["id"] in shell("webhooks", "resend", message["id"])
        shell("worker", "--once")
        assert [each.headers["webhook-id"] for each in listener.told] == [message["id"]] * 2
    assert shell.json("webhooks", "endpoints", "rotate", made["id"], "--overlap-hours", "1")["secret"] != made["secret"]
    shell("webhooks", "endpoints", "disable", made["id"])
    assert shell.json("webhooks", "endpoints", "list")[0]["enabled"] is False
    shell("webhooks", "endpoints", "enable", made["id"])
    shell("webhooks", "endpoints", "remove", made["id"])
    assert shell.json("webhooks", "endpoints", "list") == []


def test_without_the_setting_this_machine_is_refused(shell: Shell) -> None:
    shell("webhooks", "endpoints", "create", "http://127.0.0.1:9/", exit_status=1)
    assert shell.err == "tallystick: url: must begin with https:// [url_refused]\n"


def test_alerts_are_listed(shell: Shell) -> None:
    from decimal import Decimal

    from tallystick import Meter, Quota, Tallystick

    billing = Tallystick.from_url(f"sqlite:///{shell.folder}/tallystick.db")
    billing.put_meter(Meter("calls", decimals=0))
    billing.grant("ada", "calls", Quota(Decimal(10)))
    billing.consume("ada", "calls", 10, op="a")
    billing.close()
    assert sorted(alert["threshold"] for alert in shell.json("alerts", "list", "--customer", "ada")) == [80, 100]
    assert "used 10" in shell("alerts", "list")
    assert shell.json("alerts", "list", "--kind", "usage.spike") == []


def test_an_alert_is_sent_to_try_it_out(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell("alerts", "test", exit_status=1)
    assert shell.err.startswith("tallystick: alerts: nobody would be told; add an endpoint")
    shell("alerts", "test", "--mail", exit_status=1)
    assert "set TALLYSTICK_MAIL_OPERATOR [nobody_to_tell]" in shell.err
    monkeypatch.setenv("TALLYSTICK_WEBHOOKS_LOCAL", "true")
    monkeypatch.setenv("TALLYSTICK_MAIL_OPERATOR", "ops@example.com")
    with listening() as listener:
        endpoint = shell.json("webhooks", "endpoints", "create", listener.url, "--type", "alert.*")["id"]
        sent = shell.json("alerts", "test", "--endpoint", endpoint)
        assert (sent["type"], [went["target"] for went in sent["dispatches"]]) == ("alert.test", [endpoint])
        assert sent["body"]["data"]["test"] is True
        assert [went["target"] for went in shell.json("alerts", "test", "--mail")["dispatches"]] == ["mail:operator"]
        assert f"on its way to {endpoint}, mail:operator" in shell("alerts", "test")
        shell("worker", "--once")
        assert len(listener.told) == 2
    assert {went["status"] for each in shell.json("webhooks", "messages") for went in each["dispatches"]} == {"delivered"}
    assert shell.json("alerts", "list") == [], "a test is no alert"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TALLYSTICK_SMTP_URL", "http://canary@mail.example.com"),
        ("TALLYSTICK_MAIL_FROM", "canary"),
        ("TALLYSTICK_MAIL_OPERATOR", "canary@@"),
        ("TALLYSTICK_LOCALE", "canary"),
        ("TALLYSTICK_SPIKE_FACTOR", "1"),
        ("TALLYSTICK_SPIKE_FLOOR", "-1"),
    ],
)
def test_a_wrong_setting_is_named_and_not_repeated(shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    shell("migrate", exit_status=1)
    assert name in shell.err
    assert "canary" not in shell.err


def test_a_live_key_is_not_used_with_endpoints_on_this_machine(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_canary")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_" + "x" * 24)
    monkeypatch.setenv("TALLYSTICK_WEBHOOKS_LOCAL", "true")
    shell("migrate", exit_status=1)
    assert "TALLYSTICK_WEBHOOKS_LOCAL" in shell.err
    assert json.dumps("canary") not in shell.err
