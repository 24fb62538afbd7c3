"""What was worth telling, at which thresholds it is told, and whether it arrives."""

from typing import Annotated

from fastapi import Query

from tallystick.web.door import Billing, Caller, Scope, router
from tallystick.web.message_schemas import (
    AlertShown,
    AlertTestBody,
    MessageShown,
    ThresholdsBody,
    ThresholdsShown,
    VitalShown,
    VitalsShown,
)
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.schemas import Key
from tallystick.web.security import needs

routes = router("alerts")
_KIND = "alerts"


@routes.get("/v1/alerts", dependencies=[needs(Scope.BILLING_READ)], summary="Alerts, newest first")
def list_alerts(
    billing: Billing,
    asked: AskedPage,
    customer: Annotated[Key | None, Query()] = None,
    kind: Annotated[Key | None, Query()] = None,
) -> Page[AlertShown]:
    place = asked.place(_KIND)
    after = None if place is None else str(place[0])
    rows = billing.alerts(customer_id=customer, kind=kind, after=after, limit=asked.limit + 1)
    return page(rows, asked.limit, AlertShown.of, lambda alert: (alert.id,), kind=_KIND)


@routes.get("/v1/alerts/operations", dependencies=[needs(Scope.BILLING_READ)], summary="How the business itself does")
def list_operations(billing: Billing) -> VitalsShown:
    """The vital signs that are watched, measured now. One that is ill has been told, and is not told again until it is over."""
    return VitalsShown(data=[VitalShown.of(watch) for watch in billing.operations()])


@routes.post("/v1/alerts/test", dependencies=[needs(Scope.ADMIN)], summary="Send an alert to try it out", status_code=202)
def send_test_alert(billing: Billing, caller: Caller, body: AlertTestBody) -> MessageShown:
    """Of the type `alert.test`, with `"test": true`, signed as any other; each call sends another one, so no key is kept."""
    message = billing.test_alert(endpoint_id=body.endpoint, mail=body.mail, actor=caller.actor)
    return MessageShown.of(billing.message(message.id))


@routes.put("/v1/alert-thresholds", dependencies=[needs(Scope.BILLING_WRITE)], summary="Say when a quota's use is told")
def put_alert_thresholds(billing: Billing, body: ThresholdsBody) -> ThresholdsShown:
    """Whole percents of one customer's quota; 80 and 100 where nothing was said. Each is told once in a period."""
    thresholds = billing.set_alert_thresholds(body.customer, body.meter, body.thresholds)
    return ThresholdsShown(customer=body.customer, meter=body.meter, thresholds=list(thresholds))
