"""What customers hold in credit grants."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from tallystick.domain.credits import CreditGrant
from tallystick.values.time import to_micros
from tallystick.web.credit_schemas import GrantBody, GrantShown
from tallystick.web.door import Billing, Caller, Scope, router
from tallystick.web.once import IdempotencyKey, answered_once
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.schemas import Key
from tallystick.web.security import needs

routes = router("credits")
_KIND = "credits"
_Id = Annotated[Key, Path(description="Your own id of the customer.")]


@routes.post(
    "/v1/customers/{customer_id:tallystick_key}/credits",
    dependencies=[needs(Scope.BILLING_WRITE)],
    summary="Grant a customer credit",
    response_model=GrantShown,
    status_code=201,
)
def grant_credit(billing: Billing, caller: Caller, customer_id: _Id, body: GrantBody, key: IdempotencyKey = None) -> Response:
    """Used up by invoices before money is asked for. Given once for `op`; the same `op` for another grant: 409."""

    def effect() -> tuple[int, str]:
        grant = billing.grant_credit(
            customer_id,
            body.money,
            kind=body.kind,
            name=body.name,
            op=body.op,
            priority=body.priority,
            expires_at=body.ends_at,
            actor=caller.actor,
        )
        return 201, GrantShown.of(grant).model_dump_json()

    billing.customer(customer_id)
    return answered_once(billing, key, f"POST /v1/customers/{customer_id}/credits", body, effect)[0]


@routes.get(
    "/v1/customers/{customer_id:tallystick_key}/credits",
    dependencies=[needs(Scope.BILLING_READ)],
    summary="What a customer was granted",
)
def list_credits(billing: Billing, customer_id: _Id, asked: AskedPage) -> Page[GrantShown]:
    """Oldest first, also those that are used up or have expired."""
    billing.customer(customer_id)
    place = asked.place(_KIND)
    rows = [grant for grant in billing.credits(customer_id) if place is None or _place(grant) > tuple(place)]
    return page(rows, asked.limit, GrantShown.of, _place, kind=_KIND)


def _place(grant: CreditGrant) -> tuple[int | str, ...]:
    return to_micros(grant.granted_at), grant.id
