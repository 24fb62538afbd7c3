"""What a Checkout session sells: lines by a price that is there, or by one that is said on the spot."""

from decimal import Decimal

from tallystick.sandbox.call import Call
from tallystick.sandbox.errors import invalid
from tallystick.sandbox.objects import amounts
from tallystick.sandbox.objects.subscription_terms import chosen_price
from tallystick.sandbox.objects.uncovered import refuse_uncovered
from tallystick.sandbox.state import Doc

_UNCOVERED = ("adjustable_quantity", "dynamic_tax_rates", "metadata", "tax_rates")
_LINES_MAX = 100


def read(call: Call, params: Doc) -> list[Doc]:
    """A line each: what it is called, what it comes to, and for a subscription the item that it becomes."""
    wanted = params.get("line_items") or []
    if not wanted:
        raise invalid("Missing required param: line_items.", param="line_items", code="parameter_missing")
    if len(wanted) > _LINES_MAX:
        raise invalid(f"A Checkout Session has at most {_LINES_MAX} line items.", param="line_items")
    for item in wanted:
        refuse_uncovered(item, _UNCOVERED)
    read_one = _sold_once if params["mode"] == "payment" else _subscribed
    lines = [read_one(call, item, f"line_items[{place}]") for place, item in enumerate(wanted)]
    codes = sorted({line["currency"] for line in lines} | ({params["currency"].lower()} if params.get("currency") else set()))
    if len(codes) > 1:
        raise invalid(f"All prices of a Checkout Session must be in one currency; these are in {', '.join(codes)}.")
    return lines


def total(lines: list[Doc]) -> int:
    """What is due on the page; of what is metered nothing yet."""
    return sum(line["amount"] for line in lines)


def _sold_once(call: Call, item: Doc, at: str) -> Doc:
    """Of a payment: each line has its quantity, and no price that comes again."""
    quantity = _quantity(item, at)
    if "price_data" not in item:
        price = call.get("price", item.get("price", ""), param=f"{at}[price]")
        if price["type"] == "recurring":
            raise invalid("You specified `payment` mode but passed a recurring price.", param="mode")
        name = call.get("product", price["product"])["name"]
        return _line(name, price["currency"], Decimal(price["unit_amount_decimal"]), quantity)
    said = item["price_data"]
    if said.get("recurring"):
        raise invalid("You specified `payment` mode but passed a recurring price.", param="mode")
    amounts.known(said["currency"], f"{at}[price_data][currency]")
    unit = said.get("unit_amount_decimal", said.get("unit_amount"))
    if unit is None or Decimal(unit) < 0:
        raise invalid("Missing required param: unit_amount.", param=f"{at}[price_data][unit_amount]", code="parameter_missing")
    return _line(_name(call, said, at), said["currency"].lower(), Decimal(unit), quantity)


def _subscribed(call: Call, item: Doc, at: str) -> Doc:
    """Of a subscription: recurring prices; of what is metered nobody says how many."""
    if "price_data" in item:
        raise invalid("The sandbox subscribes to prices that are there only; see its README.", param=f"{at}[price_data]")
    price = chosen_price(call, item)
    name = call.get("product", price["product"])["name"]
    if price["recurring"]["usage_type"] == "metered":
        if "quantity" in item:
            raise invalid("Quantity should not be specified for metered prices.", param=f"{at}[quantity]")
        return {**_line(name, price["currency"], Decimal(0), 1), "item": {"price": price["id"]}}
    quantity = _quantity(item, at)
    unit = Decimal(price["unit_amount_decimal"] or 0)
    return {**_line(name, price["currency"], unit, quantity), "item": {"price": price["id"], "quantity": quantity}}


def _quantity(item: Doc, at: str) -> int:
    quantity: int = item.get("quantity", 0)
    if quantity < 1:
        raise invalid(f"Missing required param: {at}[quantity].", param=f"{at}[quantity]", code="parameter_missing")
    return quantity


def _name(call: Call, said: Doc, at: str) -> str:
    if "product_data" in said:
        return str(said["product_data"]["name"])
    return str(call.get("product", said.get("product", ""), param=f"{at}[price_data][product]")["name"])


def _line(name: str, currency: str, unit: Decimal, quantity: int) -> Doc:
    return {"name": name, "currency": currency, "quantity": quantity, "amount": amounts.rounded(unit * quantity)}
