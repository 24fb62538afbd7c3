"""Bugs of usage that is sent on, planted one at a time: the sums of both sides must find each of them."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any
from unittest.mock import patch

from tallystick import storage
from tallystick.domain import usage_exports
from tallystick.providers.protocol import UsageOutcome, UsageRequest
from tallystick.providers.stripe.client import StripeProvider
from tests.simulation.bugs import bug


@bug(export=1.0, lost_reply=0.2, timeout_after_success=0.2)
def each_sending_of_usage_has_a_name_of_its_own() -> Iterator[None]:
    real, numbers = StripeProvider.send_usage, count(1)

    def sent(self: StripeProvider, request: UsageRequest, *, key: str) -> UsageOutcome:
        number = next(numbers)
        return real(self, replace(request, identifier=f"{request.identifier}:{number}"), key=f"{key}:{number}")

    with patch.object(StripeProvider, "send_usage", sent):
        yield


@bug(export=1.0, lost_reply=0.2, crash=0.02)
def usage_is_sent_before_it_is_written_down() -> Iterator[None]:
    with patch.object(usage_exports, "asked", lambda row, *_, **__: row):
        yield


@bug(export=2.0, seeds_max=20)
def an_old_identifier_is_sent_again_without_looking() -> Iterator[None]:
    with patch.object(usage_exports, "is_too_old", lambda *_, **__: False):
        yield


@bug(export=1.0, amend=25)
def what_was_sent_and_is_retracted_stays_there() -> Iterator[None]:
    with patch.object(storage.usage_exports, "note_amended", lambda *_: 0):
        yield


@bug(export=1.0)
def an_hour_is_looked_at_once() -> Iterator[None]:
    real, seen = storage.usage_exports.changed_hours, set[Any]()

    def changed(conn: Any, meter: Any, *asked: Any, **more: Any) -> list[Any]:
        found = [each for each in real(conn, meter, *asked, **more) if (meter.key, each[:3]) not in seen]
        seen.update((meter.key, each[:3]) for each in found)
        return found

    with patch.object(storage.usage_exports, "changed_hours", changed):
        yield
