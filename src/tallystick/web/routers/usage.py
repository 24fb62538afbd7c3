"""What a customer has used."""

from typing import Annotated

from fastapi import Query

from tallystick.web.door import Billing, Scope, router
from tallystick.web.periods import Until, summed_period
from tallystick.web.schemas import Key, UsageShown
from tallystick.web.security import needs

routes = router("usage")


@routes.get("/v1/usage", dependencies=[needs(Scope.USAGE_READ)], summary="The usage of one meter in a period, exact and live")
def get_usage(
    billing: Billing,
    customer: Annotated[Key, Query()],
    meter: Annotated[Key, Query()],
    since: Annotated[str, Query(alias="from", max_length=40, examples=["2026-01-01T00:00:00Z"])],
    until: Until = None,
) -> UsageShown:
    period = summed_period(since, until, now=billing.context.clock.now())
    billing.customer(customer)
    return UsageShown.of(customer, period, billing.usage(customer, meter, period))
