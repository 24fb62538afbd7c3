"""Stripe's billing meters: told of usage, told to forget it, and asked what they have added up."""

from datetime import datetime, timedelta
from decimal import Decimal

import stripe
from stripe.params.billing import MeterEventAdjustmentCreateParams, MeterEventCreateParams, MeterEventSummaryListParams

from tallystick.providers.protocol import MeteredItem, Refused, Taken, UsageRequest
from tallystick.providers.stripe import bodies, translate, transport
from tallystick.providers.stripe.translate import Doc
from tallystick.values.decimals import plain
from tallystick.values.time import EPOCH, Period

# Four fifths of what Stripe allows: 1,000 meter events a second, beside calls of other kinds. In test mode they are among those.
PER_SECOND = 800
KIND = "billing/meter_events"
# These refusals have no code: Stripe says so in words alone.
_KNOWN = "event already exists with identifier"
_CANCELED = "already been cancel"


def sent(client: stripe.StripeClient, request: UsageRequest, key: str) -> Taken:
    """The event, counted once by its identifier: "it exists already" is what a lost answer looks like afterwards."""
    try:
        client.v1.billing.meter_events.create(_event(request), bodies.options(key))
    except stripe.InvalidRequestError as refusal:
        if _KNOWN not in str(refusal):
            raise
        return Taken(repeated=True)
    return Taken()


def canceled(client: stripe.StripeClient, event_name: str, identifier: str, key: str) -> Taken:
    """The event of that identifier, taken back."""
    wanted: MeterEventAdjustmentCreateParams = {
        "event_name": event_name,
        "type": "cancel",
        "cancel": {"identifier": identifier},
    }
    try:
        client.v1.billing.meter_event_adjustments.create(wanted, bodies.options(key))
    except stripe.InvalidRequestError as refusal:
        if _CANCELED not in str(refusal):
            raise
        return Taken(repeated=True)
    return Taken()


def total(client: stripe.StripeClient, event_name: str, customer_ref: str, period: Period) -> Decimal | Refused:
    """What the meter of that name has for the customer. Refused where there is none, or one that does not add up."""
    meter = _meter(client, event_name)
    if meter is None:
        return Refused("no_meter", f"{event_name}: Stripe has no meter of this name; make one, with the formula sum")
    formula = translate.part(meter, "default_aggregation").get("formula")
    if formula != "sum" or meter.get("event_time_window"):
        return Refused("wrong_formula", f"{event_name}: Stripe's meter must sum single events; make one, with the formula sum")
    asked: MeterEventSummaryListParams = {
        "customer": customer_ref,
        "start_time": _seconds(period.start),
        "end_time": _seconds(period.end),
    }
    found = client.v1.billing.meters.event_summaries.list(meter["id"], asked)
    # A sum comes as a float; of what Stripe adds up, fifteen digits are exact.
    return sum((Decimal(f"{transport.doc(each)['aggregated_value']:.15g}") for each in found.auto_paging_iter()), Decimal(0))


def item(client: stripe.StripeClient, ref: str) -> MeteredItem | Refused:
    """Whose usage of which meter the subscription item bills. Refused where it bills none."""
    found = transport.doc(client.v1.subscription_items.retrieve(ref))
    meter = translate.part(translate.part(found, "price"), "recurring").get("meter")
    if not meter:
        return Refused("not_metered", f"{ref}: its price is not of a billing meter, so that no usage can be sent for it")
    subscription = transport.doc(client.v1.subscriptions.retrieve(found["subscription"]))
    return MeteredItem(subscription["customer"], transport.doc(client.v1.billing.meters.retrieve(meter))["event_name"])


def _meter(client: stripe.StripeClient, event_name: str) -> Doc | None:
    """The active one of that name, else one that was."""
    listed = [transport.doc(meter) for meter in client.v1.billing.meters.list({"limit": 100}).auto_paging_iter()]
    named = [meter for meter in listed if meter["event_name"] == event_name]
    return next((meter for meter in named if meter["status"] == "active"), named[0] if named else None)


def _event(request: UsageRequest) -> MeterEventCreateParams:
    return {
        "event_name": request.event_name,
        "identifier": request.identifier,
        "payload": {"stripe_customer_id": request.customer_ref, "value": plain(request.quantity)},
        "timestamp": _seconds(request.at),
    }


def _seconds(at: datetime) -> int:
    """The whole second that `at` lies in."""
    return (at - EPOCH) // timedelta(seconds=1)
