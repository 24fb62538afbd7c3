"""How events become a quantity."""

from typing import Annotated

from fastapi import Path

from tallystick.values.errors import NotFound
from tallystick.values.ids import MeterKey
from tallystick.web.door import Billing, Scope, router
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.schemas import Key, MeterBody, MeterShown
from tallystick.web.security import needs

routes = router("meters")
_KIND = "meters"


@routes.put("/v1/meters/{key:path}", dependencies=[needs(Scope.BILLING_WRITE)], summary="Make or change a meter")
def put_meter(billing: Billing, key: Annotated[Key, Path()], body: MeterBody) -> MeterShown:
    """Once it has events, its aggregation and decimals stay: 409."""
    meter = body.to_domain(key)
    billing.put_meter(meter)
    return MeterShown.of(meter)


@routes.get("/v1/meters", dependencies=[needs(Scope.USAGE_READ)], summary="Meters by key")
def list_meters(billing: Billing, asked: AskedPage) -> Page[MeterShown]:
    place = asked.place(_KIND)
    rows = [meter for key, meter in sorted(billing.meters().items()) if place is None or key > str(place[0])]
    return page(rows, asked.limit, MeterShown.of, lambda meter: (meter.key,), kind=_KIND)


@routes.get("/v1/meters/{key:path}", dependencies=[needs(Scope.USAGE_READ)], summary="One meter")
def get_meter(billing: Billing, key: Annotated[Key, Path()]) -> MeterShown:
    meter = billing.meters().get(MeterKey(key))
    if meter is None:
        raise NotFound("meter: there is no such meter", field="meter")
    return MeterShown.of(meter)
