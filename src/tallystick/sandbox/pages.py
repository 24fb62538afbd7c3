"""What a customer sees: the bank's 3-D Secure page, the hosted invoice, Checkout, and the portal."""

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from tallystick.sandbox import checkout_page, halves, saving_pages
from tallystick.sandbox.call import Call
from tallystick.sandbox.errors import Refusal
from tallystick.sandbox.layout import PAYING, Page, money, note, options, page, to
from tallystick.sandbox.objects import authentication, due, invoice_flow, payment_flow, payment_methods
from tallystick.sandbox.state import Doc

if TYPE_CHECKING:
    from tallystick.sandbox.server import Sandbox


def answer(sandbox: "Sandbox", method: str, path: str, body: bytes) -> Page:
    """Status, text and headers of the page of that path, or of what follows from the form on it."""
    kind, _, identifier = path.removeprefix("/sandbox/").partition("/")
    form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()} if method == "POST" else None
    with sandbox.state.transaction():
        call = sandbox.call(ids=(identifier,))
        halves.follow(call)
        due.run(call)
        try:
            if kind == "3ds":
                return _bank(call, identifier, form)
            if kind == "invoice":
                return _invoice(call, identifier, form)
            if kind == "checkout":
                return checkout_page.checkout(call, identifier, form)
            if kind == "portal":
                return saving_pages.portal(call, identifier, form)
        except Refusal as refusal:
            return page(refusal.status, "This cannot be done", note(str(refusal)))
    return page(404, "There is no such page", "<p>Check the address.</p>")


def _bank(call: Call, identifier: str, form: dict[str, str] | None) -> Page:
    """3-D Secure. What Stripe calls a challenge is here two buttons."""
    intent = call.get("setup_intent" if identifier.startswith("seti_") else "payment_intent", identifier)
    if form is None and intent["status"] == "requires_action":
        what = money(intent["amount"], intent["currency"]) if "amount" in intent else "saving a card"
        buttons = (
            '<form method="post"><button name="result" value="success">Complete</button>'
            '<button class="quiet" name="result" value="failure">Fail</button></form>'
        )
        return page(200, "Confirm it is you", f"<p>Your bank asks you to confirm: <strong>{escape(what)}</strong>.</p>{buttons}")
    if form is not None:
        intent = authentication.authenticated(call, identifier, success=form.get("result") == "success")
    if place := checkout_page.after_the_bank(call, intent):
        return to(place)
    if intent["_return_url"]:
        return to(return_address(intent))
    if intent.get("_invoice"):
        return to(f"../invoice/{call.get('invoice', intent['_invoice'])['_token']}")
    return page(200, "Thank you", "<p>You can close this page and go back to the shop.</p>")


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
        return page(404, "There is no such invoice", "<p>Check the address, or ask for a new one.</p>")
    if form is None:
        return _invoice_page(call, invoice, "")
    # The page may have been open for long; what matters is what the invoice is now.
    if invoice["status"] in {"open", "uncollectible"}:
        error, action = _pay(call.at(invoice["test_clock"]), invoice, form.get("card", ""))
        if action:
            return to(action)
        if error:
            return _invoice_page(call, call.get("invoice", invoice["id"]), error, status=402)
    return to(token)


def _pay(call: Call, invoice: Doc, token: str) -> tuple[str, str]:
    """What went wrong, and where the customer has to go to authenticate; both empty where it is paid."""
    if token not in dict(PAYING):
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
        f"{escape(line['pricing']['unit_amount_decimal'])} minor units</span></td><td>{money(line['amount'], code)}</td></tr>"
        for line in call.list("line_item", ("invoice", invoice["id"]))
    )
    before = (
        f"<tr><td>Carried over</td><td>{money(invoice['starting_balance'], code)}</td></tr>"
        if invoice["starting_balance"]
        else ""
    )
    table = (
        f"<table><thead><tr><th>Description</th><th>Amount</th></tr></thead><tbody>{rows}{before}</tbody>"
        f"<tfoot><tr><td>Amount due</td><td>{money(invoice['amount_due'], code)}</td></tr></tfoot></table>"
    )
    head = f'<p class="soft">For {escape(invoice["customer_name"] or invoice["customer_email"] or invoice["customer"])}</p>'
    total = f'<p class="sum">{money(invoice["amount_remaining"] or invoice["amount_due"], code)}</p>'
    return page(status, f"Invoice {invoice['number'] or ''}", head + total + note(error) + table + _below(invoice))


def _below(invoice: Doc) -> str:
    """How to pay, or that there is nothing to pay any more."""
    if invoice["status"] == "paid":
        return note("Paid. Thank you.", is_good=True)
    if invoice["status"] == "void":
        return note("This invoice was cancelled. There is nothing to pay.")
    amount = money(invoice["amount_remaining"], invoice["currency"])
    return (
        '<form method="post"><label for="card">Pay with a test card</label>'
        f'<select id="card" name="card">{options(PAYING)}</select>'
        f"<button>Pay {amount}</button></form>"
    )
