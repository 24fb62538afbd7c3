"""Corners of telling the provider's meters: idle zeros, what is on its way back, orders for one meter, and many customers."""

from collections.abc import Iterator

import pytest

from tallystick.domain.usage import Meter
from tallystick.domain.usage_exports import ExportStatus
from tallystick.flows import sweep_usage
from tallystick.flows import sync_usage as sync_usage_module
from tallystick.flows.sync_usage import SyncOrder, sync_usage
from tallystick.providers.stripe.client import StripeProvider
from tallystick.storage import schema
from tallystick.values.ids import MeterKey
from tests.flows.test_usage_exports import CANCEL, MARCH, SEND, Exporting


@pytest.fixture
def world(database_url: str) -> Iterator[Exporting]:
    made = Exporting(database_url)
    yield made
    made.proves()
    made.billing.close()


@pytest.mark.parametrize(("decimals", "quantity"), [(6, "5000000000"), (12, "4000"), (3, "123456789012345")])
def test_idle_zeros_behind_the_point_are_no_digits(world: Exporting, decimals: int, quantity: str) -> None:
    world.billing.put_meter(Meter(MeterKey("bytes"), decimals=decimals, export_as="bytes"))
    world.sandbox_call("POST", "/v1/billing/meters", display_name="Bytes", event_name="bytes", default_aggregation__formula="sum")
    world.uses("ada", "bytes", quantity, name="large")
    world.works()
    assert [(row.status, row.code) for row in world.rows("large")] == [(ExportStatus.SENT, None)]


@pytest.mark.parametrize("fault", ["lost_reply", "lost_request", "rate_limited"])
def test_what_is_being_taken_back_is_no_difference(world: Exporting, fault: str) -> None:
    world.uses("ada", "calls", 5, name="e1")
    world.uses("ada", "calls", 2, name="e2")
    world.works()
    world.retracts("e1")
    world.sandbox.faults.next(fault, on=CANCEL)
    world.works()
    assert world.statuses("e1") == ["sent"], "whether it was taken back, nobody knows yet"
    assert world.compares().difference == 0
    world.later(hours=2).works()
    assert (world.statuses("e1"), world.compares().difference, world.counted()) == (["canceled"], 0, 2)


@pytest.mark.parametrize("fault", ["lost_reply", "lost_request", "rate_limited"])
def test_what_is_being_made_up_for_is_no_difference(world: Exporting, fault: str) -> None:
    world.uses("ada", "calls", 5, name="e1")
    world.works()
    world.later(days=3)
    world.retracts("e1")
    world.sandbox.faults.next(fault, on=SEND)
    world.works()
    assert world.statuses("e1") == ["reversed", "pending"]
    assert world.compares().difference == 0
    world.later(hours=2).works()
    assert (world.statuses("e1"), world.compares().difference, world.counted()) == (["reversed", "sent"], 0, 0)


def test_what_is_on_its_way_hides_no_more_than_itself(world: Exporting) -> None:
    for name, quantity in (("e1", 5), ("e2", 7), ("e3", 2)):
        world.uses("ada", "calls", quantity, name=name)
    world.works()
    (lost,) = world.rows("e2")
    world.sandbox_call("POST", CANCEL.split()[1], event_name="api_calls", type="cancel", cancel__identifier=lost.identifier)
    world.retracts("e1")
    world.sandbox.faults.next("lost_request", on=CANCEL)
    world.works()
    compared = world.compares()
    assert (compared.recorded, compared.provider, compared.difference) == (9, 7, -2), "of the 7 that are gone, 5 may yet go"
    world.later(hours=2).works()
    assert world.compares().difference == -7


def test_an_order_for_one_meter_sends_nothing_of_another_again(world: Exporting) -> None:
    world.billing.put_meter(Meter(MeterKey("runs"), decimals=6, export_as="runs"))
    world.uses("ada", "runs", "1234567890.123456", name="long")
    world.works()
    sync_usage(world.billing.context, SyncOrder(MARCH, event_name="api_calls", retry=True))
    assert [(row.status, row.attempt) for row in world.rows("long")] == [(ExportStatus.REJECTED, 0)]
    sync_usage(world.billing.context, SyncOrder(MARCH, event_name="runs", retry=True))
    assert [row.attempt for row in world.rows("long")] == [1]


def test_no_number_of_others_keeps_anybody_waiting(world: Exporting, monkeypatch: pytest.MonkeyPatch) -> None:
    for flow in (sweep_usage, sync_usage_module):
        monkeypatch.setattr(flow, "_AT_ONCE", 2)
    for number in range(5):
        world.uses(f"cus-{number}", "calls", 1)
    sweep_usage.sweep_usage(world.billing.context)
    with world.billing.context.database.transaction("lost jobs") as conn:
        conn.execute(schema.jobs.delete())
    assert sweep_usage.sweep_usage(world.billing.context) == 5
    assert sum(each.count for each in sync_usage(world.billing.context, SyncOrder(MARCH)).synced) == 5


def test_who_waits_for_their_turn_goes_on_at_once_and_has_not_failed(world: Exporting) -> None:
    provider = world.billing.context.provider
    assert isinstance(provider, StripeProvider)
    provider.keep_pace(world.clock)
    for _ in range(70):
        world.uses("ada", "calls", 1)
    for sent in (19, 39, 59, 70):
        world.works()
        assert world.counted() == sent, "of a sandbox of Stripe's, twenty calls a second; the first was to make the customer"
        assert not any(watch.ill for watch in world.billing.operations())
        world.later(seconds=1)
