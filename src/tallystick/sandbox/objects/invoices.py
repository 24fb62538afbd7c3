"""The endpoints of invoices. What happens to an invoice is in invoice_flow.py."""

from tallystick.sandbox.call import Call, merged, unset
from tallystick.sandbox.errors import conflict, invalid
from tallystick.sandbox.expand import included
from tallystick.sandbox.lists import page
from tallystick.sandbox.objects import amounts, invoice_flow, invoice_items
from tallystick.sandbox.objects.uncovered import refuse_uncovered
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
_UNCOVERED = ("account_tax_ids", "application_fee_amount", "customer_account", "default_source", "default_tax_rates", "discounts",
              "from_invoice", "on_behalf_of", "rendering", "shipping_cost",
              "shipping_details", "subscription", "transfer_data")  # fmt: skip
_PLAIN = ("description", "footer", "statement_descriptor", "custom_fields", "number", "effective_at", "due_date", "auto_advance",
          "default_payment_method", "collection_method")  # fmt: skip
_STILL_EDITABLE = {
    "metadata",
    "auto_advance",
    "default_payment_method",
    "expand",
    "payment_settings",
    "automatically_finalizes_at",
}


@routes.add("POST", "/v1/invoices", "InvoiceCreateParams")
def create(call: Call) -> Doc:
    params = call.params
    refuse_uncovered(params, _UNCOVERED)
    if not params.get("customer"):
        raise invalid("Missing required param: customer.", param="customer", code="parameter_missing")
    customer = call.get("customer", params["customer"], param="customer")
    call = call.at(customer["test_clock"])
    currency = amounts.known(params.get("currency") or customer["currency"] or "usd").code
    if customer["currency"] is None:
        customer = call.update(customer, "customer.updated", currency=currency)
    invoice = call.save(new(call, params, customer, currency), "invoice.created")
    if params.get("pending_invoice_items_behavior") == "include":
        invoice = invoice_items.pull_pending(call, invoice)
    invoice_flow.plan(call, invoice)
    return call.get("invoice", invoice["id"])


@routes.add("POST", "/v1/invoices/{id}", "InvoiceUpdateParams")
def update(call: Call) -> Doc:
    invoice, params = call.get("invoice", call.ids[0]), call.params
    refuse_uncovered(params, _UNCOVERED)
    if invoice["status"] != "draft" and params.keys() - _STILL_EDITABLE:
        names = ", ".join(sorted(params.keys() - _STILL_EDITABLE))
        raise conflict(f"Finalized invoices can't be updated in this way: {names}.", code="invoice_not_editable")
    call = call.at(invoice["test_clock"])
    changes: Doc = {name: unset(params[name]) for name in _PLAIN if name in params}
    if "metadata" in params:
        changes["metadata"] = merged(invoice["metadata"], params["metadata"])
    if "days_until_due" in params:
        changes["_days_until_due"] = params["days_until_due"]
    _check_terms({"collection_method": invoice["collection_method"], "due_date": invoice["due_date"],
                  "days_until_due": invoice["_days_until_due"], **params})  # fmt: skip
    invoice = call.update(invoice, "invoice.updated", **changes)
    invoice_flow.plan(call, invoice)
    return call.get("invoice", invoice["id"])


@routes.add("DELETE", "/v1/invoices/{id}", "InvoiceDeleteParams")
def delete(call: Call) -> Doc:
    """Only a draft; its items go with it."""
    invoice = call.get("invoice", call.ids[0])
    if invoice["status"] != "draft":
        raise conflict("You can only delete draft invoices. To cancel a finalized invoice, void it.", code="invoice_not_editable")
    if invoice.get("_subscription"):
        raise conflict("You can't delete invoices created by subscriptions.", code="invoice_not_editable")
    for line in call.list("line_item", ("invoice", invoice["id"])):
        call.state.delete("line_item", line["id"])
    for item in call.list("invoiceitem", ("invoice", invoice["id"])):
        call.remove(item, "invoiceitem.deleted")
    return call.remove(invoice, "invoice.deleted")


@routes.add("GET", "/v1/invoices/{id}", "InvoiceRetrieveParams")
def retrieve(call: Call) -> Doc:
    return call.get("invoice", call.ids[0])


@routes.add("GET", "/v1/invoices", "InvoiceListParams")
def list_page(call: Call) -> Doc:
    named = {"subscription": "_subscription", **{name: name for name in ("customer", "status", "collection_method")}}
    wanted = [(field, call.params[name]) for name, field in named.items() if name in call.params]
    by = wanted[0] if wanted and wanted[0][0] != "collection_method" else None
    return page(call, "invoice", by=by, where=lambda doc: all(doc.get(name) == value for name, value in wanted))


@routes.add("POST", "/v1/invoices/{id}/finalize", "InvoiceFinalizeInvoiceParams")
def finalize(call: Call) -> Doc:
    invoice = call.get("invoice", call.ids[0])
    call = call.at(invoice["test_clock"])
    if "auto_advance" in call.params:
        invoice = call.update(invoice, auto_advance=call.params["auto_advance"])
    return invoice_flow.finalize(call, invoice)


@routes.add("POST", "/v1/invoices/{id}/pay", "InvoicePayParams")
def pay(call: Call) -> Doc:
    invoice = call.get("invoice", call.ids[0])
    refuse_uncovered(call.params, ("forgive", "mandate", "source"))
    return invoice_flow.pay(call.at(invoice["test_clock"]), invoice, call.params)


@routes.add("POST", "/v1/invoices/{id}/send", "InvoiceSendInvoiceParams")
def send(call: Call) -> Doc:
    invoice = call.get("invoice", call.ids[0])
    return invoice_flow.send(call.at(invoice["test_clock"]), invoice)


@routes.add("POST", "/v1/invoices/{id}/void", "InvoiceVoidInvoiceParams")
def void(call: Call) -> Doc:
    invoice = call.get("invoice", call.ids[0])
    return invoice_flow.void(call.at(invoice["test_clock"]), invoice)


@routes.add("POST", "/v1/invoices/{id}/mark_uncollectible", "InvoiceMarkUncollectibleParams")
def mark_uncollectible(call: Call) -> Doc:
    invoice = call.get("invoice", call.ids[0])
    return invoice_flow.mark_uncollectible(call.at(invoice["test_clock"]), invoice)


@routes.add("GET", "/v1/invoices/{id}/lines", "InvoiceLineItemListParams")
def list_lines(call: Call) -> Doc:
    invoice = call.get("invoice", call.ids[0])
    return page(call, "line_item", url=f"/v1/invoices/{invoice['id']}/lines", by=("invoice", invoice["id"]), oldest_first=True)


@routes.add("GET", "/v1/invoice_payments/{id}", "InvoicePaymentRetrieveParams")
def retrieve_payment(call: Call) -> Doc:
    return call.get("invoice_payment", call.ids[0])


@routes.add("GET", "/v1/invoice_payments", "InvoicePaymentListParams")
def list_payments(call: Call) -> Doc:
    """From an invoice to its payments, or from a payment intent to its invoice."""
    params = call.params
    intent = params.get("payment", {}).get("payment_intent")
    by = ("invoice", params["invoice"]) if "invoice" in params else ("_payment_intent", intent) if intent else None
    return page(
        call, "invoice_payment", by=by,
        where=lambda doc: params.get("status") in (None, doc["status"]) and intent in (None, doc["_payment_intent"]),
    )  # fmt: skip


@included("invoice", "payments")
def _payments(call: Call, invoice: Doc) -> Doc:
    return page(call, "invoice_payment", by=("invoice", invoice["id"]))


@included("invoice", "confirmation_secret")
def _confirmation_secret(call: Call, invoice: Doc) -> Doc | None:
    payment = invoice_flow.default_payment(call, invoice)
    if payment is None:
        return None
    intent = call.get("payment_intent", payment["_payment_intent"])
    return {"client_secret": intent["client_secret"], "type": "payment_intent"}


def new(call: Call, params: Doc, customer: Doc, currency: str) -> Doc:
    """A draft, not yet saved."""
    _check_terms(params)
    balance = customer["balance"] if customer["currency"] == currency else 0
    lines = {"object": "list", "data": [], "has_more": False, "url": ""}
    invoice = call.new(
        "invoice", account_country="US", account_name="Sandbox", auto_advance=False, billing_reason="manual", currency=currency,
        customer=customer["id"], customer_address=customer["address"], customer_email=customer["email"],
        customer_name=customer["name"],
        customer_phone=customer["phone"], customer_shipping=customer["shipping"], customer_tax_exempt=customer["tax_exempt"],
        customer_tax_ids=[], issuer={"type": "self"}, metadata=merged({}, params.get("metadata", {})), period_end=call.now,
        period_start=call.now, starting_balance=balance, amount_due=max(0, balance), amount_remaining=max(0, balance),
        status="draft",
        subtotal_excluding_tax=0, test_clock=customer["test_clock"], total_discount_amounts=[], total_excluding_tax=0,
        total_pretax_credit_amounts=[], total_taxes=[], collection_method="charge_automatically",
        _days_until_due=params.get("days_until_due"), _token=call.text(40), _plan=None, _subscription=None,
    )  # fmt: skip
    invoice["lines"] = {**lines, "url": f"/v1/invoices/{invoice['id']}/lines"}
    invoice.update({name: unset(params[name]) for name in _PLAIN if name in params})
    if params.get("default_payment_method"):
        call.get("payment_method", params["default_payment_method"], param="default_payment_method")
    return invoice


def _check_terms(params: Doc) -> None:
    is_sent = params.get("collection_method") == "send_invoice"
    has_term = params.get("days_until_due") is not None or params.get("due_date") is not None
    if has_term and not is_sent:
        raise invalid(
            "You can only specify `days_until_due` or `due_date` if `collection_method` is `send_invoice`.",
            param="days_until_due",
        )
    if is_sent and not has_term:
        message = "If invoices are sent, you must specify either `days_until_due` or `due_date`."
        raise invalid(message, param="days_until_due", code="parameter_missing")
