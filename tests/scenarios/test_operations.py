"""The business itself falls ill, is told of it once, and is well again; on a calendar."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tallystick.domain.operations import KINDS, Vital, Watch
from tallystick.domain.payments import Method
from tallystick.domain.usage import Meter
from tallystick.flows import observe, sweep_operations
from tallystick.values.ids import MeterKey
from tallystick.values.time import rfc3339
from tallystick.worker import loop
from tests.scenarios.world import World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    made.sells("calls", {"model": "per_unit", "currency": "usd", "unit_amount": "1"})
    yield made
    made.billing.close()


def stands(world: World, vital: Vital) -> Watch:
    return next(watch for watch in world.billing.operations() if watch.vital is vital)


def told(world: World) -> list[str]:
    return [alert.subject for alert in world.billing.alerts() if alert.kind in KINDS.values()]


def recovered(world: World) -> list[str]:
    return [alert.subject for alert in world.billing.alerts(kind="operations.recovered")]


def owes(world: World, customers: int) -> None:
    for number in range(customers):
        world.uses(f"c{number}", "calls", 10)
    world.later(hours=1)
    for number in range(customers):
        world.bill(f"c{number}", automatic=False)


def test_a_sixth_invoice_that_is_overdue_is_told_once_until_fewer_are(world: World) -> None:
    owes(world, 6)
    world.works()
    assert stands(world, Vital.UNPAID_INVOICES).ill is False, "they are open, and not due yet"
    world.later(days=14, hours=1).works()
    watch = stands(world, Vital.UNPAID_INVOICES)
    assert (watch.ill, watch.value, watch.count) == (True, Decimal(6), 6)
    world.later(days=1).works()
    assert told(world) == ["unpaid_invoices"], "told once"
    world.billing.void(world.billing.invoices(status="open")[0].id, reason="a test")
    world.later(minutes=1).works()
    assert not stands(world, Vital.UNPAID_INVOICES).ill
    assert stands(world, Vital.UNPAID_INVOICES).since == world.clock.now(), "over since now"
    (over,) = world.billing.alerts(kind="operations.recovered")
    assert (over.facts["vital"], over.facts["ill_since"]) == ("unpaid_invoices", rfc3339(watch.since))
    assert (over.facts["value"], over.facts["limit"]) == ("5", "5")
    world.later(minutes=1).works()
    assert recovered(world) == ["unpaid_invoices"], "once"
    owes(world, 1)
    world.later(days=15).works()
    assert told(world) == ["unpaid_invoices"] * 2, "it began anew"
    assert recovered(world) == ["unpaid_invoices"], "and is not over"
    world.proves()


def test_payments_that_fail_are_told_and_a_day_later_forgotten(world: World) -> None:
    for number, card in enumerate(["pm_card_visa"] * 8 + ["pm_card_chargeDeclined"] * 2):
        world.uses(f"c{number}", "calls", 10)
        world.later(minutes=1)
        world.bill(f"c{number}", method=Method.INTENT, automatic=True, payment_method=card)
    world.works()
    world.delivers(times=2)
    world.works()
    watch = stands(world, Vital.PAYMENTS)
    assert (str(watch.value), watch.count, watch.ill) == ("80.0", 10, True)
    assert told(world) == ["payments"]
    world.later(hours=25)
    sweep_operations.sweep_operations(world.billing.context)
    assert (stands(world, Vital.PAYMENTS).value, stands(world, Vital.PAYMENTS).ill) == (None, False)
    assert world.billing.alerts(kind="operations.recovered")[0].facts["value"] is None


def test_a_webhook_that_is_answered_late_is_told_for_a_quarter_of_an_hour(world: World) -> None:
    for seconds in (0.2, 3, 6):
        world.billing.observe_answer(timedelta(seconds=seconds))
    sweep_operations.sweep_operations(world.billing.context)
    watch = stands(world, Vital.WEBHOOKS)
    assert (str(watch.value), watch.count, watch.ill) == ("6.000", 2, True), "the quick one left no row"
    world.later(minutes=16)
    sweep_operations.sweep_operations(world.billing.context)
    assert not stands(world, Vital.WEBHOOKS).ill


def test_syncs_that_fail_are_told(world: World) -> None:
    for number in range(20):
        observe.observe_sync(world.billing.context, f"run-{number}", good=number > 1)
        observe.observe_sync(world.billing.context, f"run-{number}", good=number > 1)
    sweep_operations.sweep_operations(world.billing.context)
    watch = stands(world, Vital.USAGE_SYNC)
    assert (str(watch.value), watch.count, watch.ill) == ("90.0", 20, True), "seen twice, counted once"


def test_the_operator_gets_a_letter_and_whoever_listens_a_message(world: World) -> None:
    context = world.billing.context
    world.billing.context = replace(context, outgoing=replace(context.outgoing, operator="ops@example.com"))
    world.billing.create_endpoint("https://example.com/hook", ["alert.operations.*"])
    world.billing.observe_answer(timedelta(seconds=9))
    sweep_operations.sweep_operations(world.billing.context)
    loop.run_due(world.billing.context)
    (message,) = [found for found, *_ in world.billing.messages() if found.type == "alert.operations.webhooks"]
    _, dispatches = world.billing.message(message.id)
    assert {dispatch.channel.value for dispatch in dispatches} == {"mail", "webhook"}
    world.later(minutes=16)
    sweep_operations.sweep_operations(world.billing.context)
    loop.run_due(world.billing.context)
    assert [found.type for found, *_ in world.billing.messages()].count("alert.operations.recovered") == 1


def test_two_workers_measure_and_it_is_told_once(world: World) -> None:
    world.billing.observe_answer(timedelta(seconds=9))
    for _ in range(3):
        sweep_operations.sweep_operations(world.billing.context)
    assert told(world) == ["webhooks"]


def test_old_observations_are_forgotten(world: World) -> None:
    world.billing.observe_answer(timedelta(seconds=9))
    world.later(days=9)
    sweep_operations.sweep_operations(world.billing.context)
    world.clock.advance(-timedelta(days=9))
    assert stands(world, Vital.WEBHOOKS).value is None


def test_each_run_of_an_export_is_observed_by_the_worker(world: World) -> None:
    """Whether it goes on at once, waits for the provider, or fails."""
    world.billing.put_meter(Meter(MeterKey("sent"), export_as="calls_sent"))
    world.billing.push_catalogue()
    world.uses("ada", "sent", 10)
    world.works()
    assert (str(stands(world, Vital.USAGE_SYNC).value), stands(world, Vital.USAGE_SYNC).count) == ("100.0", 1)
    world.uses("ada", "sent", 5)
    world.sandbox.faults.outage(world.clock.now(), world.clock.now() + timedelta(hours=1))
    world.later(minutes=1).works()
    assert stands(world, Vital.USAGE_SYNC).ill
    assert told(world) == []
    world.later(minutes=1).works()
    assert told(world) == ["usage_sync"]
