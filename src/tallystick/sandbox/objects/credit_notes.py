"""Credit notes: what an invoice turned out to be too much, before it is paid or after."""

from decimal import Decimal
from typing import Any

from tallystick.sandbox.call import Call, merged, public
from tallystick.sandbox.errors import conflict, invalid
from tallystick.sandbox.lists import page
from tallystick.sandbox.objects import amounts, customers, invoice_flow, refunds, settling
from tallystick.sandbox.objects.uncovered import refuse_uncovered
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc
from tallystick.values.decimals import plain

routes = Routes()
_BACK = ("refund_amount", "credit_amount", "out_of_band_amount")


@routes.add("POST", "/v1/credit_notes", "CreditNoteCreateParams")
def create(call: Call) -> Doc:
    params = call.params
    invoice = call.get("invoice", params["invoice"], param="invoice")
    call = call.at(invoice["test_clock"])
    note, lines = _drafted(call, invoice, params)
    call.save(note)
    for line in lines:
        call.save(line)
    note = _lower(call, invoice, note) if invoice["status"] != "paid" else _give_back(call, invoice, note, params)
    call.emit("credit_note.created", note)
    return note


@routes.add("GET", "/v1/credit_notes/preview", "CreditNotePreviewParams")
def preview(call: Call) -> Doc:
    """As it would be; nothing is kept."""
    invoice = call.get("invoice", call.params["invoice"], param="invoice")
    return _drafted(call.at(invoice["test_clock"]), invoice, call.params)[0]


@routes.add("GET", "/v1/credit_notes/{id}", "CreditNoteRetrieveParams")
def retrieve(call: Call) -> Doc:
    return call.get("credit_note", call.ids[0])


@routes.add("GET", "/v1/credit_notes", "CreditNoteListParams")
def list_page(call: Call) -> Doc:
    wanted = [(name, call.params[name]) for name in ("invoice", "customer") if name in call.params]
    by = wanted[0] if wanted else None
    return page(call, "credit_note", by=by, where=lambda doc: all(doc[name] == value for name, value in wanted))


@routes.add("GET", "/v1/credit_notes/{id}/lines", "CreditNoteLineItemListParams")
def list_lines(call: Call) -> Doc:
    note = call.get("credit_note", call.ids[0])
    url = f"/v1/credit_notes/{note['id']}/lines"
    return page(call, "credit_note_line_item", url=url, by=("_credit_note", note["id"]), oldest_first=True)


@routes.add("POST", "/v1/credit_notes/{id}", "CreditNoteUpdateParams")
def update(call: Call) -> Doc:
    note, params = call.get("credit_note", call.ids[0]), call.params
    changes: Doc = {"memo": params["memo"]} if "memo" in params else {}
    if "metadata" in params:
        changes["metadata"] = merged(note["metadata"], params["metadata"])
    return call.update(note, "credit_note.updated", **changes)


@routes.add("POST", "/v1/credit_notes/{id}/void", "CreditNoteVoidCreditNoteParams")
def void(call: Call) -> Doc:
    """Only while its invoice is open; the invoice is owed again as before."""
    note = call.get("credit_note", call.ids[0])
    invoice = call.get("invoice", note["invoice"])
    if note["status"] == "void" or invoice["status"] != "open":
        raise conflict("You can only void a credit note of an open invoice, once.", code="credit_note_not_voidable")
    call = call.at(invoice["test_clock"])
    _owe(call, invoice, note["amount"])
    return call.update(note, "credit_note.voided", status="void", voided_at=call.now)


def _drafted(call: Call, invoice: Doc, params: Doc) -> tuple[Doc, list[Doc]]:
    refuse_uncovered(params, ("shipping_cost", "effective_at"))
    if invoice["status"] not in ("open", "paid"):
        message = f"Credit notes are for invoices that are open or paid; this one is {invoice['status']}."
        raise conflict(message, param="invoice")
    lines = [_line(call, invoice, wanted) for wanted in params.get("lines", [])]
    amount = _amount(invoice, params, lines)
    is_paid = invoice["status"] == "paid"
    written = sum(1 for _ in call.state.scan("credit_note", ("invoice", invoice["id"])))
    note = call.new(
        "credit_note", amount=amount, subtotal=amount, subtotal_excluding_tax=amount, total=amount, total_excluding_tax=amount,
        currency=invoice["currency"], customer=invoice["customer"], invoice=invoice["id"], memo=params.get("memo"),
        metadata=merged({}, params.get("metadata", {})), number=f"{invoice['number']}-CN-{written + 1:02d}",
        out_of_band_amount=params.get("out_of_band_amount"), pdf=f"{call.public_url}/sandbox/credit_note/{call.text(24)}",
        post_payment_amount=amount if is_paid else 0, pre_payment_amount=0 if is_paid else amount, reason=params.get("reason"),
        status="issued", type="post_payment" if is_paid else "pre_payment", total_taxes=[], discount_amounts=[], refunds=[],
    )  # fmt: skip
    for line in lines:
        line["_credit_note"] = note["id"]
    listed = {"object": "list", "has_more": False, "url": f"/v1/credit_notes/{note['id']}/lines"}
    note["lines"] = {**listed, "data": [public(line) for line in lines]}
    return note, lines


def _amount(invoice: Doc, params: Doc, lines: list[Doc]) -> int:
    total = sum(line["amount"] for line in lines)
    amount: int = params.get("amount", total)
    if lines and amount != total:
        raise invalid("The sum of the credit note lines must be equal to the amount.", param="amount")
    if amount < 1:
        raise invalid("You must provide an amount or lines, of 1 or more.", param="amount")
    credited = invoice["pre_payment_credit_notes_amount"] + invoice["post_payment_credit_notes_amount"]
    left = invoice["amount_remaining"] if invoice["status"] == "open" else invoice["total"] - credited
    if amount > left:
        raise conflict(f"The credit note's amount ({amount}) is more than what is left of the invoice ({left}).", param="amount")
    return amount


def _line(call: Call, invoice: Doc, wanted: Doc) -> Doc:
    refuse_uncovered(wanted, ("tax_amounts", "tax_rates"))
    found = None
    if wanted["type"] == "invoice_line_item":
        found = call.get("line_item", wanted.get("invoice_line_item", ""), param="lines[invoice_line_item]")
        if found["invoice"] != invoice["id"]:
            raise invalid(f"No such line on invoice {invoice['id']}: '{found['id']}'", param="lines[invoice_line_item]")
    unit = wanted.get("unit_amount_decimal", wanted.get("unit_amount"))
    if unit is None and found is not None and "quantity" in wanted:
        unit = Decimal(found["pricing"]["unit_amount_decimal"])
    amount = wanted.get("amount", amounts.rounded(Decimal(unit or 0) * wanted.get("quantity", 1)))
    if amount < 1 or (found is not None and amount > found["amount"]):
        raise invalid("A line's amount must be 1 or more, and at most what was invoiced.", param="lines[amount]")
    text = wanted.get("description") or (found["description"] if found else None)
    return call.new(
        "credit_note_line_item", amount=amount, description=text,
        discount_amounts=[], invoice_line_item=found["id"] if found else None, metadata=merged({}, wanted.get("metadata", {})),
        quantity=wanted.get("quantity"), tax_rates=[], taxes=[], type=wanted["type"],
        unit_amount=wanted.get("unit_amount"), unit_amount_decimal=None if unit is None else plain(Decimal(unit)),
    )  # fmt: skip


def _lower(call: Call, invoice: Doc, note: Doc) -> Doc:
    """Less is owed; where nothing is left, the invoice is paid."""
    if any(call.params.get(name) for name in (*_BACK, "refunds")):
        raise invalid("Nothing has been paid that could be given back.", param="refund_amount")
    invoice = _owe(call, invoice, -note["amount"])
    if invoice["amount_remaining"] == 0:
        payment = invoice_flow.default_payment(call, invoice)
        if payment is not None:
            settling.close_payment(call, payment)
        settling.pay(call, invoice, 0)
    return note


def _owe(call: Call, invoice: Doc, more: int) -> Doc:
    payment = invoice_flow.default_payment(call, invoice)
    remaining = invoice["amount_remaining"] + more
    if payment is not None and remaining:
        call.update(payment, amount_requested=remaining)
        call.update(call.get("payment_intent", payment["_payment_intent"]), amount=remaining)
    return call.update(
        invoice, "invoice.updated", amount_remaining=remaining, amount_due=invoice["amount_due"] + more,
        pre_payment_credit_notes_amount=invoice["pre_payment_credit_notes_amount"] - more,
    )  # fmt: skip


def _give_back(call: Call, invoice: Doc, note: Doc, params: Doc) -> Doc:
    """To the card, to the balance, or out of band; and all of it in one of these ways."""
    linked = params.get("refunds", [])
    given = [params.get(name) or 0 for name in _BACK]
    if sum(given) + sum(one.get("amount_refunded") or 0 for one in linked) != note["amount"]:
        message = "The sum of refund_amount, credit_amount, out_of_band_amount and refunds must equal the credit note's amount."
        raise invalid(message, param="refund_amount")
    made: list[Any] = [
        {"amount_refunded": one["amount_refunded"], "type": "refund", "payment_record_refund": None,
         "refund": call.get("refund", one.get("refund", ""), param="refunds[refund]")["id"]}
        for one in linked
    ]  # fmt: skip
    if given[0]:
        made.append(_refunded(call, invoice, given[0]))
    changes: Doc = {"refunds": made}
    if given[1]:
        customer = call.get("customer", invoice["customer"])
        moved = customers.adjust_balance(
            call, customer, -given[1], invoice["currency"], kind="credit_note", credit_note=note["id"], invoice=invoice["id"]
        )
        changes["customer_balance_transaction"] = moved["id"]
    credited = invoice["post_payment_credit_notes_amount"] + note["amount"]
    call.update(invoice, "invoice.updated", post_payment_credit_notes_amount=credited)
    return call.update(note, **changes)


def _refunded(call: Call, invoice: Doc, amount: int) -> Doc:
    payment = invoice_flow.default_payment(call, invoice)
    if payment is None or payment["status"] != "paid":
        raise conflict("This invoice was not paid by a payment that could be refunded.", param="refund_amount")
    refund = refunds.make(call, {"payment_intent": payment["_payment_intent"], "amount": amount})
    return {"amount_refunded": amount, "payment_record_refund": None, "refund": refund["id"], "type": "refund"}
