"""Stripe's thin events, which say that something happened and not what: read, and what they are about is asked for."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import stripe

from tallystick.domain.payments import Ignored, ProviderFact, UsageRejected
from tallystick.domain.usage_exports import Rejection
from tallystick.providers.stripe import transport
from tallystick.providers.stripe.translate import Doc, part
from tallystick.values.time import instant

OBJECT = "v2.core.event"
REPORTS = ("v1.billing.meter.error_report_triggered", "v1.billing.meter.no_meter_found")


def created_at(event: Doc) -> datetime:
    """When it happened. Raises InvalidInput."""
    created = event.get("created")
    return instant(created if isinstance(created, str) else "", field="created")


def fact(kind: str, event: Doc) -> ProviderFact:
    """What it means: that there is something to ask for, or nothing of ours."""
    return UsageRejected(event["id"]) if kind in REPORTS else Ignored(f"{kind}: changes nothing here")


def rejections(client: stripe.StripeClient, ref: str) -> list[Rejection]:
    """What the report names: of each kind of error a few, by the keys of their requests."""
    event = transport.doc(client.v2.core.events.retrieve(ref))
    return [*_named(part(part(event, "data"), "reason"))]


def _named(reason: Doc) -> Iterator[Rejection]:
    for kind in reason.get("error_types") or ():
        for error in kind.get("sample_errors") or ():
            key: Any = part(error, "request").get("identifier")
            if isinstance(key, str):
                yield Rejection(key, str(kind.get("code") or "unknown"), str(error.get("error_message") or ""))
