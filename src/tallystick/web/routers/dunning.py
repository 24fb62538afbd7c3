"""Payments that have failed: what happens about each, and the page behind the link in its letters."""

from html import escape
from typing import Annotated

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallystick.domain.dunning import State
from tallystick.values.errors import Conflict, NotFound, ProviderError
from tallystick.web import pay_page
from tallystick.web.door import Billing, Scope, router
from tallystick.web.dunning_schemas import DunningShown
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.schemas import Key
from tallystick.web.security import PUBLIC, needs

routes = router("dunning")
_KIND = "dunning"
_Token = Annotated[str, Path(min_length=1, max_length=512)]
_PAGE = (
    '<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title></head><body><main><h1>{title}</h1><p>{text}</p></main></body></html>"
)
_SAID = {
    "over": {
        "en": ("Nothing is left to be paid", "This invoice is settled. Thank you."),
        "ja": ("お支払いは完了しています", "この請求書のお手続きは不要です。ありがとうございます。"),
    },
    "thanks": {
        "en": ("Thank you", "A card that you have just saved is charged within a few minutes. You can close this page."),
        "ja": ("ありがとうございます", "登録されたカードには数分以内に請求いたします。このページは閉じて構いません。"),
    },
    "on_its_way": {
        "en": ("Your payment is on its way", "Open this link again in a few minutes if you hear nothing of it."),
        "ja": ("お支払いを処理しています", "数分たっても完了しない場合は、このリンクをもう一度お開きください。"),
    },
    "unknown": {
        "en": ("There is no such link", "Open the one in the newest letter, as a whole."),
        "ja": ("リンクが見つかりません", "最新のメールにあるリンクをもう一度お開きください。"),
    },
    "later": {
        "en": ("Please try again", "The payment service did not answer. Nothing was charged."),
        "ja": ("もう一度お試しください", "決済サービスから応答がありませんでした。請求は行われていません。"),
    },
}


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
def mend(request: Request, billing: Billing, token: _Token) -> Response:
    """Behind the link in a letter: to the provider's page, on which a card is saved or the payment confirmed."""
    try:
        url = billing.mend_payment(token)
    except NotFound:
        return _page(request, "unknown", status=404)
    except Conflict:
        return _page(request, "on_its_way", status=409)
    except ProviderError:
        return _page(request, "later", status=503)
    return _page(request, "over") if url is None else RedirectResponse(url, status_code=303)


@routes.get("/mend/{token}/done", dependencies=[PUBLIC], include_in_schema=False)
def mended(request: Request, billing: Billing, token: _Token) -> Response:
    """Where the provider's page leads back to."""
    try:
        return _page(request, "over" if billing.come_back(token).is_over else "thanks")
    except NotFound:
        return _page(request, "unknown", status=404)


def _page(request: Request, said: str, *, status: int = 200) -> Response:
    language = pay_page.language_of(request.headers.get("accept-language", ""), None)
    title, text = _SAID[said][language]
    written = _PAGE.format(lang=language, title=escape(title), text=escape(text))
    return HTMLResponse(written, status_code=status, headers={"Content-Language": language, "Vary": "Accept-Language"})
