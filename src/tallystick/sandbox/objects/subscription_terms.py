"""What a caller asks of an item: checked, and made into one."""

from typing import Any

from tallystick.sandbox.call import Call, merged, public
from tallystick.sandbox.errors import conflict, invalid
from tallystick.sandbox.objects import products
from tallystick.sandbox.objects.subscription_records import items
from tallystick.sandbox.objects.uncovered import refuse_uncovered
from tallystick.sandbox.state import Doc

ITEMS_MAX = 20
_UNCOVERED = ("billing_thresholds", "current_trial", "discounts", "plan", "tax_rates")


def chosen_price(call: Call, wanted: Doc) -> Doc:
    """The recurring price that is asked for by its id, or made for this item alone."""
    refuse_uncovered(wanted, _UNCOVERED)
    if "price_data" in wanted:
        made = products.new_price(call, wanted["price_data"])
        return call.update(made, active=False)
    if not wanted.get("price"):
        raise invalid("Missing required param: items[0][price].", param="items[0][price]", code="parameter_missing")
    found = call.get("price", wanted["price"], param="items[0][price]")
    if not found["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.", param="items[0][price]")
    if found["type"] != "recurring":
        message = "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`."
        raise invalid(message, param="items[0][price]")
    return found


def new_item(call: Call, subscription: Doc, found: Doc, wanted: Doc, *, until: int) -> Doc:
    """An item of that price from now until then. Raises where it does not go with those that are there."""
    present = items(call, subscription)
    if found["currency"] != subscription["currency"]:
        only, expected = found["currency"], subscription["currency"]
        message = f"The price specified only supports `{only}`. This doesn't match the expected currency: `{expected}`."
        raise invalid(message, param="items[0][price]")
    if any(item["price"]["id"] == found["id"] for item in present):
        message = f"Cannot add multiple subscription items with the same price: {found['id']}"
        raise invalid(message, param="items[0][price]")
    if len(present) >= ITEMS_MAX:
        raise conflict(f"A subscription can have at most {ITEMS_MAX} items.", param="items")
    item = call.new(
        "subscription_item", subscription=subscription["id"], current_period_start=call.now, current_period_end=until,
        metadata=merged({}, wanted.get("metadata", {})), discounts=[], tax_rates=[], **priced(found),
        **quantity_of(found, wanted.get("quantity")), _usage_from=call.now, _debits=[],
    )  # fmt: skip
    return call.save(item)


def quantity_of(found: Doc, given: int | None) -> Doc:
    """How many of it; of what is metered nobody says how many."""
    if found["recurring"]["usage_type"] == "metered":
        if given is not None:
            raise invalid("Quantity should not be specified for metered prices.", param="items[0][quantity]")
        return {}
    if given is not None and given < 0:
        raise invalid("Invalid non-negative integer", param="items[0][quantity]", code="parameter_invalid_integer")
    return {"quantity": 1 if given is None else given}


def priced(found: Doc) -> Doc:
    """The price as an item carries it, and the plan that it would have been once."""
    return {"price": public(found), "plan": _plan(found)}


def _plan(found: Doc) -> Doc:
    recurring = found["recurring"]
    same: dict[str, Any] = {
        name: found[name] for name in ("id", "active", "billing_scheme", "created", "currency", "livemode", "metadata",
                                       "nickname", "product", "tiers_mode")
    }  # fmt: skip
    return {
        **same, "object": "plan", "amount": found["unit_amount"], "amount_decimal": found["unit_amount_decimal"],
        "interval": recurring["interval"], "interval_count": recurring["interval_count"], "meter": recurring["meter"],
        "transform_usage": found["transform_quantity"], "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }  # fmt: skip
