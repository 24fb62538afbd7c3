"""Invoice items and the invoice lines that they become."""

from decimal import Decimal

from tallystick.sandbox.call import Call, merged, public, unset
from tallystick.sandbox.errors import conflict, invalid
from tallystick.sandbox.lists import page
from tallystick.sandbox.objects import amounts, discounts, products
from tallystick.sandbox.objects.uncovered import refuse_uncovered
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc
from tallystick.values.decimals import plain

routes = Routes()
_LINES_MAX, _LINES_SHOWN = 250, 10
_UNCOVERED = ("customer_account", "discounts", "tax_rates")
_SOURCES = ("amount", "pricing", "price_data", "unit_amount_decimal")


@routes.add("POST", "/v1/invoiceitems", "InvoiceItemCreateParams")
def create(call: Call) -> Doc:
    params = call.params
    refuse_uncovered(params, _UNCOVERED)
    invoice = _draft(call, params["invoice"]) if params.get("invoice") else None
    identifier = params.get("customer") or (invoice["customer"] if invoice else None)
    if identifier is None:
        raise invalid("Missing required param: customer.", param="customer", code="parameter_missing")
    customer = call.get("customer", identifier, param="customer")
    if invoice and invoice["customer"] != customer["id"]:
        raise invalid(f"The invoice {invoice['id']} belongs to another customer.", param="invoice")
    call = call.at(customer["test_clock"])
    sums = _sums(call, params)
    if invoice and invoice["currency"] != sums["currency"]:
        raise invalid(
            f"The currency of the invoice item ({sums['currency']}) does not match that of the invoice ({invoice['currency']}).",
            param="currency",
        )
    period = params.get("period", {"start": call.now, "end": call.now})
    bound = _bound(call, params.get("subscription"), customer)
    item = call.new(
        "invoiceitem", **sums, customer=customer["id"], date=call.now, description=unset(params.get("description")),
        discountable=True, discounts=[], invoice=None, metadata=merged({}, params.get("metadata", {})), period=period,
        tax_rates=[],
        test_clock=customer["test_clock"], **bound,
    )  # fmt: skip
    item.update(discountable=params.get("discountable", item["amount"] >= 0), net_amount=item["amount"])
    if invoice:
        item["invoice"] = invoice["id"]
    call.save(item, "invoiceitem.created")
    if invoice:
        add_line(call, invoice, item)
    return item


@routes.add("POST", "/v1/invoiceitems/{id}", "InvoiceItemUpdateParams")
def update(call: Call) -> Doc:
    item, params = call.get("invoiceitem", call.ids[0]), call.params
    refuse_uncovered(params, _UNCOVERED)
    invoice = _draft(call, item["invoice"]) if item["invoice"] else None
    changes: Doc = {name: unset(params[name]) for name in ("description", "discountable", "period") if name in params}
    if "metadata" in params:
        changes["metadata"] = merged(item["metadata"], params["metadata"])
    if any(name in params for name in (*_SOURCES, "quantity", "quantity_decimal")):
        changes |= _sums(call, _repriced(item, params))
        changes["net_amount"] = changes["amount"]
    # Stripe has no event for this update.
    item = call.update(item, **changes)
    if invoice:
        line = next(line for line in call.list("line_item", ("invoice", invoice["id"])) if line["_item"] == item["id"])
        call.update(line, **_line_values(item))
        recount(call, invoice)
    return item


@routes.add("DELETE", "/v1/invoiceitems/{id}", "InvoiceItemDeleteParams")
def delete(call: Call) -> Doc:
    item = call.get("invoiceitem", call.ids[0])
    invoice = _draft(call, item["invoice"]) if item["invoice"] else None
    answer = call.remove(item, "invoiceitem.deleted")
    if invoice:
        for line in call.list("line_item", ("invoice", invoice["id"])):
            if line["_item"] == item["id"]:
                call.state.delete("line_item", line["id"])
        recount(call, invoice)
    return answer


@routes.add("GET", "/v1/invoiceitems/{id}", "InvoiceItemRetrieveParams")
def retrieve(call: Call) -> Doc:
    return call.get("invoiceitem", call.ids[0])


@routes.add("GET", "/v1/invoiceitems", "InvoiceItemListParams")
def list_page(call: Call) -> Doc:
    customer, invoice, pending = (call.params.get(name) for name in ("customer", "invoice", "pending"))
    by = ("invoice", invoice) if invoice else ("customer", customer) if customer else None
    return page(
        call, "invoiceitem", by=by,
        where=lambda doc: customer in (None, doc["customer"]) and (pending is None or pending == (doc["invoice"] is None)),
    )  # fmt: skip


def pull_pending(call: Call, invoice: Doc, event: str | None = "invoice.updated") -> Doc:
    """The customer's items that wait for an invoice in its currency, or for one of its subscription, now on this one."""
    for item in call.list("invoiceitem", ("customer", invoice["customer"])):
        is_for_it = item.get("_subscription") in (None, invoice.get("_subscription"))
        if item["invoice"] is None and item["currency"] == invoice["currency"] and is_for_it:
            new_line(call, invoice, {**_line_values(item), **_parent(item)}, item["id"])
            call.update(item, invoice=invoice["id"])
    return recount(call, invoice, event)


def add_line(call: Call, invoice: Doc, item: Doc) -> Doc:
    new_line(call, invoice, {**_line_values(item), **_parent(item)}, item["id"])
    return recount(call, invoice)


def new_line(call: Call, invoice: Doc, values: Doc, item: str | None) -> Doc:
    """One more line, not yet counted; `item` is the invoice item that it was, if any."""
    if len(call.list("line_item", ("invoice", invoice["id"]))) >= _LINES_MAX:
        raise conflict(f"An invoice can have at most {_LINES_MAX} lines.", param="invoice")
    return call.create(
        "line_item", **values, discount_amounts=[], discounts=[], invoice=invoice["id"], pretax_credit_amounts=[], taxes=[],
        _item=item,
    )  # fmt: skip


def recount(call: Call, invoice: Doc, event: str | None = "invoice.updated") -> Doc:
    """The draft with the sums of its lines as they are now, and with what its discounts take off them."""
    before = call.list("line_item", ("invoice", invoice["id"]))
    lines = discounts.applied(call, invoice.get("_discounts") or (), before)
    for line, old in zip(lines, before, strict=True):
        call.update(old, discount_amounts=line["discount_amounts"], discounts=line["discounts"])
    off = discounts.totals(lines)
    subtotal = sum(line["amount"] for line in lines)
    total = subtotal - sum(row["amount"] for row in off)
    due = max(0, total + invoice["starting_balance"])
    shown = {
        "object": "list", "data": [public(line) for line in lines[:_LINES_SHOWN]], "has_more": len(lines) > _LINES_SHOWN,
        "url": f"/v1/invoices/{invoice['id']}/lines",
    }  # fmt: skip
    return call.update(
        invoice, event, lines=shown, subtotal=subtotal, subtotal_excluding_tax=subtotal, total=total,
        total_excluding_tax=total, amount_due=due, amount_remaining=due, total_discount_amounts=off,
    )  # fmt: skip


def _draft(call: Call, identifier: str) -> Doc:
    invoice = call.get("invoice", identifier, param="invoice")
    if invoice["status"] != "draft":
        raise conflict(
            f"Invoice {identifier} is no longer editable: its status is {invoice['status']}.", code="invoice_not_editable"
        )
    return invoice


def _line_values(item: Doc) -> Doc:
    names = ("amount", "currency", "description", "discountable", "metadata", "period", "pricing", "quantity", "quantity_decimal")
    return {**{name: item[name] for name in names}, "subtotal": item["amount"]}


def _bound(call: Call, identifier: str | None, customer: Doc) -> Doc:
    """To the subscription whose next invoice it waits for, where one is named."""
    if not identifier:
        return {}
    subscription = call.get("subscription", identifier, param="subscription")
    if subscription["customer"] != customer["id"]:
        raise invalid(f"The subscription {identifier} belongs to another customer.", param="subscription")
    parent = {"subscription_details": {"subscription": identifier, "subscription_item": None}, "type": "subscription_details"}
    return {"parent": parent, "_subscription": identifier}


def _parent(item: Doc) -> Doc:
    """Where a line says that it comes from: an item of a subscription that was prorated, or what somebody added."""
    subscription, of = item.get("_subscription"), item.get("_subscription_item")
    credits = (item["proration_details"] or {}).get("credited_items")
    credited = {"credited_items": credits["invoice_line_item_details"] if credits else None}
    known = {"invoice_item": item["id"], "proration": item["proration"], "proration_details": credited,
             "subscription": subscription}  # fmt: skip
    if of is None:
        parent = {"invoice_item_details": known, "subscription_item_details": None, "type": "invoice_item_details"}
    else:
        parent = {"invoice_item_details": None, "subscription_item_details": {**known, "subscription_item": of},
                  "type": "subscription_item_details"}  # fmt: skip
    return {"parent": parent, "subscription": subscription}


def _repriced(item: Doc, params: Doc) -> Doc:
    """What the item would have been created with: the new price and quantity, or the old of either."""
    old: Doc = {"quantity_decimal": Decimal(item["quantity_decimal"]), "currency": item["currency"]}
    if "quantity" in params:
        del old["quantity_decimal"]
    if not any(name in params for name in _SOURCES):
        old["unit_amount_decimal"] = Decimal(item["pricing"]["unit_amount_decimal"])
    return {**old, **{name: value for name, value in params.items() if name != "currency"}}


def _sums(call: Call, params: Doc) -> Doc:
    """Amount, currency, quantity and pricing, out of the one of four ways to say a price that is used."""
    given = [name for name in _SOURCES if name in params]
    if len(given) != 1:
        message = f"Exactly one of {', '.join(_SOURCES)} must be provided."
        raise invalid(message, param=given[0] if given else "amount", code=None if given else "parameter_missing")
    if "amount" in params:
        return _priced(Decimal(params["amount"]), Decimal(1), _currency(params), None)
    quantity = params["quantity_decimal"] if "quantity_decimal" in params else Decimal(params.get("quantity") or 1)
    if "unit_amount_decimal" in params:
        return _priced(params["unit_amount_decimal"], quantity, _currency(params), None)
    if "price_data" in params:
        data = params["price_data"]
        call.get("product", data["product"], param="price_data[product]")
        unit = products.unit_amount(data)
        if unit is None:
            raise invalid(
                "Missing required param: price_data[unit_amount].", param="price_data[unit_amount]", code="parameter_missing"
            )
        details = {"price": call.new("price")["id"], "product": data["product"]}
        return _priced(unit, quantity, _currency(data), details)
    return _by_price(call, params, quantity)


def _by_price(call: Call, params: Doc, quantity: Decimal) -> Doc:
    price = call.get("price", params["pricing"].get("price", ""), param="pricing[price]")
    if price["type"] != "one_time" or price["unit_amount_decimal"] is None:
        message = f"The price specified is set to `type={price['type']}` but this field only accepts prices with `type=one_time`."
        raise invalid(message, param="pricing[price]")
    if not price["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.", param="pricing[price]")
    return _priced(
        Decimal(price["unit_amount_decimal"]), quantity, price["currency"], {"price": price["id"], "product": price["product"]}
    )


def _currency(params: Doc) -> str:
    if not params.get("currency"):
        raise invalid("Missing required param: currency.", param="currency", code="parameter_missing")
    return amounts.known(params["currency"]).code


def _priced(unit: Decimal, quantity: Decimal, currency: str, details: Doc | None) -> Doc:
    if quantity < 0:
        raise invalid("Invalid non-negative quantity.", param="quantity_decimal")
    return {
        "amount": amounts.rounded(unit * quantity), "currency": currency, "quantity": int(quantity),
        "quantity_decimal": plain(quantity), "pricing": {"price_details": details, "type": "price_details",
        "unit_amount_decimal": plain(unit)},
    }  # fmt: skip
