"""The portal, in which a customer manages their cards. It leads back to the caller's address alone."""

from html import escape

from tallystick.sandbox.call import Call
from tallystick.sandbox.card_form import Form, card_fields, chosen_card, from_browser
from tallystick.sandbox.errors import Refusal, conflict
from tallystick.sandbox.layout import SAVING, Page, card_name, link, note, page, to
from tallystick.sandbox.objects import payment_methods, saved_cards, setup_intents
from tallystick.sandbox.objects.billing_portal import IDLE_SECONDS
from tallystick.sandbox.state import Doc

_BUTTON = (
    '<form method="post"><input type="hidden" name="payment_method" value="{value}">'
    '<button class="quiet" name="action" value="{action}" aria-label="{label} {card}">{label}</button></form>'
)


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


def _changed(call: Call, session: Doc, customer: Doc, form: Form) -> str | None:
    """Does what the form asks for; the bank's page, where the customer has to go there first."""
    _refuse_unless_enabled(call, session)
    if form.get("action") == "add":
        intent = setup_intents.begun(
            call, customer=customer["id"], _portal=session["_token"], _becomes_default=form.get("default") == "on"
        )
        intent = setup_intents.confirmed(from_browser(call), intent, chosen_card(form, SAVING))
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


def _portal_page(call: Call, session: Doc, customer: Doc, error: str, *, status: int = 200) -> Page:
    features, default = _features(call, session), customer["invoice_settings"]["default_payment_method"]
    may_change = features["payment_method_update"]["enabled"]
    methods = call.list("payment_method", ("customer", customer["id"]))
    rows = "".join(_method_row(method, is_default=method["id"] == default, may_change=may_change) for method in methods)
    saved = f"<table><tbody>{rows}</tbody></table>" if rows else "<p>No card is saved.</p>"
    add = (
        f'<form method="post">{card_fields(SAVING)}<label class="check"><input type="checkbox" name="default" checked> '
        'Use it for future payments</label><button name="action" value="add">Add card</button></form>'
        if may_change
        else ""
    )
    invoices = _invoices(call, customer) if features["invoice_history"]["enabled"] else ""
    name = customer["name"] or customer["email"] or customer["id"]
    back = link(session["return_url"], "Back to the shop")
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
