"""The page of a Checkout session: a card is saved, a sum paid, a subscription begun. It leads to the caller's addresses alone."""

from html import escape

from tallystick.sandbox.call import Call
from tallystick.sandbox.card_form import Form, card_fields, chosen_card, from_browser
from tallystick.sandbox.errors import Refusal
from tallystick.sandbox.layout import PAYING, SAVING, Cards, Page, link, money, note, page, to
from tallystick.sandbox.objects import checkout_flow
from tallystick.sandbox.state import Doc

_SESSION_ID = "{CHECKOUT_SESSION_ID}"
_BACK = "Back to the shop"
_DONE = {"setup": "Your card has been saved.", "payment": "Thank you. It is paid.", "subscription": "You have subscribed."}


def checkout(call: Call, token: str, form: Form | None) -> Page:
    """The page, or what follows from the form on it."""
    session = next(iter(call.list("checkout.session", ("_token", token))), None)
    if session is None:
        return page(404, "There is no such page", "<p>Check the address, or go back to the shop and begin again.</p>")
    if session["status"] == "complete":
        return page(200, "You are all done", f"<p>{_DONE[session['mode']]} {link(success_address(session), _BACK)}</p>")
    if session["status"] == "expired":
        return page(410, "This page has expired", f"<p>Begin again at the shop. {link(session['cancel_url'], _BACK)}</p>")
    if form is None:
        return _open_page(session, _last_error(call, session))
    try:
        card = chosen_card(form, _offered(session))
        intent = checkout_flow.confirmed(from_browser(call.at(session["_clock"])), session, card)
    except Refusal as refusal:
        return _open_page(session, str(refusal), status=402)
    return to(f"../3ds/{intent['id']}" if intent["status"] == "requires_action" else success_address(session))


def success_address(session: Doc) -> str:
    """Where the customer goes afterwards."""
    address: str = session["success_url"].replace(_SESSION_ID, session["id"])
    return address


def after_the_bank(call: Call, intent: Doc) -> str | None:
    """Where an intent of this page, or of the portal, goes on; None for one that was begun elsewhere."""
    if intent.get("_checkout"):
        session = call.get("checkout.session", intent["_checkout"])
        return success_address(session) if session["status"] == "complete" else f"../checkout/{session['_token']}"
    return f"../portal/{intent['_portal']}" if intent.get("_portal") else None


def _offered(session: Doc) -> Cards:
    return SAVING if session["mode"] == "setup" else PAYING


def _last_error(call: Call, session: Doc) -> str:
    intent = checkout_flow.intent_of(call, session) or {}
    error = intent.get("last_setup_error") or intent.get("last_payment_error") or {}
    message: str = error.get("message", "")
    return message


def _open_page(session: Doc, error: str, *, status: int = 200) -> Page:
    email = (session["customer_details"] or {}).get("email")
    head = f'<p class="soft">For {escape(email)}</p>' if email else ""
    title, button = _words(session)
    form = f'<form method="post">{card_fields(_offered(session))}<button>{button}</button></form>'
    back = link(session["cancel_url"], "Cancel and go back")
    return page(status, title, f"{head}{note(error)}{_lines(session)}{form}<p>{back}</p>")


def _words(session: Doc) -> tuple[str, str]:
    """Its title, and what its button says."""
    match session["mode"]:
        case "setup":
            return "Save a card", "Save card"
        case "payment":
            return "Pay", f"Pay {money(session['amount_total'], session['currency'])}"
        case _:
            return "Subscribe", "Subscribe"


def _lines(session: Doc) -> str:
    if session["mode"] == "setup":
        return ""
    code = session["currency"]
    rows = "".join(
        f"<tr><td>{escape(line['name'])}</td><td>{money(line['amount'], code)}</td></tr>" for line in session["_lines"]
    )
    due = f"<tfoot><tr><td>Due today</td><td>{money(session['amount_total'], code)}</td></tr></tfoot>"
    return f"<table><tbody>{rows}</tbody>{due}</table>"
