"""The pages behind the link in a letter of dunning: one that asks, with a button, and those that say how it stands."""

import base64
import hashlib
from html import escape
from typing import Literal

from starlette.responses import HTMLResponse, Response

from tallystick.domain.letter_frames import Locale

Asks = Literal["card", "confirm"]
Says = Literal["over", "thanks", "on_its_way", "unknown", "later"]

_STYLE = """:root{color-scheme:light dark;accent-color:light-dark(#0a6b4f,#5fd3a8)}
body{margin:0;background:light-dark(#f5f6f3,#0e1513);color:light-dark(#1b2420,#e8efec);font:1rem/1.6 system-ui,sans-serif}
main{max-width:34rem;margin:10vh auto;padding:0 20px}h1{font-size:1.5rem;line-height:1.3}
button{min-height:52px;padding:0 28px;border:0;border-radius:8px;background:light-dark(#0a6b4f,#5fd3a8);
color:light-dark(#fff,#06231a);font:inherit;font-weight:600;cursor:pointer}
button:focus-visible{outline:3px solid light-dark(#0a6b4f,#5fd3a8);outline-offset:2px}"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
# The form posts to us, and is led on to the provider's page, which browsers hold against the form, too.
_POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self' https:; base-uri 'none'; frame-ancestors 'none'"
_PAGE = (
    '<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title><style>{style}</style></head><body><main><h1>{title}</h1><p>{text}</p>{more}</main></body></html>"
)
_BUTTON = '<form method="post"><button>{name}</button></form>'
_GO_ON: dict[Locale, str] = {"en": "Go to the payment service", "ja": "決済サービスへ進む"}
_WORDS: dict[Asks | Says, dict[Locale, tuple[str, str]]] = {
    "card": {
        "en": ("Save another card", "You do that on a page of the payment service. The card then pays what is open."),
        "ja": ("別のカードを登録", "決済サービスのページで登録します。未払いの請求書は、登録されたカードに請求されます。"),
    },
    "confirm": {
        "en": ("Confirm the payment", "Your bank asks for that. You pay the invoice on a page of the payment service."),
        "ja": ("お支払いの確認", "カード会社が確認を求めています。決済サービスのページで請求書をお支払いください。"),
    },
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


def asking(what: Asks, language: Locale) -> Response:
    """With the button that leads to the provider's page, by a form: it needs no script."""
    return _page(what, language, more=_BUTTON.format(name=escape(_GO_ON[language])))


def saying(what: Says, language: Locale, *, status: int = 200) -> Response:
    return _page(what, language, status=status)


def _page(what: Asks | Says, language: Locale, *, more: str = "", status: int = 200) -> Response:
    title, text = _WORDS[what][language]
    written = _PAGE.format(lang=language, title=escape(title), text=escape(text), style=_STYLE, more=more)
    return HTMLResponse(written, status_code=status, headers={"Content-Language": language, "Content-Security-Policy": _POLICY})
