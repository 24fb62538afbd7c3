"""Refunds: whole or in parts, at once; with some test cards later, or failing later."""

from tallystick.sandbox.call import Call, merged
from tallystick.sandbox.errors import conflict, invalid
from tallystick.sandbox.lists import page
from tallystick.sandbox.objects import charges, due, payment_methods
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
_SETTLES_AFTER = 3600  # how long a pending refund of a test card stays so, and after which a failing one fails
_GIVEN_BACK = frozenset({"pending", "succeeded"})


@routes.add("POST", "/v1/refunds", "RefundCreateParams")
def create(call: Call) -> Doc:
    return make(call, call.params)


def make(call: Call, params: Doc) -> Doc:
    """The money on its way back to the card that it came from."""
    charge = _charge(call, params)
    amount = _amount(call, charge, params.get("amount"))
    how = _card_outcome(call, charge)
    doc = call.new(
        "refund", amount=amount, charge=charge["id"], currency=charge["currency"],
        metadata=merged({}, params.get("metadata", {})), payment_intent=charge["payment_intent"], reason=params.get("reason"),
        status="pending" if how == "pending" else "succeeded",
        destination_details={"card": {"reference": None, "reference_status": "pending",
        "reference_type": "acquirer_reference_number",
                                      "type": "refund"}, "type": "card"},
    )  # fmt: skip
    if how != "succeeds":  # first, so that one that is only half made comes to its end as well
        due.schedule(call, None, call.wall + _SETTLES_AFTER, f"refund_{how}", refund=doc["id"])
    doc["balance_transaction"] = charges.record(call, "refund", -amount, doc, at_once=True)["id"]
    call.save(doc, "refund.created")
    refunded = charge["amount"] - _left(call, charge)
    call.update(charge, "charge.refunded", amount_refunded=refunded, refunded=refunded == charge["amount"])
    return doc


@routes.add("GET", "/v1/refunds/{id}", "RefundRetrieveParams")
def retrieve(call: Call) -> Doc:
    return call.get("refund", call.ids[0])


@routes.add("GET", "/v1/refunds", "RefundListParams")
def list_page(call: Call) -> Doc:
    wanted = [(name, call.params[name]) for name in ("charge", "payment_intent") if name in call.params]
    return page(
        call, "refund", by=wanted[0] if wanted else None, where=lambda doc: all(doc[name] == value for name, value in wanted)
    )


@routes.add("POST", "/v1/refunds/{id}", "RefundUpdateParams")
def update(call: Call) -> Doc:
    doc = call.get("refund", call.ids[0])
    return call.update(doc, "refund.updated", metadata=merged(doc["metadata"], call.params.get("metadata", {})))


@due.task("refund_pending")
def _succeed(call: Call, facts: Doc) -> None:
    doc = call.state.get("refund", facts["refund"])
    if doc is not None and doc["status"] == "pending":
        call.update(doc, "refund.updated", status="succeeded")


@due.task("refund_fails")
def _fail(call: Call, facts: Doc) -> None:
    """The money comes back to our balance, and the charge counts as not refunded again."""
    doc = call.state.get("refund", facts["refund"])
    if doc is None or doc["status"] not in _GIVEN_BACK:
        return
    back = charges.record(call, "refund_failure", doc["amount"], doc, at_once=True)
    doc = call.update(
        doc, "refund.failed", status="failed", failure_reason="expired_or_canceled_card", failure_balance_transaction=back["id"]
    )
    charge = call.get("charge", doc["charge"])
    call.update(charge, "charge.updated", amount_refunded=charge["amount"] - _left(call, charge), refunded=False)


def _charge(call: Call, params: Doc) -> Doc:
    if ("charge" in params) == ("payment_intent" in params):
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise invalid(message, param="charge", code="parameter_missing")
    if "charge" in params:
        charge = call.get("charge", params["charge"], param="charge")
    else:
        intent = call.get("payment_intent", params["payment_intent"], param="payment_intent")
        if intent["status"] not in {"succeeded", "requires_capture"}:
            raise conflict(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.", param="payment_intent"
            )
        charge = call.get("charge", intent["latest_charge"])
    if not charge["captured"]:
        raise conflict(
            f"Charge {charge['id']} has not been captured; cancel its PaymentIntent instead.", code="charge_not_refundable"
        )
    return charge


def _left(call: Call, charge: Doc) -> int:
    """Counted by the refunds themselves: what the charge says of itself may be behind where one was only half made."""
    given_back = (doc["amount"] for doc in call.list("refund", ("charge", charge["id"])) if doc["status"] in _GIVEN_BACK)
    left: int = charge["amount_captured"] - sum(given_back)
    return left


def _amount(call: Call, charge: Doc, asked: int | None) -> int:
    left = _left(call, charge)
    if left <= 0:
        raise conflict(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = left if asked is None else asked
    if amount < 1:
        raise invalid("This value must be greater than or equal to 1.", param="amount", code="parameter_invalid_integer")
    if amount > left:
        raise conflict(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).", param="amount")
    return amount


def _card_outcome(call: Call, charge: Doc) -> str:
    method = call.state.get("payment_method", charge["payment_method"])
    return payment_methods.card_of(method).refund if method else "succeeds"
