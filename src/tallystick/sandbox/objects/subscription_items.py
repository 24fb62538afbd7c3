"""The items of a subscription: one price each, with its own period. To change one is to change the subscription."""

from tallystick.sandbox.call import Call
from tallystick.sandbox.lists import page
from tallystick.sandbox.objects import subscription_changes
from tallystick.sandbox.objects.subscription_flow import whole
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
_SHARED = ("payment_behavior", "proration_behavior", "proration_date")


@routes.add("POST", "/v1/subscription_items", "SubscriptionItemCreateParams")
def create(call: Call) -> Doc:
    params = call.params
    subscription = call.get("subscription", params["subscription"], param="subscription")
    wanted = {name: value for name, value in params.items() if name not in (*_SHARED, "subscription", "expand")}
    known = {item["id"] for item in call.list("subscription_item", ("subscription", subscription["id"]))}
    _change(call, subscription, wanted)
    made = call.list("subscription_item", ("subscription", subscription["id"]))
    return next(item for item in made if item["id"] not in known)


@routes.add("POST", "/v1/subscription_items/{id}", "SubscriptionItemUpdateParams")
def update(call: Call) -> Doc:
    item = call.get("subscription_item", call.ids[0])
    wanted = {name: value for name, value in call.params.items() if name not in (*_SHARED, "off_session", "expand")}
    _change(call, call.get("subscription", item["subscription"]), {**wanted, "id": item["id"]})
    return call.get("subscription_item", item["id"])


@routes.add("DELETE", "/v1/subscription_items/{id}", "SubscriptionItemDeleteParams")
def delete(call: Call) -> Doc:
    item = call.get("subscription_item", call.ids[0])
    wanted = {"id": item["id"], "deleted": True, "clear_usage": call.params.get("clear_usage", False)}
    _change(call, call.get("subscription", item["subscription"]), wanted)
    return {"id": item["id"], "object": "subscription_item", "deleted": True}


@routes.add("GET", "/v1/subscription_items/{id}", "SubscriptionItemRetrieveParams")
def retrieve(call: Call) -> Doc:
    return call.get("subscription_item", call.ids[0])


@routes.add("GET", "/v1/subscription_items", "SubscriptionItemListParams")
def list_page(call: Call) -> Doc:
    subscription = call.get("subscription", call.params["subscription"], param="subscription")
    return page(call, "subscription_item", by=("subscription", subscription["id"]), oldest_first=True)


def _change(call: Call, subscription: Doc, wanted: Doc) -> None:
    shared = {name: call.params[name] for name in _SHARED if name in call.params}
    whole(call.at(subscription["test_clock"]), subscription_changes.update, subscription, {"items": [wanted], **shared})
