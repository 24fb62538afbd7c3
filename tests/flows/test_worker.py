"""The worker goes on: whatever one job, sweep or answer does, the others are worked off, and nothing is lost in silence."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from tallystick import storage
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Method
from tallystick.flows.context import Context
from tallystick.storage.provider_events import Settlement, page
from tallystick.worker import loop, schedule
from tests.scenarios.world import World

PRICE = {"model": "per_unit", "currency": "usd", "unit_amount": "1"}
SECRET = "pi_1_secret_canary"


class Marks:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def point(self, name: str) -> None: ...

    def mark(self, name: str) -> None:
        self.seen.append(name)


class Broken:
    """A provider with a bug in it: what it cannot read, it stumbles over."""

    def __init__(self, inner: Any, method: str) -> None:
        self._inner, self._method = inner, method

    def __getattr__(self, name: str) -> Any:
        return self._stumble if name == self._method else getattr(self._inner, name)

    @staticmethod
    def _stumble(*_: object, **__: object) -> Any:
        client_secret = SECRET
        raise KeyError(f"object {client_secret}")


@pytest.fixture
def world() -> Iterator[World]:
    made = World("sqlite://")
    made.sells("calls", PRICE)
    yield made
    made.billing.close()


def billed(world: World, customer: str = "ada") -> Invoice:
    world.uses(customer, "calls", 5)
    world.later(minutes=1)
    return world.bill(customer)


def broken(world: World, method: str) -> Context:
    context = world.billing.context
    return replace(context, provider=Broken(context.provider, method), faults=Marks())


def paid_but_unknown_to_us(world: World) -> Invoice:
    """Its webhook is in the inbox."""
    invoice = billed(world)
    world.works()
    world.pays(invoice)
    world.delivers()
    return invoice


def test_a_poison_job_does_not_stop_the_jobs_behind_it(world: World) -> None:
    invoice = paid_but_unknown_to_us(world)
    other = billed(world, "bob")
    context = broken(world, "interpret")
    loop.run_due(context)
    assert world.payment(other).ref is not None, "collected, although the jobs before it fail"
    assert "job.crashed" in context.faults.seen
    world.later(hours=2).works()
    assert world.now(invoice).status is InvoiceStatus.PAID, "tried again, once the bug is gone"
    assert world.billing.backlog().dead == 0


def test_a_crash_is_logged_with_its_job_and_place_and_without_its_text(world: World) -> None:
    paid_but_unknown_to_us(world)
    with capture_logs() as logs:
        loop.run_due(broken(world, "interpret"))
    crashed = [entry for entry in logs if entry["event"] == "job.crashed"]
    assert crashed
    assert {"job", "subject", "attempt"} <= crashed[0].keys()
    assert crashed[0]["error"] == "KeyError"
    assert any("settle.py" in frame for frame in crashed[0]["where"])
    assert SECRET not in repr(logs)
    with world.billing.context.database.reading() as conn:
        rows = conn.exec_driver_sql("SELECT error FROM tallystick_jobs").all()
    assert SECRET not in repr(rows)


def test_a_job_that_never_works_is_buried_aloud_and_begins_anew_when_it_is_asked_for(world: World) -> None:
    paid_but_unknown_to_us(world)
    context = broken(world, "interpret")
    with capture_logs() as logs:
        for _ in range(loop.ATTEMPTS_MAX):
            world.later(hours=2)
            loop.run_due(context)
    buried = [entry for entry in logs if entry["event"] == "job.buried"]
    assert buried
    assert buried[0]["log_level"] == "error"
    assert "KeyError" in buried[0]["reason"]
    backlog = world.billing.backlog()
    assert (backlog.due, backlog.dead) == (0, len(buried))
    assert {job.subject for job in world.billing.dead_jobs()} == {entry["subject"] for entry in buried}
    assert {job.error for job in world.billing.dead_jobs()} == {"crashed: KeyError"}
    assert world.billing.retry_dead_jobs(actor="ops") == len(buried)
    assert world.billing.retry_dead_jobs() == 0
    assert [entry.act.actor for entry in world.billing.audit() if entry.act.action == "jobs.retried"] == ["ops"]
    world.works()
    assert world.billing.backlog().dead == 0
    world.proves()


@pytest.mark.parametrize("broken_part", ["sweeps", "claim"])
def test_the_worker_outlives_a_bug_outside_of_its_jobs(world: World, monkeypatch: pytest.MonkeyPatch, broken_part: str) -> None:
    invoice = billed(world)
    stumbled = threading.Event()

    def stumble(*_: object, **__: object) -> Any:
        stumbled.set()
        raise KeyError(SECRET)

    with monkeypatch.context() as patch, capture_logs() as logs:
        if broken_part == "sweeps":
            patch.setitem(schedule.SWEEPS, "payments", (timedelta(minutes=5), stumble))
        else:
            patch.setattr(storage.jobs, "claim", stumble)
        stop = threading.Event()
        worker = threading.Thread(target=loop.run_forever, args=(world.billing.context, stop), kwargs={"idle": 0.01})
        worker.start()
        assert stumbled.wait(10)
        if broken_part == "claim":
            patch.undo()
        for _ in range(500):
            if world.payment(invoice).ref is not None:
                break
            stop.wait(0.01)
        assert worker.is_alive()
        stop.set()
        worker.join(10)
    assert world.payment(invoice).ref is not None, "a broken sweep stops no job, and a stumble not the worker"
    assert any(entry["event"] == "worker.crashed" for entry in logs)
    assert SECRET not in repr(logs)


def test_a_worker_whose_lease_is_over_leaves_the_rest_to_others(world: World) -> None:
    for number in range(3):
        billed(world, f"customer-{number}")
    context = replace(world.billing.context, faults=Marks())
    slow = replace(context, provider=Slow(context.provider, world))
    assert loop.run_due(slow) == 3
    assert "jobs.lease_over" in context.faults.seen
    assert world.billing.backlog().due == 2
    world.works()
    assert world.billing.backlog().due == 0
    world.proves()


class Slow:
    """Each object that it opens takes longer than a lease."""

    def __init__(self, inner: Any, world: World) -> None:
        self._inner, self._world = inner, world

    def __getattr__(self, name: str) -> Any:
        if name == "open":
            self._world.later(seconds=loop.LEASE.total_seconds() + 1)
        return getattr(self._inner, name)


def test_money_of_another_amount_is_parked_for_people_and_never_booked(world: World) -> None:
    world.uses("ada", "calls", 5)
    world.later(minutes=1)
    invoice = world.bill("ada", method=Method.INTENT, automatic=False)
    world.works()
    ref = world.payment(invoice).ref
    headers = {"Authorization": "Bearer sk_test_sandbox", "Content-Type": "application/x-www-form-urlencoded"}
    changed = world.sandbox.handle("POST", f"/v1/payment_intents/{ref}", body=b"amount=123", headers=headers)
    assert changed.status == 200
    world.pays(invoice)
    world.delivers(times=2)
    world.works()
    with world.billing.context.database.reading() as conn:
        parked = page(conn, settlement=Settlement.PARKED, limit=9)
    assert {(delivery.reason or "").partition(":")[0] for delivery in parked} == {"amount_mismatch"}
    assert world.now(invoice).status is InvoiceStatus.OPEN
    assert world.billing.backlog().due == 0
    world.proves()


def test_work_of_a_kind_that_only_a_newer_version_knows_is_left_to_it(world: World) -> None:
    invoice = billed(world)
    with world.billing.context.database.transaction("newer") as conn:
        conn.exec_driver_sql(
            "INSERT INTO tallystick_jobs (key, name, subject, run_at, attempt, fence, dead) VALUES ('x', 'wax', 'x', 0, 0, 0, 0)"
        )
    world.works()
    assert world.payment(invoice).ref is not None
    assert world.billing.backlog().due == 1
