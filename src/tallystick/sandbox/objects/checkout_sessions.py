"""Checkout sessions in setup mode: a page on which a customer saves a card, once, within a day."""

from typing import Any

from tallystick.sandbox.call import Call, merged, unset
from tallystick.sandbox.errors import Refusal, conflict, invalid
from tallystick.sandbox.objects import amounts, due, setup_intents
from tallystick.sandbox.objects.addresses import check_url
from tallystick.sandbox.objects.uncovered import refuse_uncovered
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
_KIND, _URL = "checkout.session", "/v1/checkout/sessions"
_OPEN_SECONDS_MIN, _OPEN_SECONDS_MAX = 30 * 60, 24 * 3600
_COVERED = frozenset({
    "cancel_url", "client_reference_id", "currency", "customer", "customer_email", "expand", "expires_at", "locale", "metadata",
    "mode", "setup_intent_data", "success_url", "ui_mode",
})  # fmt: skip
_REFERENCE_LENGTH_MAX = 200


@routes.add("POST", _URL, "checkout.SessionCreateParams")
def create(call: Call) -> Doc:
    params = call.params
    _check(params)
    customer = call.get("customer", params["customer"], param="customer") if params.get("customer") else None
    clock = customer["test_clock"] if customer else None
    call = call.at(clock)
    expires_at = _expiry(call, params.get("expires_at"))
    about = params.get("setup_intent_data", {})
    session = call.new(
        _KIND, mode="setup", ui_mode="hosted_page", status="open", payment_status="no_payment_required", expires_at=expires_at,
        currency=params["currency"].lower(), success_url=params["success_url"], cancel_url=params.get("cancel_url"),
        client_reference_id=params.get("client_reference_id"), locale=params.get("locale"),
        metadata=merged({}, params.get("metadata", {})), customer=customer["id"] if customer else None,
        customer_email=params.get("customer_email"), customer_details=_details(customer, params.get("customer_email")),
        payment_method_collection="always", payment_method_types=["card"],
        payment_method_options={"card": {"request_three_d_secure": "automatic"}}, _token=call.text(40), _clock=clock,
    )  # fmt: skip
    session["url"] = f"{call.public_url}/sandbox/checkout/{session['_token']}"
    session["setup_intent"] = setup_intents.begun(
        call, customer=session["customer"], description=unset(about.get("description")),
        metadata=merged({}, about.get("metadata", {})), _checkout=session["id"],
    )["id"]  # fmt: skip
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


routes.readable(_KIND, _URL, "checkout.Session", ("customer", "status"))


@due.task("expire_checkout")
def _expire_when_due(call: Call, facts: Doc) -> None:
    session = call.state.get(_KIND, facts["session"])
    if session is not None and session["status"] == "open":
        _expired(call, session)


def _expired(call: Call, session: Doc) -> Doc:
    setup_intents.abandoned(call, call.get("setup_intent", session["setup_intent"]))
    return call.update(session, "checkout.session.expired", status="expired", url=None)


def _check(params: Doc) -> None:
    mode = params.get("mode")
    if mode is None:
        raise _left_out("mode")
    _refuse_uncovered(params, mode)
    for name in ("success_url", "currency"):
        if not params.get(name):
            raise _left_out(name)
    amounts.known(params["currency"])
    for name in ("success_url", "cancel_url"):
        if name in params:
            check_url(params[name], name)
    if len(params.get("client_reference_id", "")) > _REFERENCE_LENGTH_MAX:
        raise invalid(f"A reference can have up to {_REFERENCE_LENGTH_MAX} characters.", param="client_reference_id")
    if params.get("customer") and params.get("customer_email"):
        raise invalid("You may only specify one of these parameters: customer, customer_email.", param="customer_email")


def _refuse_uncovered(params: Doc, mode: str) -> None:
    if mode != "setup":
        raise invalid(f"The sandbox does not cover Checkout in `{mode}` mode; see its README.", param="mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise invalid("The sandbox covers Checkout as a hosted page only; see its README.", param="ui_mode")
    refuse_uncovered(params, sorted(params.keys() - _COVERED))


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
