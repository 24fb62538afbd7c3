"""What is sold: plans, in versions."""

from typing import Annotated

from fastapi import Path, Query

from tallystick.web.door import Billing, Caller, Scope, router
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.plan_schemas import PlanBody, PlanShown
from tallystick.web.schemas import Key
from tallystick.web.security import needs

routes = router("plans")
_KIND = "plans"
_VERSION_MAX = 2**31 - 1
_Key = Annotated[Key, Path()]


@routes.put(
    "/v1/plans/{key:tallystick_key}", dependencies=[needs(Scope.BILLING_WRITE)], summary="Sell a plan, or sell it otherwise"
)
def put_plan(billing: Billing, caller: Caller, key: _Key, body: PlanBody) -> PlanShown:
    """The newest version, as it is now. A version never changes: another content is another version.

    They stay on theirs until a change names the plan. The same again is no new version.
    """
    return PlanShown.of(billing.put_plan(body.to_domain(key), actor=caller.actor))


@routes.get("/v1/plans", dependencies=[needs(Scope.BILLING_READ)], summary="Plans by key, each in its newest version")
def list_plans(billing: Billing, asked: AskedPage) -> Page[PlanShown]:
    place = asked.place(_KIND)
    rows = [plan for key, plan in sorted(billing.plans().items()) if place is None or key > str(place[0])]
    return page(rows, asked.limit, PlanShown.of, lambda plan: (plan.key,), kind=_KIND)


@routes.get("/v1/plans/{key:tallystick_key}", dependencies=[needs(Scope.BILLING_READ)], summary="One plan")
def get_plan(
    billing: Billing,
    key: _Key,
    version: Annotated[int | None, Query(ge=1, le=_VERSION_MAX, description="None: the newest one.")] = None,
) -> PlanShown:
    return PlanShown.of(billing.plan(key, version))
