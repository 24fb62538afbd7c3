"""The provider's half on the shell: compared, repaired, and what came in settled once more."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import pytest

from tallystick.app import Tallystick
from tallystick.domain.payments import Delivery
from tallystick.settings import read_settings
from tallystick.storage import provider_events
from tallystick.storage.provider_events import Settlement
from tests.cli.conftest import Shell

PRICE = '{"currency": "usd", "model": "per_unit", "unit_amount": "1"}'


def dashboard(path: str, **fields: str) -> None:
    """What somebody does at the provider without us."""
    with engine() as billing:
        headers = {"Authorization": "Bearer sk_test_dashboard"}
        assert billing.sandbox is not None
        reply = billing.sandbox.handle("POST", path, body=urlencode(fields).encode(), headers=headers)
        assert reply.status == 200, reply.body


@contextmanager
def engine() -> Iterator[Tallystick]:
    """The one that the shell uses too."""
    billing = Tallystick.from_settings(read_settings())
    try:
        yield billing
    finally:
        billing.close()


def test_the_exit_status_says_whether_there_is_something_to_mend(shell: Shell) -> None:
    assert "both halves are the same" in shell("reconcile")
    dashboard("/v1/customers", **{"metadata[tallystick_customer]": "ada"})
    shell("customers", "put", "ada")
    assert "1 would be repaired; run again with --repair" in shell("reconcile", exit_status=2)
    assert "1 repaired" in shell("reconcile", "--repair")
    found = shell.json("reconcile", "--since", "2026-01-01")
    assert (found["equal"]["customers"], found["findings"], found["since"]) == (1, [], "2026-01-01T00:00:00+00:00")
    dashboard("/v1/customers", **{"metadata[tallystick_customer]": "nobody"})
    assert "1 to look at" in shell("reconcile", exit_status=1)
    (finding,) = shell.json("reconcile", "--repair", exit_status=1)["findings"]
    assert (finding["subject"], finding["ours"], finding["verdict"]) == ("nobody", None, "differs")


def test_what_came_in_is_listed_shown_and_settled_once_more(shell: Shell) -> None:
    with engine() as billing:
        context = billing.context
        body = json.dumps({"data": {"object": {"id": "in_1"}}})
        with context.database.transaction("keep") as conn:
            now = context.clock.now()
            for number, settlement in enumerate((Settlement.PARKED, Settlement.IGNORED)):
                delivery = Delivery(f"evt_{number}", "balance.available", body, now, livemode=False)
                provider_events.keep(conn, delivery, provider="stripe", at=now)
                provider_events.mark(conn, delivery.id, settlement, "look at it", at=now)
    assert {each["id"]: each["about"] for each in shell.json("webhooks", "list", "--in")} == {"evt_0": "in_1", "evt_1": "in_1"}
    assert "parked" in shell("webhooks", "list", "--status", "parked")
    assert "in_1" in shell("webhooks", "show", "evt_0")
    assert shell.json("webhooks", "list", "--out") == []
    assert "1 to be settled by the worker" in shell("webhooks", "replay", "--parked")
    shell("worker", "--once")
    shown = shell.json("webhooks", "show", "evt_0")
    assert (shown["status"], shown["reason"]) == ("ignored", "balance.available: changes nothing here")


@pytest.mark.parametrize(
    "arguments", [("replay",), ("replay", "evt_1", "--parked"), ("replay", "evt_none"), ("show", "evt_none")]
)
def test_what_names_nothing_is_refused(shell: Shell, arguments: tuple[str, ...]) -> None:
    shell("webhooks", *arguments, exit_status=1)
    assert shell.err.startswith("tallystick: ")
