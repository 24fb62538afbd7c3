"""A quarter of a customer who grows: warned at 80 %, told at the limit, told again next month, and of the day that was odd."""

import json
from dataclasses import replace
from decimal import Decimal

from tallystick.couriers.http import HttpEgress
from tallystick.domain.alerts import SpikeRule
from tallystick.domain.entitlements import Policy, Quota
from tallystick.flows.context import Outgoing
from tests.couriers.listening import listening
from tests.scenarios.world import World

PENNY = {"currency": "usd", "model": "per_unit", "unit_amount": "0.01"}


def test_a_quarter_of_alerts(world: World) -> None:
    world.sells("calls", PENNY, decimals=0)
    billing = world.billing
    outgoing = Outgoing(local=True, operator="ops@example.com", spike=SpikeRule(Decimal(3), Decimal(500)))
    billing.context = replace(billing.context, egress=HttpEgress(local=True), outgoing=outgoing)
    billing.put_customer("ada", email="ada@example.com")
    billing.grant("ada", "calls", Quota(Decimal(10_000), Policy.SOFT))
    with listening() as theirs:
        endpoint = billing.create_endpoint(theirs.url, ["alert.*", "invoice.opened"]).endpoint

        for week, date in enumerate(("05", "12", "19", "26")):  # Mondays at ten, 2,100 calls each
            world.on(f"2026-01-{date}T10:20:00")
            for _ in range(2):  # the network stutters
                assert billing.consume("ada", "calls", 2_100, op=f"january-{week}").allowed
            world.works()
        assert [alert.threshold for alert in billing.alerts()] == [80], "8,400 of 10,000"

        theirs.status = 503  # their deployment
        world.on("2026-01-30T09:00:00")
        assert billing.consume("ada", "calls", 2_000, op="rush").reason == "overage"
        world.works()
        theirs.status = 200
        world.later(minutes=10).works()
        world.on("2026-02-01T00:00:00").bill("ada", times=2)
        world.works()

        world.on("2026-02-02T10:20:00")
        assert billing.consume("ada", "calls", 6_400, op="february").allowed
        for _ in range(2):  # the sweep runs as often as it likes
            world.works()
        (spike,) = billing.alerts(kind="usage.spike")
        assert (spike.facts["quantity"], spike.facts["usual"]) == ("6400", "2100")
        billing.consume("ada", "calls", 1_600, op="february-2")
        world.works()

        told = [json.loads(each.body) for each in theirs.told]
        once = {each.headers["webhook-id"] for each in theirs.told}
        assert len(once) == len(theirs.told) - 1, "what their deployment missed came again, under the same id"
        assert [each["type"] for each in told if each["type"] == "invoice.opened"] == ["invoice.opened"]
        assert [(each["data"]["period_start"][:7], each["data"]["threshold"]) for each in told if "quota" in each["type"]] == [
            ("2026-01", 80),
            ("2026-01", 100),
            ("2026-01", 100),
            ("2026-02", 80),
        ]
        assert billing.endpoint(endpoint.id).failures == 0

    letters = [(to, letter.subject) for _, to, letter in billing.letters()]
    assert sorted(letters) == [
        ("ada@example.com", "100 % of calls used"),
        ("ada@example.com", "80 % of calls used"),
        ("ada@example.com", "80 % of calls used"),
        ("ada@example.com", "Unusual usage of calls"),
        ("ops@example.com", "Unusual usage of calls"),
    ]
    world.proves()
