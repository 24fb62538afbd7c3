"""The pay page: its placeholders filled, its language chosen, and the one policy under which scripts of Stripe may run."""

from functools import cache
from html import escape
from pathlib import Path

from tallystick.web.envelope import PAYMENT_ALLOWED

STRIPE_JS_URL = "https://js.stripe.com/endive/stripe.js"
SANDBOX_JS_URL = "/sandbox/js/stripe.js"
_PAGE = Path(__file__).with_name("static") / "pay.html"
_ABSENT = "<!doctype html><title>Tallystick</title><p>The pay page is not in this installation; /api/billing-status is."
_OURS = (
    "default-src 'none'; style-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; "
    "frame-ancestors 'none'; "
)
_WITH_STRIPE = (
    "script-src 'self' https://js.stripe.com https://*.js.stripe.com; connect-src 'self' https://api.stripe.com; "
    "img-src 'self' data: https://*.stripe.com; "
    "frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com"
)
_WITH_SANDBOX = "script-src 'self'; connect-src 'self'; img-src 'self' data:; frame-src 'self'"


def pay_page(*, language: str, mode: str, publishable_key: str) -> str:
    """The page; every value is written as text."""
    values = {
        "lang": language,
        "stripe_js_url": SANDBOX_JS_URL if mode == "sandbox" else STRIPE_JS_URL,
        "publishable_key": publishable_key,
        "mode": mode,
    }
    page = _template()
    for name, value in values.items():
        page = page.replace("{{" + name + "}}", escape(value))
    return page


def headers(mode: str) -> dict[str, str]:
    """Of this page alone: Stripe.js may run and ask, where Stripe is who is paid."""
    policy = _OURS + (_WITH_SANDBOX if mode == "sandbox" else _WITH_STRIPE)
    return {"Content-Security-Policy": policy, "Permissions-Policy": PAYMENT_ALLOWED, "Vary": "Accept-Language"}


def language_of(accepted: str, chosen: str | None) -> str:
    """`en` or `ja`: the one that was chosen, else the first of the two in the order of Accept-Language."""
    if chosen is not None:
        return chosen
    wanted = []
    for place, part in enumerate(accepted.split(",")[:20]):
        tag, _, quality = part.strip().partition(";q=")
        known = tag.lower().partition("-")[0]
        if known in {"en", "ja"} and quality != "0":
            wanted.append((-_thousandths(quality), place, known))
    return min(wanted)[2] if wanted else "en"


def _thousandths(quality: str) -> int:
    """A weight between 0 and 1 as RFC 9110 writes it, or the greatest where there is none."""
    whole, _, places = quality.strip().partition(".")
    if whole == "0" and places.isascii() and places.isdigit():
        return int(places[:3].ljust(3, "0"))
    return 1000


@cache
def _template() -> str:
    return _PAGE.read_text("utf-8") if _PAGE.exists() else _ABSENT
