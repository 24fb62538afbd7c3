"""What a meter costs."""

from typing import Annotated

from fastapi import Path

from tallystick.values.errors import NotFound
from tallystick.web.door import Billing, Scope, router
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.schemas import ChargeBody, ChargeShown, Key
from tallystick.web.security import needs

routes = router("charges")
_KIND = "charges"


@routes.put("/v1/charges/{key:path}", dependencies=[needs(Scope.BILLING_WRITE)], summary="Make or change a charge")
def put_charge(billing: Billing, key: Annotated[Key, Path()], body: ChargeBody) -> ChargeShown:
    """The price counts from now on; what is billed keeps the price that it was billed with."""
    charge = body.to_domain(key)
    billing.put_charge(charge)
    return ChargeShown.of(charge)


@routes.get("/v1/charges", dependencies=[needs(Scope.BILLING_READ)], summary="Charges by key")
def list_charges(billing: Billing, asked: AskedPage) -> Page[ChargeShown]:
    place = asked.place(_KIND)
    rows = [charge for key, charge in sorted(billing.charges().items()) if place is None or key > str(place[0])]
    return page(rows, asked.limit, ChargeShown.of, lambda charge: (charge.key,), kind=_KIND)


@routes.get("/v1/charges/{key:path}", dependencies=[needs(Scope.BILLING_READ)], summary="One charge")
def get_charge(billing: Billing, key: Annotated[Key, Path()]) -> ChargeShown:
    charge = billing.charges().get(key)
    if charge is None:
        raise NotFound("charge: there is no such charge", field="charge")
    return ChargeShown.of(charge)
