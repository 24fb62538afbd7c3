"""What changes within a period: credits for what was paid and is not used, debits for what is used from now on."""

from decimal import Decimal
from fractions import Fraction

from tallystick.sandbox.call import Call
from tallystick.sandbox.objects import cycles, subscription_lines, tariff
from tallystick.sandbox.objects.subscription_records import is_metered, price
from tallystick.sandbox.state import Doc


def credit(call: Call, subscription: Doc, item: Doc, at: int) -> Doc:
    """Gives back the part after `at` of everything that the item was debited, less what a discount had taken off it."""
    for debit in item["_debits"]:
        if debit["end"] <= at:
            continue
        net, credited = _debited(call, debit)
        unused = Fraction(debit["end"] - max(at, debit["start"]), debit["end"] - debit["start"])
        row = tariff.Row(-net * unused, Decimal(1), Decimal(-net))
        text = f"Unused time on {subscription_lines.name_of(call, item['price'])}"
        said = {"period": {"start": at, "end": debit["end"]}, "description": text}
        _wait(call, subscription, item, row, said, credited=credited)
    return call.update(item, _debits=[])


def debit(call: Call, subscription: Doc, item: Doc, at: int) -> Doc:
    """Asks for the item from `at` until its period ends, by the price and the quantity that it now has."""
    if is_metered(item):
        return item
    found, quantity = price(call, item), Decimal(item["quantity"])
    share = cycles.cycle(subscription["billing_cycle_anchor"], found["recurring"], at).share
    period = {"start": at, "end": item["current_period_end"]}
    text = f"Remaining time on {subscription_lines.name_of(call, found)}"
    row = subscription_lines.sum_of(tariff.rows(found, quantity), quantity).times(share)
    waiting = _wait(call, subscription, item, row, {"period": period, "description": text})
    return call.update(item, _debits=[*item["_debits"], {**period, "line": None, "item": waiting["id"]}])


def bill_usage(call: Call, subscription: Doc, item: Doc, at: int) -> None:
    """What a metered item has used before it changes, to be paid with the next invoice."""
    span = subscription_lines.usage_span(item, at)
    if span is None:
        return
    for row in subscription_lines.usage_rows(call, span, subscription["customer"]):
        period = {"start": span["start"], "end": at}
        text = subscription_lines.described(call, item["price"], row)
        _wait(call, subscription, item, row, {"period": period, "description": text})


def _debited(call: Call, of: Doc) -> tuple[int, Doc | None]:
    """How much it was, and on which line, if it has come to an invoice."""
    waited = call.state.get("invoiceitem", of["item"]) if of["item"] else None
    if waited and waited["invoice"] is None:
        return waited["amount"], None
    if waited:
        lines = call.list("line_item", ("invoice", waited["invoice"]))
        line = next(line for line in lines if line["_item"] == waited["id"])
    else:
        found = call.state.get("line_item", of["line"]) if of["line"] else None
        if found is None:
            return 0, None
        line = found
    net = line["amount"] - sum(row["amount"] for row in line["discount_amounts"] or ())
    where = {"invoice": line["invoice"], "invoice_line_items": [line["id"]]}
    return net, {"invoice_item": None, "invoice_line_item_details": where, "type": "invoice_line_items"}


def _wait(call: Call, subscription: Doc, item: Doc, row: tariff.Row, said: Doc, *, credited: Doc | None = None) -> Doc:
    """An invoice item that waits for the subscription's next invoice. A credit of what was invoiced is not discounted again."""
    parent = {"subscription": subscription["id"], "subscription_item": item["id"]}
    return call.create(
        "invoiceitem", "invoiceitem.created", **subscription_lines.priced(row, item["price"]), customer=subscription["customer"],
        date=call.now, **said, discountable=credited is None, discounts=[], invoice=None, metadata={},
        net_amount=row.amount, parent={"subscription_details": parent, "type": "subscription_details"},
        proration=True, proration_details={"credited_items": credited, "discount_amounts": []}, tax_rates=[],
        test_clock=subscription["test_clock"], _subscription=subscription["id"], _subscription_item=item["id"],
    )  # fmt: skip
