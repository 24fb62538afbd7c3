"""A business that is only played: a month passes at a word, and all that falls due in it happens."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tallystick.app import Tallystick
from tallystick.settings import Settings, read_settings
from tallystick.values.errors import WrongConfiguration
from tallystick.values.time import SimulatedClock
from tallystick.web.service import create_app
from tallystick.worker.played import play
from tests.web.world import ORIGIN, World, problem

FEE = {"key": "base", "kind": "recurring", "prices": [{"currency": "usd", "model": "flat", "amount": "10"}]}


def test_a_month_passes_and_is_billed(world: World) -> None:
    world.call("PUT", "/v1/plans/pro", {"charges": [FEE]})
    begun = world.call("POST", "/v1/subscriptions", {"customer": "ada", "plan": "pro"})
    assert begun.status_code == 201, begun.text
    before = world.call("GET", "/v1/clock").json()
    assert before["simulated"] is True
    month, day = int(before["now"][5:7]), before["now"][8:]
    until = f"2026-{month + 2:02}-{day}"
    assert world.call("POST", "/v1/clock/advance", {"until": until}).json() == {"now": until, "simulated": True}
    invoices = world.call("GET", "/v1/invoices?customer=ada").json()["data"]
    assert len(invoices) == 2, "the first month, and the second; the third waits for its grace"
    assert world.call("POST", "/v1/clock/advance", {"until": until}).status_code == 200, "no time is time enough"
    assert problem(world.call("POST", "/v1/clock/advance", {"until": before["now"]})) == (422, "invalid_input")
    assert problem(world.call("POST", "/v1/clock/advance", {"until": "2036-01-01T00:00:00Z"})) == (422, "invalid_input")


def test_real_time_cannot_be_moved(tmp_path: Path) -> None:
    settings = sandboxed(tmp_path)
    billing = Tallystick.from_settings(settings, receives=True)
    headers = {"Authorization": f"Bearer {billing.create_api_key('tests', ['admin']).token}"}
    client = TestClient(create_app(billing, settings), base_url=ORIGIN)
    assert client.get("/v1/clock", headers=headers).json()["simulated"] is False
    refused = client.post("/v1/clock/advance", json={"until": "2099-01-01T00:00:00Z"}, headers=headers)
    assert problem(refused) == (409, "real_clock")
    billing.close()


def test_a_simulated_clock_goes_on_from_where_it_was(tmp_path: Path) -> None:
    settings = sandboxed(tmp_path, simulated_clock=True)
    billing = Tallystick.from_settings(settings)
    assert isinstance(billing.context.clock, SimulatedClock)
    billing.register("ada@example.com", "correct horse battery")
    session = billing.log_in("ada@example.com", "correct horse battery")
    until = billing.context.clock.now() + timedelta(days=40)
    seen: list[datetime] = []
    play(billing, until, told=seen.append)
    assert seen == sorted(seen)
    assert until <= seen[-1] < until + timedelta(minutes=5)
    assert billing.logged_in(session.token).email == "ada@example.com", "for her it was a moment"
    billing.close()
    again = Tallystick.from_settings(settings)
    assert again.context.clock.now() >= until
    assert not settings.meters_uptime, "the machine was not up all that time"
    again.close()


def test_beside_a_key_time_is_real() -> None:
    with pytest.raises(WrongConfiguration, match="TALLYSTICK_SIMULATED_CLOCK: is for the offline sandbox"):
        read_settings(_env_file=None, stripe_secret_key="sk_test_" + "x" * 24, simulated_clock=True)


def sandboxed(room: Path, *, simulated_clock: bool = False) -> Settings:
    url, sandbox = f"sqlite:///{room}/billing.db", str(room / "sandbox.db")
    return Settings(_env_file=None, database_url=url, sandbox_path=sandbox, simulated_clock=simulated_clock)
