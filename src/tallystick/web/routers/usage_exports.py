"""Exports of usage that a person has to look at."""

from typing import Annotated

from fastapi import Query

from tallystick.web.door import Billing, Caller, Scope, router
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.schemas import Key
from tallystick.web.security import needs
from tallystick.web.usage_export_schemas import ClearBody, ExportShown, UnclearShown

routes = router("usage_exports")
_ADMIN = [needs(Scope.ADMIN)]
_KIND = "unclear_usage"


@routes.get("/v1/usage-exports/unclear", dependencies=_ADMIN, summary="Usage of which nobody can tell whether it counts there")
def list_unclear_usage(
    billing: Billing,
    asked: AskedPage,
    customer: Annotated[Key | None, Query()] = None,
    ask: Annotated[bool, Query(description="Ask the provider what it counts: one call for each.")] = False,
) -> Page[UnclearShown]:
    """At the provider, that is; by customer, source and event. `POST /v1/usage-exports/clear` says what is so."""
    place = asked.place(_KIND)
    after = None if place is None else (str(place[0]), str(place[1]), str(place[2]), str(place[3]))
    rows = billing.unclear_usage(customer, after=after, limit=asked.limit + 1, ask=ask)
    return page(
        rows,
        asked.limit,
        UnclearShown.unclear,
        lambda found: (found.row.customer_id, found.row.source, found.row.event_id, found.row.part.value),
        kind=_KIND,
    )


@routes.post("/v1/usage-exports/clear", dependencies=_ADMIN, summary="Say whether the provider counts it")
def clear_usage(billing: Billing, caller: Caller, body: ClearBody) -> ExportShown:
    """What is sent again has the name that it had, so that one which came after all counts once.

    Said twice it is once, so no key is kept.
    """
    row = billing.clear_usage(
        body.customer, body.source, body.id, body.said, reason=body.reason, part=body.part, actor=caller.actor
    )
    return ExportShown.of(row)
