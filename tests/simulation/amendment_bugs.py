"""Bugs of corrections and retractions, planted one at a time beside those of `bugs`."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from tallystick import domain, storage
from tallystick.domain.amendments import Amendment
from tallystick.flows import _amendments, _billables, correct_event
from tallystick.storage import usage_amendments, usage_levels
from tests.simulation.bugs import bug


@bug(amend=25)
def what_is_amended_stays_on_closed_bills() -> Iterator[None]:
    with patch.object(usage_amendments, "mark_late", lambda *_: None):
        yield


@bug(amend=25, seeds_max=40)
def what_was_taken_off_is_given_back_too() -> Iterator[None]:
    with patch.object(_billables, "_asked", lambda _conn, _customer, lines: lines[-1].rating.total):
        yield


@bug(amend=25)
def the_hour_still_counts_what_was_retracted() -> Iterator[None]:
    with patch.object(usage_amendments, "_add_up_anew", lambda *_: None):
        yield


@bug(amend=25, crash=0.03)
def an_event_is_taken_out_before_its_replacement_is_in() -> Iterator[None]:
    def in_two(ctx: Any, name: Any, said: Any, *, reason: str, actor: str = "system") -> Amendment:
        with ctx.database.transaction("take out") as conn:
            stands = storage.usage.amendment(conn, name)
            first, now = _amendments.locked(conn, name), ctx.clock.now()
            meter = storage.catalog.meter(conn, first.meter_key)
            right = domain.amendments.replacement_for(first, said, meter, now=now)
            done = domain.amendments.correction(first, right, reason=reason, actor=actor, at=now)
            if stands is None:
                _amendments.save(ctx, conn, done, first)
        if stands is not None:
            return stands
        with ctx.database.transaction("put in") as conn:
            storage.usage.append(conn, [(right, meter)], at=now)
        return done

    with patch.object(correct_event, "correct_event", in_two):
        yield


@bug(amend=25, late=0.35, seeds_max=40)
def a_late_level_changes_its_own_hour_alone() -> Iterator[None]:
    with patch.object(usage_levels, "carried_to", lambda *_: iter(())):
        yield
