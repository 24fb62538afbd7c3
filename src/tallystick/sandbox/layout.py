"""What every page of the sandbox looks like, and the cards that a customer may choose from. Plain HTML, without scripts."""

from html import escape

from tallystick.sandbox.state import Doc
from tallystick.values.money import Money, currency

_STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --soft: color-mix(in srgb,
currentColor 65%, transparent) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem }
main { border: 1px solid var(--line); border-radius: 12px; padding: 1.5rem }
h1, h2 { font-size: 1.25rem; margin: 0 0 .25rem } h2 { margin-top: 1.5rem }
.sum { font-size: 2rem; font-weight: 600; margin: .5rem 0 }
p { margin: .5rem 0 } .soft, footer { color: var(--soft); font-size: .875rem } footer { text-align: center; margin-top: 1rem }
table { width: 100%; border-collapse: collapse; margin: 1rem 0 } td,
th { padding: .5rem 0; border-bottom: 1px solid var(--line); text-align: left }
td:last-child, th:last-child { text-align: right; font-variant-numeric: tabular-nums } tfoot td { font-weight: 600; border: 0 }
label { display: block; margin: .75rem 0 .25rem; font-size: .875rem } select, input,
button { box-sizing: border-box; font: inherit; padding: .6rem; width: 100%; border-radius: 8px }
select, input { border: 1px solid var(--line); background: transparent; color: inherit }
button { border: 0; margin-top: 1rem; background: #3b4cca; color: #fff; cursor: pointer }
button.quiet { background: transparent; color: inherit; border: 1px solid var(--line) }
.note { border-left: 3px solid #c33; padding-left: .75rem } .done { border-color: #2a7d46 }
.row { display: flex; gap: .5rem; align-items: end } .row > * { flex: 1 } td button { width: auto; margin: 0 0 0 .5rem }
td form { display: inline } .check { display: flex; gap: .5rem } .check input { width: auto }
"""
Page = tuple[int, str, dict[str, str]]  # status, text and headers
Cards = tuple[tuple[str, str], ...]  # a test token each, and what is said of it
PAYING: Cards = (
    ("pm_card_visa", "4242 4242 4242 4242 – is accepted"),
    ("pm_card_chargeDeclined", "4000 0000 0000 0002 – is declined"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "4000 0000 0000 9995 – has insufficient funds"),
    ("pm_card_authenticationRequired", "4000 0027 6000 3184 – asks for authentication"),
    ("pm_card_sandboxClearsLater", "4000 0099 0000 0004 – clears after a minute, as a bank debit does after days"),
    ("pm_card_sandboxNeverClears", "4000 0099 0000 0103 – is found out after a minute not to clear"),
)
SAVING: Cards = (
    ("pm_card_visa", "4242 4242 4242 4242 – is accepted"),
    ("pm_card_mastercard", "5555 5555 5555 4444 – is accepted"),
    ("pm_card_authenticationRequiredOnSetup", "4000 0025 0000 3155 – asks for authentication, once"),
    ("pm_card_authenticationRequired", "4000 0027 6000 3184 – asks for authentication, each time"),
    ("pm_card_chargeDeclined", "4000 0000 0000 0002 – is declined"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "4000 0000 0000 9995 – has insufficient funds"),
    ("pm_card_chargeCustomerFail", "4000 0000 0000 0341 – can be saved, and is declined when it is charged"),
)
HTML = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def to(place: str) -> Page:
    """Relative to the page, as the host may have put us under a prefix; or an address that the caller gave at creation."""
    return 303, "", {**HTML, "Location": place}


def page(status: int, title: str, content: str) -> Page:
    """`title` is text; `content` is HTML, in which everything that somebody else wrote has been escaped."""
    name = escape(title)
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{name}</title><style>{_STYLE}</style></head><body><main><h1>{name}</h1>{content}</main>"
        f"<footer>Sandbox. No real money moves here.</footer></body></html>"
    )
    return status, html, HTML


def note(text: str, *, is_good: bool = False) -> str:
    """What went wrong, or well; nothing where there is nothing to say."""
    if not text:
        return ""
    kind, role = ("note done", "status") if is_good else ("note", "alert")
    return f'<p class="{kind}" role="{role}">{escape(text)}</p>'


def options(offered: Cards) -> str:
    return "".join(f'<option value="{escape(token)}">{escape(label)}</option>' for token, label in offered)


def card_name(method: Doc) -> str:
    """Such as "visa •••• 4242, 12/2031"; text, not yet HTML."""
    card = method["card"]
    return f"{card['brand']} •••• {card['last4']}, {card['exp_month']:02}/{card['exp_year']}"


def money(minor: int, code: str) -> str:
    """Such as "14.90 USD"."""
    return str(Money(minor, currency(code)))


def link(address: str | None, label: str) -> str:
    return f'<a href="{escape(address)}">{escape(label)}</a>' if address else ""
