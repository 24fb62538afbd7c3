"""Checkout sessions: a page on which a customer saves a card, pays a sum, or subscribes, once, within a day."""

from typing import Any

from tallystick.sandbox.call import Call, merged, unset
from tallystick.sandbox.errors import Refusal, conflict, invalid
from tallystick.sandbox.objects import amounts, checkout_flow, checkout_lines, due, setup_intents
from tallystick.sandbox.objects.addresses import check_url
from tallystick.sandbox.objects.uncovered import refuse_uncovered
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
_KIND, _URL = "checkout.session", "/v1/checkout/sessions"
_OPEN_SECONDS_MIN, _OPEN_SECONDS_MAX = 30 * 60, 24 * 3600
_COVERED = frozenset({
    "cancel_url", "client_reference_id", "currency", "customer", "customer_email", "expand", "expires_at", "locale", "metadata",
    "mode", "success_url", "ui_mode",
})  # fmt: skip
# What is said of the object that the page makes: under which name, and which of its parameters.
_ABOUT = {
    "setup": ("setup_intent_data", frozenset({"description", "metadata"})),
    "payment": ("payment_intent_data", frozenset({"description", "metadata", "setup_future_usage"})),
    "subscription": ("subscription_data", frozenset({"billing_mode", "description", "metadata", "trial_period_days"})),
}
_SELLING = frozenset({"adaptive_pricing", "line_items", "submit_type"})
_REFERENCE_LENGTH_MAX = 200


@routes.add("POST", _URL, "checkout.SessionCreateParams")
def create(call: Call) -> Doc:
    params = call.params
    _check(params)
    customer = call.get("customer", params["customer"], param="customer") if params.get("customer") else None
    clock = customer["test_clock"] if customer else None
    call = call.at(clock)
    mode, expires_at = params["mode"], _expiry(call, params.get("expires_at"))
    session = call.new(
        _KIND, mode=mode, ui_mode="hosted_page", status="open", expires_at=expires_at,
        success_url=params["success_url"], cancel_url=params.get("cancel_url"),
        client_reference_id=params.get("client_reference_id"), locale=params.get("locale"),
        metadata=merged({}, params.get("metadata", {})), customer=customer["id"] if customer else None,
        customer_email=params.get("customer_email"), customer_details=_details(customer, params.get("customer_email")),
        payment_method_types=["card"], payment_method_options={"card": {"request_three_d_secure": "automatic"}},
        _token=call.text(40), _clock=clock,
    )  # fmt: skip
    session["url"] = f"{call.public_url}/sandbox/checkout/{session['_token']}"
    session |= _saving(call, session, params) if mode == "setup" else _selling(call, params)
    due.schedule(call, clock, expires_at, "expire_checkout", session=session["id"])
    return call.save(session)


@routes.add("POST", _URL + "/{id}/expire", "checkout.SessionExpireParams")
def expire(call: Call) -> Doc:
    session = call.get(_KIND, call.ids[0])
    if session["status"] != "open":
        message = (
            f'Only Checkout Sessions with a status in ["open"] can be expired. This one has a status of {session["status"]}.'
        )
        raise conflict(message)
    return _expired(call.at(session["_clock"]), session)


routes.readable(_KIND, _URL, "checkout.Session", ("customer", "payment_intent", "subscription", "status"))


@due.task("expire_checkout")
def _expire_when_due(call: Call, facts: Doc) -> None:
    session = call.state.get(_KIND, facts["session"])
    if session is not None and session["status"] == "open":
        _expired(call, session)


def _expired(call: Call, session: Doc) -> Doc:
    checkout_flow.abandoned(call, session)
    return call.update(session, "checkout.session.expired", status="expired", url=None)


def _saving(call: Call, session: Doc, params: Doc) -> Doc:
    """A card is saved: with a setup intent that is there from the beginning."""
    about = params.get("setup_intent_data", {})
    intent = setup_intents.begun(
        call, customer=session["customer"], description=unset(about.get("description")),
        metadata=merged({}, about.get("metadata", {})), _checkout=session["id"],
    )  # fmt: skip
    return {
        "currency": params["currency"].lower(), "payment_method_collection": "always",
        "payment_status": "no_payment_required", "setup_intent": intent["id"],
    }  # fmt: skip


def _selling(call: Call, params: Doc) -> Doc:
    """A sum is paid, or a subscription begun: by what the button on the page makes, and not before."""
    mode, lines = params["mode"], checkout_lines.read(call, params)
    about = params.get(_ABOUT[mode][0], {})
    amount = 0 if about.get("trial_period_days") else checkout_lines.total(lines)
    if mode == "payment":
        amounts.check_charge(amount, lines[0]["currency"])
    return {
        "currency": lines[0]["currency"], "amount_subtotal": amount, "amount_total": amount, "payment_status": "unpaid",
        "payment_method_collection": "if_required" if mode == "payment" else "always",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}, "submit_type": params.get("submit_type"),
        "adaptive_pricing": {"enabled": False}, "_lines": lines, "_about": about, "_begun": None,
    }  # fmt: skip


def _check(params: Doc) -> None:
    mode = params.get("mode")
    if mode is None:
        raise _left_out("mode")
    _refuse_uncovered(params, mode)
    for name in ("success_url", "currency") if mode == "setup" else ("success_url", "customer"):
        if not params.get(name):
            raise _left_out(name)
    if params.get("currency"):
        amounts.known(params["currency"])
    for name in sorted({"success_url", "cancel_url"} & params.keys()):
        check_url(params[name], name)
    if len(params.get("client_reference_id", "")) > _REFERENCE_LENGTH_MAX:
        raise invalid(f"A reference can have up to {_REFERENCE_LENGTH_MAX} characters.", param="client_reference_id")
    if params.get("customer") and params.get("customer_email"):
        raise invalid("You may only specify one of these parameters: customer, customer_email.", param="customer_email")


def _refuse_uncovered(params: Doc, mode: str) -> None:
    if mode not in _ABOUT:
        raise invalid("Invalid mode: must be one of payment, setup, or subscription", param="mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise invalid("The sandbox covers Checkout as a hosted page only; see its README.", param="ui_mode")
    about, parts = _ABOUT[mode]
    refuse_uncovered(params, sorted(params.keys() - _COVERED - {about} - (_SELLING if mode != "setup" else frozenset())))
    refuse_uncovered(params.get(about, {}), sorted(params.get(about, {}).keys() - parts))
    if params.get("adaptive_pricing", {}).get("enabled"):
        raise invalid("The sandbox does not cover Adaptive Pricing; see its README.", param="adaptive_pricing[enabled]")


def _left_out(name: str) -> Refusal:
    return invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")


def _expiry(call: Call, wanted: int | None) -> int:
    if wanted is None:
        return call.now + _OPEN_SECONDS_MAX
    if not _OPEN_SECONDS_MIN <= wanted - call.now <= _OPEN_SECONDS_MAX:
        message = "The `expires_at` timestamp must be at least 30 minutes and less than 24 hours from Checkout Session creation."
        raise invalid(message, param="expires_at")
    return wanted


def _details(customer: Doc | None, email: str | None) -> Any:
    if customer is None and email is None:
        return None
    known = customer or {}
    return {
        "address": known.get("address"), "business_name": None, "email": known.get("email") or email, "individual_name": None,
        "name": known.get("name"), "phone": known.get("phone"), "tax_exempt": known.get("tax_exempt", "none"), "tax_ids": [],
    }  # fmt: skip
