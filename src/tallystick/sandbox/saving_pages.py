"""The pages on which a customer saves a card: Checkout, and the portal. They lead back to the caller's addresses alone."""

from dataclasses import replace
from html import escape

from tallystick.sandbox.call import Call
from tallystick.sandbox.errors import Refusal, conflict
from tallystick.sandbox.layout import SAVING, Page, card_name, note, options, page, to
from tallystick.sandbox.objects import payment_methods, saved_cards, setup_intents
from tallystick.sandbox.objects.billing_portal import IDLE_SECONDS
from tallystick.sandbox.state import Doc

Form = dict[str, str]
_SESSION_ID = "{CHECKOUT_SESSION_ID}"
_BUTTON = (
    '<form method="post"><input type="hidden" name="payment_method" value="{value}">'
    '<button class="quiet" name="action" value="{action}" aria-label="{label} {card}">{label}</button></form>'
)


def checkout(call: Call, token: str, form: Form | None) -> Page:
    """The page of a Checkout session, or what follows from the form on it."""
    session = next(iter(call.list("checkout.session", ("_token", token))), None)
    if session is None:
        return page(404, "There is no such page", "<p>Check the address, or go back to the shop and begin again.</p>")
    if session["status"] == "complete":
        return page(
            200, "You are all done", f"<p>Your card has been saved. {_link(success_address(session), 'Back to the shop')}</p>"
        )
    if session["status"] == "expired":
        return page(
            410, "This page has expired", f"<p>Begin again at the shop. {_link(session['cancel_url'], 'Back to the shop')}</p>"
        )
    intent = call.get("setup_intent", session["setup_intent"])
    if form is None:
        return _checkout_page(session, (intent["last_setup_error"] or {}).get("message", ""))
    try:
        intent = setup_intents.confirmed(_from_browser(call.at(session["_clock"])), intent, _card(form))
    except Refusal as refusal:
        return _checkout_page(session, str(refusal), status=402)
    return to(f"../3ds/{intent['id']}" if intent["status"] == "requires_action" else success_address(session))


def portal(call: Call, token: str, form: Form | None) -> Page:
    """The portal, or what follows from one of its forms. Each use keeps it open for another while."""
    session = next(iter(call.list("billing_portal.session", ("_token", token))), None)
    if session is None or session["_until"] <= call.wall:
        return page(
            404, "There is no such page", "<p>The link is used up, or wrong. Go back to the shop and open the portal again.</p>"
        )
    call.update(session, _until=call.wall + IDLE_SECONDS)
    customer = call.get("customer", session["customer"])
    if form is None:
        return _portal_page(call, session, customer, "")
    try:
        place = _changed(call.at(customer["test_clock"]), session, customer, form)
    except Refusal as refusal:
        return _portal_page(call, session, call.get("customer", customer["id"]), str(refusal), status=402)
    return to(place or token)


def success_address(session: Doc) -> str:
    """Where the customer goes afterwards."""
    address: str = session["success_url"].replace(_SESSION_ID, session["id"])
    return address


def after_the_bank(call: Call, intent: Doc) -> str | None:
    """Where an intent of these pages goes on; None for one that was begun elsewhere."""
    if intent.get("_checkout"):
        session = call.get("checkout.session", intent["_checkout"])
        return success_address(session) if session["status"] == "complete" else f"../checkout/{session['_token']}"
    return f"../portal/{intent['_portal']}" if intent.get("_portal") else None


def _changed(call: Call, session: Doc, customer: Doc, form: Form) -> str | None:
    """Does what the form asks for; the bank's page, where the customer has to go there first."""
    _refuse_unless_enabled(call, session)
    if form.get("action") == "add":
        intent = setup_intents.begun(
            call, customer=customer["id"], _portal=session["_token"], _becomes_default=form.get("default") == "on"
        )
        intent = setup_intents.confirmed(_from_browser(call), intent, _card(form))
        return f"../3ds/{intent['id']}" if intent["status"] == "requires_action" else None
    method = call.get("payment_method", form.get("payment_method", ""), param="payment_method")
    if method["customer"] != customer["id"]:
        raise payment_methods.missing(method["id"])
    if form.get("action") == "remove":
        payment_methods.release(call, method)
    elif form.get("action") == "make_default":
        saved_cards.make_default(call, customer["id"], method["id"])
    else:
        raise conflict("Choose what to do.")
    return None


def _refuse_unless_enabled(call: Call, session: Doc) -> None:
    if not _features(call, session)["payment_method_update"]["enabled"]:
        raise conflict("Payment methods cannot be changed here.")


def _features(call: Call, session: Doc) -> Doc:
    features: Doc = call.get("billing_portal.configuration", session["configuration"])["features"]
    return features


def _from_browser(call: Call) -> Call:
    """These pages are Stripe's own, and like its scripts may take a number."""
    return replace(call, is_publishable=True)


def _card(form: Form) -> Doc:
    number = form.get("number", "").replace(" ", "")
    if number:
        card = {"number": number, "cvc": form.get("cvc", "").strip()}
        parts = {name: form.get(name, "").strip() for name in ("exp_month", "exp_year")}
        whole = {name: int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0 for name, text in parts.items()}
        return {"payment_method_data": {"type": "card", "card": {**card, **whole}}}
    if form.get("card") not in dict(SAVING):
        raise conflict("Choose a card.")
    return {"payment_method": form["card"]}


def _checkout_page(session: Doc, error: str, *, status: int = 200) -> Page:
    email = (session["customer_details"] or {}).get("email")
    head = f'<p class="soft">For {escape(email)}</p>' if email else ""
    back = _link(session["cancel_url"], "Cancel and go back")
    form = f'<form method="post">{_card_fields()}<button>Save card</button></form>'
    return page(status, "Save a card", f"{head}{note(error)}{form}<p>{back}</p>")


def _portal_page(call: Call, session: Doc, customer: Doc, error: str, *, status: int = 200) -> Page:
    features, default = _features(call, session), customer["invoice_settings"]["default_payment_method"]
    may_change = features["payment_method_update"]["enabled"]
    methods = call.list("payment_method", ("customer", customer["id"]))
    rows = "".join(_method_row(method, is_default=method["id"] == default, may_change=may_change) for method in methods)
    saved = f"<table><tbody>{rows}</tbody></table>" if rows else "<p>No card is saved.</p>"
    add = (
        f'<form method="post">{_card_fields()}<label class="check"><input type="checkbox" name="default" checked> '
        'Use it for future payments</label><button name="action" value="add">Add card</button></form>'
        if may_change
        else ""
    )
    invoices = _invoices(call, customer) if features["invoice_history"]["enabled"] else ""
    name = customer["name"] or customer["email"] or customer["id"]
    back = _link(session["return_url"], "Back to the shop")
    content = f'<p class="soft">For {escape(name)}</p>{note(error)}{saved}{add}{invoices}<p>{back}</p>'
    return page(status, "Your payment methods", content)


def _method_row(method: Doc, *, is_default: bool, may_change: bool) -> str:
    mark = ' <span class="soft">default</span>' if is_default else ""
    wanted = [("remove", "Remove")] if is_default else [("make_default", "Make default"), ("remove", "Remove")]
    value, card = escape(method["id"]), escape(card_name(method))
    buttons = (
        "".join(_BUTTON.format(value=value, action=action, label=label, card=card) for action, label in wanted)
        if may_change
        else ""
    )
    return f"<tr><td>{card}{mark}</td><td>{buttons}</td></tr>"


def _invoices(call: Call, customer: Doc) -> str:
    shown = [doc for doc in call.list("invoice", ("customer", customer["id"])) if doc["status"] != "draft"]
    rows = "".join(
        f'<tr><td><a href="../invoice/{escape(doc["_token"])}">{escape(doc["number"] or doc["id"])}</a></td>'
        f"<td>{escape(doc['status'])}</td></tr>"
        for doc in reversed(shown)
    )
    return f"<h2>Invoices</h2><table><tbody>{rows}</tbody></table>" if rows else ""


def _card_fields() -> str:
    return (
        f'<label for="card">A test card</label><select id="card" name="card">{options(SAVING)}</select>'
        '<label for="number">or the number of one</label>'
        '<input id="number" name="number" inputmode="numeric" autocomplete="off" placeholder="4242 4242 4242 4242">'
        '<div class="row"><div><label for="exp_month">Month</label><input id="exp_month" name="exp_month" inputmode="numeric" '
        'placeholder="12"></div><div><label for="exp_year">Year</label><input id="exp_year" name="exp_year" inputmode="numeric" '
        'placeholder="2034"></div><div><label for="cvc">CVC</label><input id="cvc" name="cvc" inputmode="numeric" '
        'placeholder="123"></div></div>'
    )


def _link(address: str | None, label: str) -> str:
    return f'<a href="{escape(address)}">{escape(label)}</a>' if address else ""
