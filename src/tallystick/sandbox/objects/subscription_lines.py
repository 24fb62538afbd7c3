"""The lines that the items of a subscription put on an invoice: what is paid in advance, and usage when it is over."""

from decimal import Decimal
from fractions import Fraction

from tallystick.sandbox.call import Call
from tallystick.sandbox.objects import invoice_items, meters, tariff
from tallystick.sandbox.objects.subscription_records import is_metered, price
from tallystick.sandbox.state import Doc
from tallystick.values.decimals import plain

_WHOLE = Fraction(1)


def advance(call: Call, invoice: Doc, item: Doc, *, share: Fraction = _WHOLE, is_free: bool = False) -> None:
    """The item's period that begins, or the share of a whole one that it is; remembered as what was debited."""
    if is_metered(item):
        return
    found = price(call, item)
    period = {"start": item["current_period_start"], "end": item["current_period_end"]}
    factor = Fraction(0) if is_free else share
    rows = [row.times(factor) for row in tariff.rows(found, Decimal(item["quantity"]))]
    if is_free:
        rows = [sum_of(rows, Decimal(item["quantity"]))]
    debits = []
    for row in rows:
        text = f"Trial period for {name_of(call, found)}" if is_free else described(call, found, row)
        line = add(call, invoice, item, row, {"period": period, "description": text}, is_proration=share != _WHOLE)
        debits.append({**period, "line": line["id"], "item": None})
    call.update(item, _debits=[] if is_free else debits)


def count_usage(call: Call, invoice: Doc) -> Doc:
    """What the meters have by now for the periods that this invoice bills; until it is finalised, the sum still grows."""
    if not invoice.get("_usage"):
        return invoice
    for line in call.list("line_item", ("invoice", invoice["id"])):
        if line.get("_is_usage"):
            call.state.delete("line_item", line["id"])
    for span in invoice["_usage"]:
        for row in usage_rows(call, span, invoice["customer"]):
            found, period = span_price(call, span), {"start": span["start"], "end": span["end"]}
            item = {"id": span["item"], "subscription": invoice["_subscription"], "metadata": {}, "price": found}
            said = {"period": period, "description": described(call, found, row), "_is_usage": True}
            add(call, invoice, item, row, said)
    return invoice_items.recount(call, invoice, None)


def usage_rows(call: Call, span: Doc, customer: str) -> list[tariff.Row]:
    """The usage of a span by its price: no row that is nothing, and no credit for corrections beyond it."""
    found = span_price(call, span)
    total = meters.total(call.state, found["recurring"]["meter"], customer, span["start"], span["end"])
    return [row for row in tariff.rows(found, max(total, Decimal(0))) if row.quantity and (row.exact or total > 0)]


def usage_span(item: Doc, until: int) -> Doc | None:
    """From where the item's usage has not been billed, as a part of a document; None where there is nothing in between."""
    start = item["_usage_from"]
    return {"item": item["id"], "price": item["price"]["id"], "start": start, "end": until} if start < until else None


def add(
    call: Call, invoice: Doc, item: Doc, row: tariff.Row, said: Doc, *, is_proration: bool = False
) -> Doc:  # fmt: skip
    """One line of a subscription's item; `said` is its period and its description."""
    details = {
        "invoice_item": None, "proration": is_proration, "proration_details": {"credited_items": None},
        "subscription": item["subscription"], "subscription_item": item["id"],
    }  # fmt: skip
    values = {
        **priced(row, item["price"]), "discountable": True, "metadata": item["metadata"],
        "subscription": item["subscription"], "subtotal": row.amount,
        "parent": {"invoice_item_details": None, "subscription_item_details": details, "type": "subscription_item_details"},
    }  # fmt: skip
    return invoice_items.new_line(call, invoice, {**values, **said}, None)


def priced(row: tariff.Row, found: Doc) -> Doc:
    """A row as a line and an invoice item say it."""
    return {
        "amount": row.amount, "currency": found["currency"], "quantity": int(row.quantity),
        "quantity_decimal": plain(row.quantity),
        "pricing": {"price_details": {"price": found["id"], "product": found["product"]}, "type": "price_details",
                    "unit_amount_decimal": plain(row.unit)},
    }  # fmt: skip


def sum_of(rows: list[tariff.Row], quantity: Decimal) -> tariff.Row:
    """One row for all of them."""
    return tariff.Row(sum((row.exact for row in rows), Fraction(0)), quantity, rows[0].unit)


def described(call: Call, found: Doc, row: tariff.Row) -> str:
    label = f" ({row.label})" if row.label else ""
    return f"{plain(row.quantity)} × {name_of(call, found)}{label}"


def name_of(call: Call, found: Doc) -> str:
    product = call.state.get("product", found["product"])
    name: str = product["name"] if product and not product.get("deleted") else found["product"]
    return name


def span_price(call: Call, span: Doc) -> Doc:
    return call.get("price", span["price"], param="price")
