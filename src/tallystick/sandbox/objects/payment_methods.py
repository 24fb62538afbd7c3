"""Payment methods: cards by test token, or by number from a browser; attached to one customer, once."""

from datetime import timedelta
from typing import Any

from tallystick.sandbox import cards
from tallystick.sandbox.call import Call, merged, public
from tallystick.sandbox.errors import Refusal, conflict, invalid
from tallystick.sandbox.errors import missing as no_such
from tallystick.sandbox.lists import page
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc
from tallystick.values.time import EPOCH

routes = Routes()
_BILLING: Doc = {
    "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
    "email": None, "name": None, "phone": None, "tax_id": None,
}  # fmt: skip
_SAVED_YEAR = 5  # a card by token expires that many years after it was made


@routes.add("POST", "/v1/payment_methods", "PaymentMethodCreateParams", publishable=True)
def create(call: Call) -> Doc:
    return from_data(call, call.params)


@routes.add("GET", "/v1/payment_methods/{id}", "PaymentMethodRetrieveParams")
def retrieve(call: Call) -> Doc:
    return find(call, call.ids[0])


@routes.add("GET", "/v1/payment_methods", "PaymentMethodListParams")
def list_page(call: Call) -> Doc:
    return of_customer(call, call.params.get("customer"), None)


@routes.add("POST", "/v1/payment_methods/{id}", "PaymentMethodUpdateParams")
def update(call: Call) -> Doc:
    doc, params = call.get("payment_method", call.ids[0]), call.params
    changes: Doc = {name: params[name] for name in ("allow_redisplay",) if name in params}
    if "metadata" in params:
        changes["metadata"] = merged(doc["metadata"], params["metadata"])
    if "billing_details" in params:
        changes["billing_details"] = _billing(doc["billing_details"], params["billing_details"])
    if "card" in params:
        changes["card"] = {
            **doc["card"],
            **{name: params["card"][name] for name in ("exp_month", "exp_year") if name in params["card"]},
        }
    return call.update(doc, "payment_method.updated", **changes)


@routes.add("POST", "/v1/payment_methods/{id}/attach", "PaymentMethodAttachParams")
def attach(call: Call) -> Doc:
    if "customer" not in call.params:
        raise invalid("Missing required param: customer.", param="customer", code="parameter_missing")
    return attach_to(call, call.ids[0], call.get("customer", call.params["customer"], param="customer")["id"])


@routes.add("POST", "/v1/payment_methods/{id}/detach", "PaymentMethodDetachParams")
def detach(call: Call) -> Doc:
    doc = call.get("payment_method", call.ids[0])
    if doc["customer"] is None:
        raise conflict("The payment method you provided is not attached to a customer so detachment is impossible.")
    return release(call, doc)


def release(call: Call, doc: Doc) -> Doc:
    """Detaches for good: a payment method that was detached cannot be attached again."""
    customer = call.state.get("customer", doc["customer"])
    if customer and not customer.get("deleted") and customer["invoice_settings"]["default_payment_method"] == doc["id"]:
        call.update(
            customer, "customer.updated", invoice_settings={**customer["invoice_settings"], "default_payment_method": None}
        )
    return call.update(doc, "payment_method.detached", customer=None, _is_spent=True)


def of_customer(call: Call, customer: str | None, url: str | None) -> Doc:
    kind = call.params.get("type")
    if customer is None:
        return page(call, "payment_method", url=url, by=("customer", "nobody"))
    return page(call, "payment_method", url=url, by=("customer", customer), where=lambda doc: kind in (None, doc["type"]))


def find(call: Call, identifier: str, *, param: str = "payment_method") -> Doc:
    """The payment method of that id; a test token such as pm_card_visa makes a new one."""
    card = cards.by_name(identifier) if identifier.startswith("pm_card_") else None
    return _made(call, card, None) if card else call.get("payment_method", identifier, param=param)


def card_of(doc: Doc) -> cards.TestCard:
    """How the card behaves."""
    card = cards.by_name(doc["_card"])
    assert card is not None, f"{doc['_card']} is in the table of test cards"
    return card


def attachable(call: Call, identifier: str, customer: str | None) -> Doc:
    """The payment method, if it can become this customer's. A card that declines at once is refused here already."""
    doc = find(call, identifier)
    if doc["customer"] is not None and doc["customer"] != customer:
        raise conflict("The payment method you provided has already been attached to a customer.")
    if doc["_is_spent"]:
        raise conflict(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, "
            "and may not be used again."
        )
    card = card_of(doc)
    if card.declines and card.is_refused_at_once:
        raise declined(card.declines, doc)
    return doc


def attach_to(call: Call, identifier: str, customer: str) -> Doc:
    """The payment method, now the customer's."""
    doc = attachable(call, identifier, customer)
    return doc if doc["customer"] == customer else belongs_to(call, doc, customer)


def belongs_to(call: Call, doc: Doc, customer: str, **more: Any) -> Doc:
    return call.at(None).update(doc, "payment_method.attached", customer=customer, **more)


def declined(decline: cards.Decline, doc: Doc, **more: Any) -> Refusal:
    """402, with what to do about it."""
    error = {"type": "card_error", "payment_method": public(doc), **said(decline), **more}
    return Refusal(402, error, stored=True)


def said(decline: cards.Decline) -> Doc:
    """What an error tells of a decline."""
    told = {
        "code": decline.code, "decline_code": decline.decline_code, "advice_code": decline.advice,
        "message": decline.message, "param": decline.param,
    }  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


def missing(identifier: str) -> Refusal:
    return no_such("payment_method", identifier)


def from_data(call: Call, data: Doc) -> Doc:
    """A new payment method out of type, card and billing details. A number is taken from browsers only."""
    given, kind = data.get("card"), data.get("type", "card")
    if kind != "card" or not isinstance(given, dict):
        raise invalid(
            "The sandbox has payment methods of type card only; give card[token] or, from a browser, card[number].", param="type"
        )
    if "token" in given:
        card = cards.by_name(given["token"])
        if card is None:
            raise no_such("token", given["token"], param="card[token]", status=400)
    else:
        card = _by_number(call, given)
    doc = _made(call, card, given)
    return call.update(
        doc,
        billing_details=_billing(doc["billing_details"], data.get("billing_details", {})),
        metadata=merged({}, data.get("metadata", {})),
    )


def _by_number(call: Call, given: Doc) -> cards.TestCard:
    if not call.is_publishable:
        raise Refusal(402, {
            "type": "invalid_request_error",
            "message": "Sending credit card numbers directly to the Stripe API is generally unsafe. We suggest you use test "
            "tokens that map to the test card you are using, see https://stripe.com/docs/testing.",
        })  # fmt: skip
    number = given.get("number", "").replace(" ", "")
    card = cards.by_number(number)
    if not cards.passes_luhn(number):
        raise _wrong_data("incorrect_number", "Your card number is incorrect.", "number")
    if card is None:
        message = "Your card was declined. Your request was in test mode, but used a non test card. See https://stripe.com/docs/testing."
        raise _wrong_data("card_declined", message, "", decline_code="test_mode_live_card")
    _check_expiry(call, given)
    if len(given.get("cvc", "000")) not in (3, 4) or not given.get("cvc", "000").isdigit():
        raise _wrong_data("invalid_cvc", "Your card's security code is invalid.", "cvc")
    return card


def _check_expiry(call: Call, given: Doc) -> None:
    month, year = given.get("exp_month", 0), given.get("exp_year", 0)
    year += 2000 if year < 100 else 0
    if not 1 <= month <= 12:
        raise _wrong_data("invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month")
    if (year, month) < _year_month(call.wall):
        raise _wrong_data("invalid_expiry_year", "Your card's expiration year is invalid.", "exp_year")


def _wrong_data(code: str, message: str, param: str, **more: Any) -> Refusal:
    return Refusal(402, {"type": "card_error", "code": code, "message": message, "param": param or None, **more})


def _made(call: Call, card: cards.TestCard, given: Doc | None) -> Doc:
    year, _ = _year_month(call.wall)
    given = given or {}
    until = given.get("exp_year", year + _SAVED_YEAR)
    return call.create(
        "payment_method", allow_redisplay="unspecified", billing_details=_BILLING, metadata={}, type="card", _card=card.name,
        _is_spent=False, _is_set_up=card.authentication == "already_set_up",
        card=_shown(card, given.get("exp_month", 12), until + (2000 if until < 100 else 0)),
    )  # fmt: skip


def _shown(card: cards.TestCard, month: int, year: int) -> Doc:
    return {
        "brand": card.brand, "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": card.country, "display_brand": card.brand, "exp_month": month, "exp_year": year,
        "fingerprint": f"sandbox{card.name.removeprefix('pm_card_')}"[:32], "funding": card.funding, "generated_from": None,
        "last4": card.number[-4:], "networks": {"available": [card.brand], "preferred": None}, "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True}, "wallet": None,
    }  # fmt: skip


def _billing(old: Doc, given: Any) -> Doc:
    if not isinstance(given, dict):
        return old
    address = given.get("address")
    inner = {**old["address"], **address} if isinstance(address, dict) else old["address"]
    return {**old, **{name: value or None for name, value in given.items()}, "address": inner}


def _year_month(at: int) -> tuple[int, int]:
    day = EPOCH + timedelta(seconds=at)
    return day.year, day.month
