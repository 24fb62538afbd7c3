"""The form in which a customer chooses a test card, or types the number of one; and what it says."""

from dataclasses import replace

from tallystick.sandbox.call import Call
from tallystick.sandbox.errors import conflict
from tallystick.sandbox.layout import Cards, options
from tallystick.sandbox.state import Doc

Form = dict[str, str]


def from_browser(call: Call) -> Call:
    """These pages are Stripe's own, and like its scripts may take a number."""
    return replace(call, is_publishable=True)


def chosen_card(form: Form, offered: Cards) -> Doc:
    """The parameters by which an intent is confirmed with it."""
    number = form.get("number", "").replace(" ", "")
    if number:
        card = {"number": number, "cvc": form.get("cvc", "").strip()}
        parts = {name: form.get(name, "").strip() for name in ("exp_month", "exp_year")}
        whole = {name: int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0 for name, text in parts.items()}
        return {"payment_method_data": {"type": "card", "card": {**card, **whole}}}
    if form.get("card") not in dict(offered):
        raise conflict("Choose a card.")
    return {"payment_method": form["card"]}


def card_fields(offered: Cards) -> str:
    return (
        f'<label for="card">A test card</label><select id="card" name="card">{options(offered)}</select>'
        '<label for="number">or the number of one</label>'
        '<input id="number" name="number" inputmode="numeric" autocomplete="off" placeholder="4242 4242 4242 4242">'
        '<div class="row"><div><label for="exp_month">Month</label><input id="exp_month" name="exp_month" inputmode="numeric" '
        'placeholder="12"></div><div><label for="exp_year">Year</label><input id="exp_year" name="exp_year" inputmode="numeric" '
        'placeholder="2034"></div><div><label for="cvc">CVC</label><input id="cvc" name="cvc" inputmode="numeric" '
        'placeholder="123"></div></div>'
    )
