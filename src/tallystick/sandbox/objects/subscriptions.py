"""The endpoints of subscriptions, in flexible billing mode. What happens to one is in subscription_flow.py and _changes.py."""

from typing import Any

from tallystick.sandbox.call import Call, merged, public, unset
from tallystick.sandbox.errors import conflict, invalid, missing
from tallystick.sandbox.expand import included
from tallystick.sandbox.lists import page
from tallystick.sandbox.objects import cycles, discounts, subscription_changes, subscription_flow
from tallystick.sandbox.objects.subscription_flow import whole
from tallystick.sandbox.objects.subscription_records import ENDED, change
from tallystick.sandbox.objects.subscription_terms import chosen_price, new_item
from tallystick.sandbox.objects.uncovered import refuse_uncovered
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
_UNCOVERED = (
    "add_invoice_items", "application_fee_percent", "backdate_start_date", "billing_schedules", "billing_thresholds",
    "customer_account", "default_source", "default_tax_rates", "invoice_settings", "on_behalf_of",
    "pending_invoice_item_interval", "transfer_data", "trial_from_plan",
)  # fmt: skip
_TRIAL_SECONDS_MAX = 730 * 86400


@routes.add("POST", "/v1/subscriptions", "SubscriptionCreateParams")
def create(call: Call) -> Doc:
    customer = call.params.get("customer")
    if not customer:
        raise invalid("Missing required param: customer.", param="customer", code="parameter_missing")
    doc = call.get("customer", customer, param="customer")
    return whole(call.at(doc["test_clock"]), make, doc, call.params)


@routes.add("POST", "/v1/subscriptions/{id}", "SubscriptionUpdateParams")
def update(call: Call) -> Doc:
    subscription = call.get("subscription", call.ids[0])
    refuse_uncovered(call.params, _UNCOVERED)
    return whole(call.at(subscription["test_clock"]), subscription_changes.update, subscription, call.params)


@routes.add("GET", "/v1/subscriptions/{id}", "SubscriptionRetrieveParams")
def retrieve(call: Call) -> Doc:
    return call.get("subscription", call.ids[0])


@routes.add("GET", "/v1/subscriptions", "SubscriptionListParams")
def list_page(call: Call) -> Doc:
    """Those that have ended only where they are asked for; those on a test clock by it or by their customer."""
    params = call.params
    refuse_uncovered(params, ("automatic_tax", "current_period_end", "current_period_start", "plan"))
    customer, clock, status = (params.get(name) for name in ("customer", "test_clock", "status"))

    def is_wanted(doc: Doc) -> bool:
        return (
            _has_status(doc, status)
            and customer in (None, doc["customer"])
            and (doc["test_clock"] == clock if clock or not customer else True)
            and params.get("collection_method") in (None, doc["collection_method"])
            and ("price" not in params or any(item["price"]["id"] == params["price"] for item in doc["items"]["data"]))
        )

    by = ("customer", customer) if customer else ("test_clock", clock)
    return page(call, "subscription", by=by, where=is_wanted)


@routes.add("DELETE", "/v1/subscriptions/{id}", "SubscriptionCancelParams")
def cancel(call: Call) -> Doc:
    subscription = call.get("subscription", call.ids[0])
    if subscription["status"] in ENDED:
        raise missing("subscription", subscription["id"])
    return subscription_flow.cancel(call.at(subscription["test_clock"]), subscription, call.params)


@routes.add("POST", "/v1/subscriptions/{id}/pause", "SubscriptionPauseParams")
def pause(call: Call) -> Doc:
    subscription = call.get("subscription", call.ids[0])
    refuse_uncovered(call.params, ("bill_for", "invoicing_behavior"))
    if subscription["status"] not in ("active", "past_due") or subscription["collection_method"] == "send_invoice":
        raise conflict(f"This subscription cannot be paused: it is {subscription['status']}, or its invoices are sent.")
    return subscription_flow.pause(call.at(subscription["test_clock"]), subscription, "pause_requested")


@routes.add("POST", "/v1/subscriptions/{id}/resume", "SubscriptionResumeParams")
def resume(call: Call) -> Doc:
    subscription, params = call.get("subscription", call.ids[0]), call.params
    refuse_uncovered(params, ("proration_date",))
    if params.get("billing_cycle_anchor", {}).get("type") == "unchanged":
        refuse_uncovered({"billing_cycle_anchor[type]=unchanged": True}, ["billing_cycle_anchor[type]=unchanged"])
    behavior = params.get("payment_behavior", "resume_on_payment_attempt")
    return subscription_flow.resume(call.at(subscription["test_clock"]), subscription, behavior)


@routes.add("DELETE", "/v1/subscriptions/{id}/discount", "SubscriptionDeleteDiscountParams")
def delete_discount(call: Call) -> Doc:
    """All of them; the first is answered."""
    subscription = call.get("subscription", call.ids[0])
    if not subscription["discounts"]:
        raise missing("discount", "on this subscription")
    call = call.at(subscription["test_clock"])
    first = call.get("discount", subscription["discounts"][0])
    discounts.drop(call, subscription["discounts"])
    change(call, subscription, discounts=[])
    return {"id": first["id"], "object": "discount", "deleted": True}


@included("customer", "subscriptions")
def _of_customer(call: Call, customer: Doc) -> Any:
    found = page(
        call, "subscription", url=f"/v1/customers/{customer['id']}/subscriptions", by=("customer", customer["id"]),
        where=lambda doc: doc["status"] not in ENDED,
    )  # fmt: skip
    return {**found, "data": [public(doc) for doc in found["data"]]}


def make(call: Call, customer: Doc, params: Doc) -> Doc:
    """A new subscription of the customer, as far as its first invoice could be paid."""
    refuse_uncovered(params, _UNCOVERED)
    behavior, proration = (
        params.get("payment_behavior", "allow_incomplete"),
        params.get("proration_behavior", "create_prorations"),
    )
    if behavior == "pending_if_incomplete":
        raise invalid("pending_if_incomplete is for updates only.", param="payment_behavior")
    if params.get("billing_mode", {}).get("type") == "classic":
        refuse_uncovered({"billing_mode[type]=classic": True}, ["billing_mode[type]=classic"])
    wanted = params.get("items")
    if not wanted:
        raise invalid("Missing required param: items.", param="items", code="parameter_missing")
    prices = [chosen_price(call, item) for item in wanted]
    subscription = call.save(_new(call, customer, params, prices))
    for item, price in zip(wanted, prices, strict=True):
        anchor, trial_end = subscription["billing_cycle_anchor"], subscription["trial_end"]
        until = trial_end or cycles.cycle(anchor, price["recurring"], call.now).end
        new_item(call, subscription, price, item, until=until)
    given = discounts.redeem(call, params.get("discounts") or [], subscription)
    subscription = change(call, subscription, discounts=given)
    if (end := subscription_changes.planned_end(call, subscription, params)) is not None:
        subscription = change(call, subscription, **end, canceled_at=call.now)
    return subscription_flow.begin(call, subscription, behavior, prorates=proration != "none")


def _new(call: Call, customer: Doc, params: Doc, prices: list[Doc]) -> Doc:
    currency = prices[0]["currency"]
    if customer["currency"] not in (None, currency):
        message = f"You cannot combine currencies on a single customer. This customer has had {customer['currency']}."
        raise invalid(message, param="items[0][price]")
    call.update(customer, "customer.updated", currency=currency)
    trial_end = _trial_end(call, params)
    is_sent = params.get("collection_method") == "send_invoice"
    settings = {"payment_method_options": None, "payment_method_types": None, "save_default_payment_method": "off"}
    subscription = call.new(
        "subscription", customer=customer["id"], currency=currency, start_date=call.now, test_clock=customer["test_clock"],
        status="trialing" if trial_end else "active" if is_sent else "incomplete", trial_end=trial_end,
        trial_start=call.now if trial_end else None, billing_cycle_anchor=_anchor(params, prices, trial_end or call.now),
        billing_cycle_anchor_config=_config(params),
        billing_mode={"type": "flexible", "flexible": {"proration_discounts": "included"}, "updated_at": None},
        collection_method=params.get("collection_method", "charge_automatically"), days_until_due=params.get("days_until_due"),
        default_payment_method=subscription_changes.own_method(call, params.get("default_payment_method", ""), customer["id"]),
        description=unset(params.get("description")), discounts=[], metadata=merged({}, params.get("metadata", {})),
        payment_settings=subscription_changes.payment_settings(settings, params.get("payment_settings", {})),
        trial_settings=params.get("trial_settings", {"end_behavior": {"missing_payment_method": "create_invoice"}}),
        default_tax_rates=[], cancellation_details={"comment": None, "feedback": None, "feedback_option": None, "reason": None},
        _is_quiet=True, _renews_at=None,
    )  # fmt: skip
    invoice_settings = {"account_tax_ids": None, "custom_fields": None, "description": None, "footer": None}
    subscription["invoice_settings"] = {**invoice_settings, "issuer": {"type": "self"}}
    subscription_changes.check_terms(subscription)
    return subscription


def _trial_end(call: Call, params: Doc) -> int | None:
    days, end = params.get("trial_period_days"), params.get("trial_end")
    if days is not None and end is not None:
        raise invalid("You may only specify one of these parameters: trial_end, trial_period_days.", param="trial_end")
    if days is not None:
        end = call.now + days * 86400
    if end in (None, "now", call.now):
        return None
    assert isinstance(end, int), "as its parameter's type says"
    if not call.now < end <= call.now + _TRIAL_SECONDS_MAX:
        raise invalid("The trial must end in the future, and within two years.", param="trial_end")
    return end


def _anchor(params: Doc, prices: list[Doc], begins: int) -> int:
    given, config = params.get("billing_cycle_anchor"), params.get("billing_cycle_anchor_config")
    if given is not None and config is not None:
        message = "You may only specify one of these parameters: billing_cycle_anchor, billing_cycle_anchor_config."
        raise invalid(message, param="billing_cycle_anchor")
    if config is not None:
        return cycles.configured(config, begins)
    if given is None:
        return begins
    latest = min(cycles.boundary(begins, price["recurring"], 1) for price in prices)
    if not begins <= given <= latest:
        raise invalid("billing_cycle_anchor must be in the future, and within one interval.", param="billing_cycle_anchor")
    return int(given)


def _config(params: Doc) -> Doc | None:
    given = params.get("billing_cycle_anchor_config")
    return {**dict.fromkeys(("hour", "minute", "month", "second")), **given} if given else None


def _has_status(doc: Doc, status: str | None) -> bool:
    if status in (None, "ended"):
        return (doc["status"] in ENDED) == (status == "ended")
    return status == "all" or bool(doc["status"] == status)
