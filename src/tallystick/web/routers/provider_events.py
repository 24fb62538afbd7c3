"""What came in from the provider and once more, and what banks dispute."""

from typing import Annotated

from fastapi import Path, Query

from tallystick.web.door import Billing, Caller, Scope, router
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.provider_schemas import (
    DeliveryShown,
    DeliveryStatus,
    DisputeShown,
    WholeDeliveryShown,
)
from tallystick.web.schemas import Key
from tallystick.web.security import needs

routes = router("provider_events")
_ADMIN = [needs(Scope.ADMIN)]
_KIND, _DISPUTES = "provider_events", "disputes"
_Id = Annotated[Key, Path()]


@routes.get("/v1/provider-events", dependencies=_ADMIN, summary="What came in from the provider, newest first")
def list_provider_events(
    billing: Billing, asked: AskedPage, status: Annotated[DeliveryStatus | None, Query()] = None
) -> Page[DeliveryShown]:
    place = asked.place(_KIND)
    after = None if place is None else str(place[0])
    rows = billing.deliveries(settlement=status, after=after, limit=asked.limit + 1)
    return page(rows, asked.limit, DeliveryShown.of, lambda stored: (stored.delivery.id,), kind=_KIND)


@routes.get("/v1/provider-events/{delivery_id}", dependencies=_ADMIN, summary="One delivery, as it came")
def get_provider_event(billing: Billing, delivery_id: _Id) -> WholeDeliveryShown:
    return WholeDeliveryShown.whole(billing.delivery(delivery_id))


@routes.post("/v1/provider-events/{delivery_id}/replay", dependencies=_ADMIN, summary="Settle a delivery anew", status_code=202)
def replay_provider_event(billing: Billing, caller: Caller, delivery_id: _Id) -> DeliveryShown:
    """By the worker, and by how things stand at the provider then: twice is once, so no key is kept."""
    return DeliveryShown.of(billing.replay_delivery(delivery_id, actor=caller.actor))


@routes.get("/v1/disputes", dependencies=[needs(Scope.BILLING_READ)], summary="Disputes, newest first")
def list_disputes(billing: Billing, asked: AskedPage, customer: Annotated[Key | None, Query()] = None) -> Page[DisputeShown]:
    place = asked.place(_DISPUTES)
    after = None if place is None else str(place[0])
    rows = billing.disputes(customer_id=customer, after=after, limit=asked.limit + 1)
    return page(rows, asked.limit, DisputeShown.of, lambda dispute: (dispute.id,), kind=_DISPUTES)
