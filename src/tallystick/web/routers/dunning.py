"""Payments that have failed: what happens about each, and the pages behind the link in its letters."""

from typing import Annotated

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tallystick.domain.dunning import State
from tallystick.values.errors import Conflict, NotFound, ProviderError
from tallystick.web import pay_page
from tallystick.web.door import Billing, Scope, router
from tallystick.web.dunning_schemas import DunningShown
from tallystick.web.mend_page import asking, saying
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.schemas import Key
from tallystick.web.security import PUBLIC, needs

routes = router("dunning")
_KIND = "dunning"
_Token = Annotated[str, Path(min_length=1, max_length=512)]


@routes.get("/v1/dunning", dependencies=[needs(Scope.BILLING_READ)], summary="Payments that have failed, newest first")
def list_dunning(
    billing: Billing,
    asked: AskedPage,
    customer: Annotated[Key | None, Query()] = None,
    state: Annotated[list[State] | None, Query(max_length=len(State), description="Said several times: in one of these.")] = None,
) -> Page[DunningShown]:
    place = asked.place(_KIND)
    after = None if place is None else str(place[0])
    rows = billing.dunnings(customer_id=customer, state=state, after=after, limit=asked.limit + 1)
    return page(rows, asked.limit, DunningShown.of, lambda found: (found.invoice.id,), kind=_KIND)


@routes.get("/v1/dunning/{invoice_id}", dependencies=[needs(Scope.BILLING_READ)], summary="One invoice's dunning")
def get_dunning(billing: Billing, invoice_id: Annotated[Key, Path()]) -> DunningShown:
    """With every try of its payment and every letter, in their order. 404 where none has failed."""
    return DunningShown.of(billing.dunning(invoice_id))


@routes.get("/mend/{token}", dependencies=[PUBLIC], include_in_schema=False)
def show_link(request: Request, billing: Billing, token: _Token) -> Response:
    """Behind the link in a letter: a button. What scans mail follows links, so nothing is done before it is pressed."""
    try:
        mending = billing.mending(token)
    except NotFound:
        return _unknown(request)
    if mending.is_over:
        return saying("over", mending.language)
    return asking("confirm" if mending.confirms else "card", mending.language)


@routes.post("/mend/{token}", dependencies=[PUBLIC], include_in_schema=False)
def mend(request: Request, billing: Billing, token: _Token) -> Response:
    """To the provider's page, on which a card is saved or the payment confirmed."""
    try:
        language = billing.mending(token).language
    except NotFound:
        return _unknown(request)
    try:
        url = billing.mend_payment(token)
    except Conflict:
        return saying("on_its_way", language, status=409)
    except ProviderError:
        return saying("later", language, status=503)
    return saying("over", language) if url is None else RedirectResponse(url, status_code=303)


@routes.get("/mend/{token}/done", dependencies=[PUBLIC], include_in_schema=False)
def mended(request: Request, billing: Billing, token: _Token) -> Response:
    """Where the provider's page leads back to."""
    try:
        mending = billing.come_back(token)
    except NotFound:
        return _unknown(request)
    return saying("over" if mending.is_over else "thanks", mending.language)


def _unknown(request: Request) -> Response:
    """Nobody knows whose language it would be but the browser."""
    language = pay_page.language_of(request.headers.get("accept-language", ""), None)
    return saying("unknown", "ja" if language == "ja" else "en", status=404)
