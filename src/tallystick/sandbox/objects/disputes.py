"""Disputes: with some test cards the bank takes the money back, and the evidence text decides how it ends."""

from tallystick.sandbox.call import Call, merged, public
from tallystick.sandbox.errors import conflict
from tallystick.sandbox.lists import page
from tallystick.sandbox.objects import charges, due, payment_methods
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
FEE = 1500
_DAYS_TO_ANSWER = 7
_OPEN = frozenset({"needs_response", "warning_needs_response", "under_review", "warning_under_review"})
_ENDINGS = {"winning_evidence": "won", "losing_evidence": "lost"}


@routes.add("GET", "/v1/disputes/{id}", "DisputeRetrieveParams")
def retrieve(call: Call) -> Doc:
    return call.get("dispute", call.ids[0])


@routes.add("GET", "/v1/disputes", "DisputeListParams")
def list_page(call: Call) -> Doc:
    wanted = [(name, call.params[name]) for name in ("charge", "payment_intent") if name in call.params]
    return page(
        call, "dispute", by=wanted[0] if wanted else None, where=lambda doc: all(doc[name] == value for name, value in wanted)
    )


@routes.add("POST", "/v1/disputes/{id}", "DisputeUpdateParams")
def update(call: Call) -> Doc:
    """Submitted evidence decides at once, where it is one of the two texts that Stripe knows in test mode."""
    doc, params = call.get("dispute", call.ids[0]), call.params
    _check_open(doc)
    texts = {name: value for name, value in params.get("evidence", {}).items() if isinstance(value, str)}
    evidence = {**doc["evidence"], **texts}
    is_submitted = bool(texts) and params.get("submit", True)
    details = {**doc["evidence_details"], "has_evidence": any(texts.values()) or doc["evidence_details"]["has_evidence"]}
    status = doc["status"]
    if is_submitted:
        details |= {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
        status = status.replace("needs_response", "under_review")
    metadata = merged(doc["metadata"], params.get("metadata", {}))
    doc = call.update(
        doc, "charge.dispute.updated", evidence=evidence, evidence_details=details, status=status, metadata=metadata
    )
    ending = _ENDINGS.get(evidence.get("uncategorized_text") or "")
    return _close(call, doc, ending) if is_submitted and ending else doc


@routes.add("POST", "/v1/disputes/{id}/close", "DisputeCloseParams")
def close(call: Call) -> Doc:
    """The loss is accepted."""
    doc = call.get("dispute", call.ids[0])
    _check_open(doc)
    return _close(call, doc, "lost")


@due.task("dispute_charge")
def _open(call: Call, facts: Doc) -> None:
    charge = call.get("charge", facts["charge"])
    card = payment_methods.card_of(call.get("payment_method", charge["payment_method"]))
    is_inquiry = card.dispute == "inquiry"
    reason = "general" if is_inquiry else card.dispute
    doc = call.new(
        "dispute", amount=charge["amount"], charge=charge["id"], currency=charge["currency"],
        payment_intent=charge["payment_intent"],
        reason=reason, status="warning_needs_response" if is_inquiry else "needs_response", is_charge_refundable=is_inquiry,
        network_reason_code="10.4", balance_transactions=[],
        payment_method_details={"card": {"brand": card.brand, "case_type": "inquiry" if is_inquiry else "chargeback",
        "network": card.brand,
                                         "network_reason_code": "10.4"}, "type": "card"},
    )  # fmt: skip
    doc["evidence_details"] = {
        **doc["evidence_details"],
        "due_by": call.now + _DAYS_TO_ANSWER * 86400,
        "submission_method": "not_submitted",
    }
    call.update(charge, "charge.updated", disputed=True)
    if is_inquiry:
        call.save(doc, "charge.dispute.created")
        return
    taken = charges.record(call, "adjustment", -charge["amount"], doc, fee=FEE, at_once=True)
    doc["balance_transactions"] = [public(taken)]
    call.save(doc, "charge.dispute.created")
    call.emit("charge.dispute.funds_withdrawn", doc)


def _close(call: Call, doc: Doc, status: str) -> Doc:
    if doc["status"].startswith("warning_"):
        return call.update(doc, "charge.dispute.closed", status="warning_closed")
    if status == "won":
        back = charges.record(call, "adjustment", doc["amount"], doc, at_once=True)
        doc = call.update(
            doc, "charge.dispute.funds_reinstated", balance_transactions=[*doc["balance_transactions"], public(back)]
        )
    return call.update(doc, "charge.dispute.closed", status=status)


def _check_open(doc: Doc) -> None:
    if doc["status"] not in _OPEN:
        raise conflict(f"This dispute is already closed: its status is {doc['status']}.")
