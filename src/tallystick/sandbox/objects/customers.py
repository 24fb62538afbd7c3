"""Customers, and the balance that is carried over from one invoice to the next."""

from typing import Any

from tallystick.sandbox.call import Call, merged, unset
from tallystick.sandbox.errors import invalid
from tallystick.sandbox.expand import included
from tallystick.sandbox.lists import page
from tallystick.sandbox.objects import payment_methods, subscription_records
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
_PLAIN = frozenset({
    "business_name", "description", "email", "individual_name", "invoice_prefix", "name", "next_invoice_sequence", "phone",
    "preferred_locales", "tax_exempt",
})  # fmt: skip
_ADDRESS: Doc = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
_SETTINGS: Doc = dict.fromkeys(("custom_fields", "default_payment_method", "footer", "rendering_options"))


@routes.add("POST", "/v1/customers", "CustomerCreateParams")
def create(call: Call) -> Doc:
    params = call.params
    clock = params.get("test_clock")
    if clock is not None:
        call.get("test_helpers.test_clock", clock, param="test_clock")
        call = call.at(clock)
    _check(params)
    method = payment_methods.attachable(call, params["payment_method"], None) if params.get("payment_method") else None
    doc = call.new(
        "customer", balance=0, delinquent=False, invoice_settings=_SETTINGS, metadata={}, next_invoice_sequence=1,
        preferred_locales=[], tax_exempt="none", test_clock=clock,
    )  # fmt: skip
    doc.update(_changes(call, doc, params), invoice_prefix=params.get("invoice_prefix") or call.text(8).upper())
    call.save(doc, "customer.created")
    if method:
        payment_methods.belongs_to(call, method, doc["id"])
    return doc


@routes.add("POST", "/v1/customers/{id}", "CustomerUpdateParams")
def update(call: Call) -> Doc:
    doc = call.get("customer", call.ids[0])
    call = call.at(doc["test_clock"])
    _check(call.params)
    doc = call.update(doc, "customer.updated", **_changes(call, doc, call.params))
    if call.params.get("payment_method"):
        payment_methods.attach_to(call, call.params["payment_method"], doc["id"])
    return doc


@routes.add("GET", "/v1/customers/{id}", "CustomerRetrieveParams")
def retrieve(call: Call) -> Doc:
    """Of a deleted customer the tombstone can still be read."""
    doc = call.state.get("customer", call.ids[0])
    return doc if doc is not None else call.get("customer", call.ids[0])


@routes.add("DELETE", "/v1/customers/{id}", "CustomerDeleteParams")
def delete(call: Call) -> Doc:
    doc = call.get("customer", call.ids[0])
    call = call.at(doc["test_clock"])
    subscription_records.end_all(call, doc)
    for method in call.list("payment_method", ("customer", doc["id"])):
        payment_methods.release(call, method)
    return call.bury(doc, "customer.deleted")


@routes.add("GET", "/v1/customers", "CustomerListParams")
def list_page(call: Call) -> Doc:
    """Customers on a test clock are listed only by that clock, as at Stripe."""
    clock, email = call.params.get("test_clock"), call.params.get("email")
    by = ("test_clock", clock) if email is None or clock else ("email", email)
    return page(call, "customer", by=by, where=lambda doc: doc["test_clock"] == clock and email in (None, doc["email"]))


@routes.add("GET", "/v1/customers/{id}/payment_methods", "CustomerPaymentMethodListParams")
def list_payment_methods(call: Call) -> Doc:
    return payment_methods.of_customer(
        call, call.get("customer", call.ids[0])["id"], f"/v1/customers/{call.ids[0]}/payment_methods"
    )


@routes.add("GET", "/v1/customers/{id}/payment_methods/{pm}", "CustomerPaymentMethodRetrieveParams")
def retrieve_payment_method(call: Call) -> Doc:
    method = call.get("payment_method", call.ids[1])
    if method["customer"] != call.ids[0]:
        raise payment_methods.missing(call.ids[1])
    return method


@routes.add("POST", "/v1/customers/{id}/balance_transactions", "CustomerBalanceTransactionCreateParams")
def create_balance_transaction(call: Call) -> Doc:
    doc = call.get("customer", call.ids[0])
    call = call.at(doc["test_clock"])
    params = call.params
    return adjust_balance(
        call, doc, params["amount"], params["currency"],
        description=unset(params.get("description")), metadata=merged({}, params.get("metadata", {})),
    )  # fmt: skip


@routes.add("GET", "/v1/customers/{id}/balance_transactions", "CustomerBalanceTransactionListParams")
def list_balance_transactions(call: Call) -> Doc:
    doc = call.get("customer", call.ids[0])
    url, invoice = f"/v1/customers/{doc['id']}/balance_transactions", call.params.get("invoice")
    by = ("customer", doc["id"])
    return page(call, "customer_balance_transaction", url=url, by=by, where=lambda row: invoice in (None, row["invoice"]))


@routes.add("GET", "/v1/customers/{id}/balance_transactions/{txn}", "CustomerBalanceTransactionRetrieveParams")
def retrieve_balance_transaction(call: Call) -> Doc:
    return call.get("customer_balance_transaction", call.ids[1], param="transaction")


def adjust_balance(call: Call, customer: Doc, amount: int, currency: str, *, kind: str = "adjustment", **more: Any) -> Doc:
    """Moves the customer's balance: below zero it is credit, above it is owed with the next invoice."""
    if customer["currency"] not in (None, currency.lower()):
        raise invalid(f"Invalid currency: {currency}. The customer's currency is {customer['currency']}.", param="currency")
    balance = (customer["balance"] or 0) + amount
    call.update(customer, "customer.updated", balance=balance, currency=currency.lower())
    more.setdefault("metadata", {})
    return call.create(
        "customer_balance_transaction", amount=amount, currency=currency.lower(), customer=customer["id"], ending_balance=balance,
        type=kind, **more,
    )  # fmt: skip


def _check(params: Doc) -> None:
    email = params.get("email")
    if email and ("@" not in email[1:-1] or " " in email):
        raise invalid(f"Invalid email address: {email}", param="email", code="email_invalid")


def _changes(call: Call, doc: Doc, params: Doc) -> Doc:
    changes = {name: unset(params[name]) for name in _PLAIN & params.keys()}
    if "metadata" in params:
        changes["metadata"] = merged(doc["metadata"], params["metadata"])
    if "balance" in params:
        changes["balance"] = params["balance"]
    if "address" in params:
        changes["address"] = {**_ADDRESS, **params["address"]} if params["address"] else None
    if "shipping" in params:
        changes["shipping"] = _shipping(params["shipping"]) if params["shipping"] else None
    if "invoice_settings" in params:
        changes["invoice_settings"] = _settings(call, doc, params["invoice_settings"])
    return changes


def _shipping(given: Doc) -> Doc:
    return {"carrier": None, "phone": None, "tracking_number": None, **given, "address": {**_ADDRESS, **given.get("address", {})}}


def _settings(call: Call, doc: Doc, given: Doc) -> Doc:
    method = given.get("default_payment_method")
    if method:
        found = call.get("payment_method", method, param="invoice_settings[default_payment_method]")
        if found["customer"] != doc["id"]:
            raise invalid(
                f"The customer does not have a payment method with the ID {method}. "
                "The payment method must be attached to the customer.",
                param="invoice_settings[default_payment_method]",
                code="resource_missing",
            )
    return {**doc["invoice_settings"], **{name: unset(value) for name, value in given.items()}}


@included("customer", "sources")
def _sources(_: Call, doc: Doc) -> Any:
    return {"object": "list", "data": [], "has_more": False, "url": f"/v1/customers/{doc['id']}/sources"}


@included("customer", "tax_ids")
def _tax_ids(_: Call, doc: Doc) -> Any:
    return {"object": "list", "data": [], "has_more": False, "url": f"/v1/customers/{doc['id']}/tax_ids"}


@included("customer", "invoice_credit_balance")
def _credit_balance(_: Call, doc: Doc) -> Any:
    return {doc["currency"]: doc["balance"]} if doc["currency"] else {}
