"""This server's uptime and the bill for it: the pay page, and the addresses that it asks."""

from typing import Annotated, Literal

from fastapi import Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from tallystick.collectors.uptime import UptimeBilling
from tallystick.domain.invoices import Invoice
from tallystick.flows.collect import Collected
from tallystick.values.errors import Conflict, NotFound, ProviderRefused, ProviderUnavailable
from tallystick.web import pay_page
from tallystick.web.door import Door, TheDoor, router
from tallystick.web.security import PUBLIC, check_same_origin
from tallystick.web.uptime_schemas import BillingStatus, Intent, Uptime

routes = router("uptime")


@routes.get("/", dependencies=[PUBLIC], include_in_schema=False)
def show_pay_page(request: Request, door: TheDoor, lang: Annotated[Literal["en", "ja"] | None, Query()] = None) -> Response:
    language = pay_page.language_of(request.headers.get("accept-language", ""), lang)
    mode = _mode(door)
    page = pay_page.pay_page(language=language, mode=mode, publishable_key=door.billing.publishable_key)
    return HTMLResponse(page, headers={**pay_page.headers(mode), "Content-Language": language})


@routes.get("/api/uptime", dependencies=[PUBLIC], summary="How long this server has been up")
def get_uptime(door: TheDoor) -> Uptime:
    return Uptime.of(_metered(door).reading())


@routes.get("/api/billing-status", dependencies=[PUBLIC], summary="What this server's uptime has cost so far")
def get_billing_status(door: TheDoor) -> BillingStatus:
    metered = _metered(door)
    return BillingStatus.of(metered.tariff, metered.reading(), metered.status(), mode=_mode(door))


@routes.post(
    "/api/create-payment-intent",
    dependencies=[PUBLIC],
    summary="Ask for the money for the unpaid time",
    responses={503: {"description": "The provider's answer is not known; ask again."}},
)
def create_payment_intent(request: Request, door: TheDoor) -> Intent:
    """Asked twice, it is one intent: the same hours are never charged twice, so no `Idempotency-Key` is kept."""
    check_same_origin(request, door.settings.url)
    invoice, collected = _metered(door).pay()
    return _intent(invoice, collected, door.billing.publishable_key)


def _intent(invoice: Invoice, collected: Collected, publishable_key: str) -> Intent:
    payment, secret = collected.payment, collected.client_secret
    if collected.refusal is not None:
        raise ProviderRefused(f"the provider will not take this payment: {collected.refusal.message}")
    if payment.status in {"succeeded", "canceled"}:
        raise Conflict(f"{invoice.number}: its payment has just {payment.status}; look at the bill again", code="bill_moved")
    if secret is None or collected.intent_ref is None:
        raise ProviderUnavailable("the provider did not answer; nothing was charged; try again")
    return Intent(
        client_secret=secret,
        payment_intent_id=collected.intent_ref,
        amount=payment.amount.minor,
        currency=payment.amount.currency.code,
        publishable_key=publishable_key,
        invoice=invoice.id,
    )


def _metered(door: Door) -> UptimeBilling:
    if door.uptime is None:
        raise NotFound("uptime: is not billed here")
    return door.uptime


def _mode(door: Door) -> str:
    if door.billing.sandbox is not None:
        return "sandbox"
    return "live" if door.settings.live else "test"
