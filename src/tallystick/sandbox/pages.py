"""What a customer sees: the bank's 3-D Secure page and the hosted invoice. Plain HTML, without scripts."""

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from tallystick.sandbox.call import Call
from tallystick.sandbox.errors import Refusal
from tallystick.sandbox.objects import authentication, invoice_flow, payment_flow, payment_methods
from tallystick.sandbox.state import Doc
from tallystick.values.money import Money, currency

if TYPE_CHECKING:
    from tallystick.sandbox.server import Sandbox

_STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --soft: color-mix(in srgb,
currentColor 65%, transparent) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem }
main { border: 1px solid var(--line); border-radius: 12px; padding: 1.5rem }
h1 { font-size: 1.25rem; margin: 0 0 .25rem } .sum { font-size: 2rem; font-weight: 600; margin: .5rem 0 }
p { margin: .5rem 0 } .soft, footer { color: var(--soft); font-size: .875rem } footer { text-align: center; margin-top: 1rem }
table { width: 100%; border-collapse: collapse; margin: 1rem 0 } td,
th { padding: .5rem 0; border-bottom: 1px solid var(--line); text-align: left }
td:last-child, th:last-child { text-align: right; font-variant-numeric: tabular-nums } tfoot td { font-weight: 600; border: 0 }
label { display: block; margin: .75rem 0 .25rem; font-size: .875rem } select,
button { font: inherit; padding: .6rem; width: 100%; border-radius: 8px }
select { border: 1px solid var(--line); background: transparent; color: inherit }
button { border: 0; margin-top: 1rem; background: #3b4cca; color: #fff; cursor: pointer }
button.quiet { background: transparent; color: inherit; border: 1px solid var(--line) }
.note { border-left: 3px solid #c33; padding-left: .75rem } .done { border-color: #2a7d46 }
"""
_OFFERED = (
    ("pm_card_visa", "4242 4242 4242 4242 – is accepted"),
    ("pm_card_chargeDeclined", "4000 0000 0000 0002 – is declined"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "4000 0000 0000 9995 – has insufficient funds"),
    ("pm_card_authenticationRequired", "4000 0027 6000 3184 – asks for authentication"),
)
HTML = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
Page = tuple[int, str, dict[str, str]]


def answer(sandbox: "Sandbox", method: str, path: str, body: bytes) -> Page:
    """Status, text and headers of the page of that path, or of what follows from the form on it."""
    kind, _, identifier = path.removeprefix("/sandbox/").partition("/")
    form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()} if method == "POST" else None
    with sandbox.state.transaction():
        call = sandbox.call(ids=(identifier,))
        try:
            if kind == "3ds":
                return _bank(call, identifier, form)
            if kind == "invoice":
                return _invoice(call, identifier, form)
        except Refusal as refusal:
            return _page(refusal.status, "This cannot be done", f'<p class="note">{escape(str(refusal))}</p>')
    return _page(404, "There is no such page", "<p>Check the address.</p>")


def _bank(call: Call, identifier: str, form: dict[str, str] | None) -> Page:
    """3-D Secure. What Stripe calls a challenge is here two buttons."""
    intent = call.get("setup_intent" if identifier.startswith("seti_") else "payment_intent", identifier)
    if form is None and intent["status"] == "requires_action":
        what = _money(intent["amount"], intent["currency"]) if "amount" in intent else "saving a card"
        buttons = (
            '<form method="post"><button name="result" value="success">Complete</button>'
            '<button class="quiet" name="result" value="failure">Fail</button></form>'
        )
        return _page(200, "Confirm it is you", f"<p>Your bank asks you to confirm: <strong>{escape(what)}</strong>.</p>{buttons}")
    if form is not None:
        intent = authentication.authenticated(call, identifier, success=form.get("result") == "success")
    if intent["_return_url"]:
        return _to(return_address(intent))
    if intent.get("_invoice"):
        return _to(f"../invoice/{call.get('invoice', intent['_invoice'])['_token']}")
    return _page(200, "Thank you", "<p>You can close this page and go back to the shop.</p>")


def return_address(intent: Doc) -> str:
    """Where the customer goes afterwards, with what Stripe adds to the address."""
    name = intent["object"]
    is_done = intent["status"] in {"succeeded", "processing", "requires_capture"}
    query = urlencode({
        name: intent["id"], f"{name}_client_secret": intent["client_secret"],
        "redirect_status": "succeeded" if is_done else "failed",
    })  # fmt: skip
    return f"{intent['_return_url']}{'&' if '?' in intent['_return_url'] else '?'}{query}"


def _invoice(call: Call, token: str, form: dict[str, str] | None) -> Page:
    invoice = next(iter(call.list("invoice", ("_token", token))), None)
    if invoice is None or invoice["status"] == "draft":
        return _page(404, "There is no such invoice", "<p>Check the address, or ask for a new one.</p>")
    if form is None:
        return _invoice_page(call, invoice, "")
    # The page may have been open for long; what matters is what the invoice is now.
    if invoice["status"] in {"open", "uncollectible"}:
        error, action = _pay(call.at(invoice["test_clock"]), invoice, form.get("card", ""))
        if action:
            return _to(action)
        if error:
            return _invoice_page(call, call.get("invoice", invoice["id"]), error, status=402)
    return _to(token)


def _pay(call: Call, invoice: Doc, token: str) -> tuple[str, str]:
    """What went wrong, and where the customer has to go to authenticate; both empty where it is paid."""
    if token not in dict(_OFFERED):
        return "Choose a card.", ""
    payment = invoice_flow.default_payment(call, invoice)
    assert payment is not None, "an open invoice asks for a payment"
    intent = call.get("payment_intent", payment["_payment_intent"])
    method = payment_methods.find(call, token)
    try:
        intent = payment_flow.confirm(call, intent, {"payment_method": method["id"], "off_session": False})
    except Refusal as refusal:
        return str(refusal), ""
    return "", f"../3ds/{intent['id']}" if intent["status"] == "requires_action" else ""


def _invoice_page(call: Call, invoice: Doc, error: str, *, status: int = 200) -> Page:
    code = invoice["currency"]
    rows = "".join(
        f"<tr><td>{escape(line['description'] or 'Item')}<br><span class='soft'>{escape(line['quantity_decimal'])} × "
        f"{escape(line['pricing']['unit_amount_decimal'])} minor units</span></td><td>{_money(line['amount'], code)}</td></tr>"
        for line in call.list("line_item", ("invoice", invoice["id"]))
    )
    before = (
        f"<tr><td>Carried over</td><td>{_money(invoice['starting_balance'], code)}</td></tr>"
        if invoice["starting_balance"]
        else ""
    )
    table = (
        f"<table><thead><tr><th>Description</th><th>Amount</th></tr></thead><tbody>{rows}{before}</tbody>"
        f"<tfoot><tr><td>Amount due</td><td>{_money(invoice['amount_due'], code)}</td></tr></tfoot></table>"
    )
    note = f'<p class="note" role="alert">{escape(error)}</p>' if error else ""
    head = f'<p class="soft">For {escape(invoice["customer_name"] or invoice["customer_email"] or invoice["customer"])}</p>'
    total = f'<p class="sum">{_money(invoice["amount_remaining"] or invoice["amount_due"], code)}</p>'
    return _page(status, f"Invoice {escape(invoice['number'] or '')}", head + total + note + table + _below(invoice))


def _below(invoice: Doc) -> str:
    """How to pay, or that there is nothing to pay any more."""
    if invoice["status"] == "paid":
        return '<p class="note done" role="status">Paid. Thank you.</p>'
    if invoice["status"] == "void":
        return '<p class="note" role="status">This invoice was cancelled. There is nothing to pay.</p>'
    options = "".join(f'<option value="{escape(token)}">{escape(label)}</option>' for token, label in _OFFERED)
    amount = _money(invoice["amount_remaining"], invoice["currency"])
    return (
        f'<form method="post"><label for="card">Pay with a test card</label><select id="card" name="card">{options}</select>'
        f"<button>Pay {amount}</button></form>"
    )


def _money(minor: int, code: str) -> str:
    return str(Money(minor, currency(code)))


def _to(place: str) -> Page:
    """Relative to the page, as the host may have put us under a prefix."""
    return 303, "", {**HTML, "Location": place}


def _page(status: int, title: str, content: str) -> Page:
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>{content}</main>"
        f"<footer>Sandbox. No real money moves here.</footer></body></html>"
    )
    return status, html, HTML
