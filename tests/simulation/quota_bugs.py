"""Bugs in quotas and leases, planted one at a time: the takers' books must find each of them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

from tallystick import storage
from tallystick.app import lease
from tallystick.domain.entitlements import Decision, Operation, OperationStatus
from tallystick.domain.usage import Meter
from tallystick.flows import _quota, check_quota, consume
from tallystick.flows._quota import Use
from tallystick.values.ids import OperationId
from tests.simulation.bugs import bug


@bug(takers=1.0, pause=0.3)
def a_quota_is_asked_first_and_taken_later() -> Iterator[None]:
    def consumed(ctx: Any, use: Use) -> Decision:
        decision = check_quota.check_quota(ctx, use)
        ctx.faults.point("consume:asked")

        def take(conn: Any) -> Decision:
            found = _quota.locked(ctx, conn, use.customer_id, use.meter_key)
            assert isinstance(found, _quota.Standing)
            at, start = found.at, found.period_start
            operation = Operation(
                use.customer_id, use.id, use.meter_key, use.quantity, at, start, OperationStatus.TAKEN, use.quantity
            )
            if _quota.already_asked(conn, operation) is None:
                storage.quotas.take(conn, operation, found.meter, hard_limit=None)
                _quota.record(conn, operation, found.meter, now=at)
            return decision

        return ctx.database.run("consume", take) if decision.allowed else decision

    with patch.object(consume, "consume", consumed):
        yield


@bug(takers=1.0, crash=0.02)
def each_sending_of_a_use_is_a_use_of_its_own() -> Iterator[None]:
    real, numbers = consume.consume, count(1)

    def consumed(ctx: Any, use: Use) -> Decision:
        return real(ctx, replace(use, id=OperationId(f"{use.id}#{next(numbers)}")))

    with patch.object(consume, "consume", consumed):
        yield


@bug(takers=1.0, crash=0.02)
def a_lease_is_spent_after_its_end() -> Iterator[None]:
    with patch.object(lease, "FRESH", timedelta(days=3650)):
        yield


@bug(takers=1.0, crash=0.04)
def what_a_dead_process_held_is_held_for_ever() -> Iterator[None]:
    with (
        patch.object(storage.quotas, "release_expired", lambda *_, **__: 0),
        patch.object(storage.quotas, "expired", lambda *_, **__: []),
    ):
        yield


@bug(takers=1.0)
def what_was_spent_of_a_lease_stays_reserved() -> Iterator[None]:
    real = storage.leases._drawn

    def drawn(conn: Any, leased: Any, steps: int, meter: Meter) -> Any:
        return real(conn, leased, 0, meter)

    with patch.object(storage.leases, "_drawn", drawn):
        yield
