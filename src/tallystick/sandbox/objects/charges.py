"""Charges, and the balance transactions that money leaves behind."""

from typing import Any

from tallystick.sandbox import cards
from tallystick.sandbox.call import Call, merged
from tallystick.sandbox.expand import included
from tallystick.sandbox.lists import page
from tallystick.sandbox.objects import due
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
_DAY = 86400
_AVAILABLE_AFTER = 2 * _DAY


@routes.add("GET", "/v1/charges/{id}", "ChargeRetrieveParams")
def retrieve(call: Call) -> Doc:
    return call.get("charge", call.ids[0])


@routes.add("GET", "/v1/charges", "ChargeListParams")
def list_page(call: Call) -> Doc:
    wanted = [(name, call.params[name]) for name in ("payment_intent", "customer") if name in call.params]
    return page(
        call, "charge", by=wanted[0] if wanted else None, where=lambda doc: all(doc[name] == value for name, value in wanted)
    )


@routes.add("POST", "/v1/charges/{id}", "ChargeUpdateParams")
def update(call: Call) -> Doc:
    doc, params = call.get("charge", call.ids[0]), call.params
    changes: Doc = {name: params[name] for name in ("description", "receipt_email") if name in params}
    if "metadata" in params:
        changes["metadata"] = merged(doc["metadata"], params["metadata"])
    return call.update(doc, "charge.updated", **changes)


@routes.add("GET", "/v1/balance_transactions/{id}", "BalanceTransactionRetrieveParams")
def retrieve_balance_transaction(call: Call) -> Doc:
    return _settled(call, call.get("balance_transaction", call.ids[0]))


@routes.add("GET", "/v1/balance_transactions", "BalanceTransactionListParams")
def list_balance_transactions(call: Call) -> Doc:
    source, kind, currency = (call.params.get(name) for name in ("source", "type", "currency"))
    by = ("source", source) if source else None
    found = page(
        call, "balance_transaction", by=by, where=lambda doc: kind in (None, doc["type"]) and currency in (None, doc["currency"])
    )
    return {**found, "data": [_settled(call, doc) for doc in found["data"]]}


@routes.add("GET", "/v1/balance", "BalanceRetrieveParams")
def balance(call: Call) -> Doc:
    """Available and pending sums by currency."""
    sums: dict[str, dict[str, int]] = {"available": {}, "pending": {}}
    for doc in call.state.scan("balance_transaction"):
        of_currency = sums[_settled(call, doc)["status"]]
        of_currency[doc["currency"]] = of_currency.get(doc["currency"], 0) + doc["net"]
    currencies = sorted({*sums["available"], *sums["pending"]}) or ["usd"]

    def amounts(status: str) -> list[Doc]:
        return [
            {"amount": sums[status].get(code, 0), "currency": code, "source_types": {"card": sums[status].get(code, 0)}}
            for code in currencies
        ]

    return {"object": "balance", "available": amounts("available"), "pending": amounts("pending"), "livemode": False}


@included("charge", "refunds")
def _refunds(call: Call, doc: Doc) -> Any:
    return page(call, "refund", url=f"/v1/charges/{doc['id']}/refunds", by=("charge", doc["id"]))


def record(call: Call, kind: str, amount: int, source: Doc, *, fee: int = 0, at_once: bool = False) -> Doc:
    """A movement of our balance; a charge's becomes available after two days."""
    fees = [
        {
            "amount": fee,
            "application": None,
            "currency": source["currency"],
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
    return call.create(
        "balance_transaction", amount=amount, available_on=call.now + (0 if at_once else _AVAILABLE_AFTER),
        balance_type="payments", currency=source["currency"], fee=fee, fee_details=fees if fee else [], net=amount - fee,
        source=source["id"],
        description=source.get("description"), reporting_category=kind, status="pending", type=kind,
    )  # fmt: skip


def fee_on(amount: int) -> int:
    """2.9 % and 30 of the smallest unit, as for a card of the account's country."""
    return (amount * 29 + 500) // 1000 + 30


def attempt(
    call: Call, intent: Doc, method: Doc, card: cards.TestCard, decline: cards.Decline | None, *, is_captured: bool
) -> Doc:
    """The charge of one attempt, succeeded or failed, with its event."""
    doc = call.new(
        "charge", amount=intent["amount"], billing_details=method["billing_details"], currency=intent["currency"],
        customer=intent["customer"], description=intent["description"], fraud_details={}, metadata=intent["metadata"],
        payment_intent=intent["id"], payment_method=method["id"], receipt_email=intent["receipt_email"],
        shipping=intent["shipping"],
        payment_method_details=_details(method, intent, decline), statement_descriptor=intent["statement_descriptor"],
        outcome=_outcome(card, decline), disputed=False,
    )  # fmt: skip
    if decline:
        doc.update(status="failed", paid=False, captured=False, failure_code=decline.code, failure_message=decline.message)
        return call.save(doc, "charge.failed")
    doc.update(status="succeeded", paid=True, captured=is_captured, receipt_url=f"{call.public_url}/sandbox/receipt/{doc['id']}")
    if is_captured:
        doc.update(amount_captured=intent["amount"], calculated_statement_descriptor="SANDBOX")
        doc["balance_transaction"] = _earned(call, doc, intent["amount"], card)
        if card.dispute:
            due.schedule(call, None, call.wall, "dispute_charge", charge=doc["id"])
    return call.save(doc, "charge.succeeded")


def capture(call: Call, doc: Doc, amount: int, card: cards.TestCard) -> Doc:
    """The held money becomes ours; what is not captured is given back at once."""
    return call.update(
        doc, "charge.captured", captured=True, amount_captured=amount, amount_refunded=doc["amount"] - amount,
        balance_transaction=_earned(call, doc, amount, card),
    )  # fmt: skip


def _earned(call: Call, doc: Doc, amount: int, card: cards.TestCard) -> str:
    identifier: str = record(call, "charge", amount, doc, fee=fee_on(amount), at_once=card.is_available_at_once)["id"]
    return identifier


def _settled(call: Call, doc: Doc) -> Doc:
    return {**doc, "status": "available" if doc["available_on"] <= call.wall else "pending"}


def _details(method: Doc, intent: Doc, decline: cards.Decline | None) -> Doc:
    card = method["card"]
    kept = (
        "brand",
        "country",
        "exp_month",
        "exp_year",
        "fingerprint",
        "funding",
        "last4",
        "wallet",
        "regulated_status",
        "checks",
    )
    more: Doc = {
        "amount_authorized": None if decline else intent["amount"], "authorization_code": None if decline else "123456",
        "capture_before": None, "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None, "mandate": None, "multicapture": {"status": "unavailable"}, "network": card["brand"],
        "network_token": {"used": False}, "network_transaction_id": None, "three_d_secure": None,
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
    }  # fmt: skip
    return {"card": {**{name: card[name] for name in kept}, **more}, "type": "card"}


def _outcome(card: cards.TestCard, decline: cards.Decline | None) -> Doc:
    status = "approved_by_network" if decline is None else "declined_by_network"
    kind = "authorized" if decline is None else "issuer_declined"
    if card.is_blocked:
        status, kind = "not_sent_to_network", "blocked"
    return {
        "advice_code": decline.advice if decline else None, "network_advice_code": None, "network_decline_code": None,
        "network_status": status, "reason": decline.decline_code if decline else None,
        "risk_level": "highest" if card.is_blocked else "normal", "risk_score": 90 if card.is_blocked else 20,
        "seller_message": "Payment complete." if decline is None else "The bank returned the decline code "
        f"`{decline.decline_code}`.", "type": kind,
    }  # fmt: skip
