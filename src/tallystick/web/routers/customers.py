"""Who is billed."""

from typing import Annotated

from fastapi import Path

from tallystick.web.door import Billing, Scope, router
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.schemas import CustomerBody, CustomerShown, Key
from tallystick.web.security import needs

routes = router("customers")
_KIND = "customers"
_Id = Annotated[Key, Path(description="Your own id of the customer.")]


@routes.put("/v1/customers/{customer_id:path}", dependencies=[needs(Scope.BILLING_WRITE)], summary="Make or change a customer")
def put_customer(billing: Billing, customer_id: _Id, body: CustomerBody) -> CustomerShown:
    """The customer with these details: a detail that is left out is emptied."""
    return CustomerShown.of(billing.put_customer(customer_id, email=body.email, name=body.name, language=body.language))


@routes.get("/v1/customers", dependencies=[needs(Scope.BILLING_READ)], summary="Customers by id")
def list_customers(billing: Billing, asked: AskedPage) -> Page[CustomerShown]:
    place = asked.place(_KIND)
    rows = billing.customers(after=None if place is None else str(place[0]), limit=asked.limit + 1)
    return page(rows, asked.limit, CustomerShown.of, lambda customer: (customer.id,), kind=_KIND)


@routes.get("/v1/customers/{customer_id:path}", dependencies=[needs(Scope.BILLING_READ)], summary="One customer")
def get_customer(billing: Billing, customer_id: _Id) -> CustomerShown:
    return CustomerShown.of(billing.customer(customer_id))
