"""Billing meters: what a customer's events are added up by, and the sums that can be asked for."""

from decimal import Decimal

from tallystick.sandbox.call import Call
from tallystick.sandbox.errors import conflict, invalid
from tallystick.sandbox.objects.meter_values import aggregated
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc, State

routes = Routes()
_KIND, _URL = "billing.meter", "/v1/billing/meters"
_NAME_LENGTH_MAX = 100
_WINDOWS = {"hour": 3600, "day": 86400}
_CUSTOMER = {"type": "by_id", "event_payload_key": "stripe_customer_id"}
_VALUE = {"event_payload_key": "value"}


@routes.add("POST", _URL, "billing.MeterCreateParams")
def create(call: Call) -> Doc:
    params = call.params
    name = params["event_name"]
    if not 1 <= len(name) <= _NAME_LENGTH_MAX:
        raise invalid(f"event_name must be 1 to {_NAME_LENGTH_MAX} characters long.", param="event_name")
    _refuse_second(call, name)
    return call.create(
        _KIND, "billing.meter.created", event_name=name, display_name=params["display_name"], status="active", updated=call.now,
        default_aggregation=params["default_aggregation"], event_time_window=params.get("event_time_window"),
        customer_mapping=params.get("customer_mapping", _CUSTOMER), value_settings=params.get("value_settings", _VALUE),
        status_transitions={"deactivated_at": None},
    )  # fmt: skip


@routes.add("POST", _URL + "/{id}", "billing.MeterUpdateParams")
def update(call: Call) -> Doc:
    doc = call.get(_KIND, call.ids[0])
    changes = {"display_name": call.params["display_name"]} if "display_name" in call.params else {}
    return call.update(doc, "billing.meter.updated", **changes, updated=call.now)


@routes.add("POST", _URL + "/{id}/deactivate", "billing.MeterDeactivateParams")
def deactivate(call: Call) -> Doc:
    """Its events are refused from now on; what was counted stands."""
    doc = call.get(_KIND, call.ids[0])
    if doc["status"] != "active":
        raise conflict(f"Meter {doc['id']} is already inactive.")
    return call.update(
        doc, "billing.meter.deactivated", status="inactive", updated=call.now, status_transitions={"deactivated_at": call.now}
    )


@routes.add("POST", _URL + "/{id}/reactivate", "billing.MeterReactivateParams")
def reactivate(call: Call) -> Doc:
    doc = call.get(_KIND, call.ids[0])
    if doc["status"] == "active":
        raise conflict(f"Meter {doc['id']} is already active.")
    _refuse_second(call, doc["event_name"])
    return call.update(
        doc, "billing.meter.reactivated", status="active", updated=call.now, status_transitions={"deactivated_at": None}
    )


routes.readable(_KIND, _URL, "billing.Meter", ("status",))


@routes.add("GET", _URL + "/{id}/event_summaries", "billing.MeterEventSummaryListParams")
def event_summaries(call: Call) -> Doc:
    """One sum of the whole time, or one for each window in which there was anything, newest first."""
    meter, params = call.get(_KIND, call.ids[0]), call.params
    customer = call.get("customer", params["customer"], param="customer")
    start, end, grouping = params["start_time"], params["end_time"], params.get("value_grouping_window")
    checked = _checked_step(start, end, grouping)
    step = checked if grouping else end - start
    parts: dict[int, list[Doc]] = {} if grouping else {start: []}
    for event in _counted(call.state, meter["id"], customer["id"], start, end):
        parts.setdefault(start + (event["timestamp"] - start) // step * step, []).append(event)
    rows = [_summary(meter, customer["id"], (at, at + step), _aggregated(meter, parts[at])) for at in sorted(parts, reverse=True)]
    return _page(call, rows, f"{_URL}/{meter['id']}/event_summaries")


def of_event(call: Call, event_name: str) -> Doc | None:
    """The meter that counts events of this name: the active one, else one that was."""
    named = call.list(_KIND, ("event_name", event_name))
    return next((meter for meter in named if meter["status"] == "active"), named[-1] if named else None)


def total(state: State, meter_id: str, customer_id: str, start: int, end: int) -> Decimal:
    """What the meter has for the customer from `start` until before `end`: what a metered price of theirs bills."""
    meter = state.get(_KIND, meter_id)
    assert meter is not None, f"{meter_id}: there is such a meter"
    return _aggregated(meter, _counted(state, meter_id, customer_id, start, end))


def slot(meter_id: str, customer_id: str) -> str:
    """What the events of one customer on one meter are found by."""
    return f"{meter_id}:{customer_id}"


def _refuse_second(call: Call, event_name: str) -> None:
    found = of_event(call, event_name)
    if found is not None and found["status"] == "active":
        raise invalid(f"There is already an active meter with event name {event_name}: {found['id']}.", param="event_name")


def _counted(state: State, meter_id: str, customer_id: str, start: int, end: int) -> list[Doc]:
    events = state.scan("meter_event", ("_slot", slot(meter_id, customer_id)), ascending=True)
    return [event for event in events if not event["cancelled"] and start <= event["timestamp"] < end]


def _aggregated(meter: Doc, events: list[Doc]) -> Decimal:
    window = _WINDOWS.get(meter["event_time_window"] or "", 0)
    return aggregated(events, meter["default_aggregation"]["formula"], window=window)


def _checked_step(start: int, end: int, grouping: str | None) -> int:
    """How long the windows are. Refuses times that are not at their borders."""
    step = _WINDOWS.get(grouping or "", 60)
    for name, at in (("start_time", start), ("end_time", end)):
        if at % step:
            raise invalid(f"{name} must be aligned with {grouping or 'minute'} boundaries.", param=name)
    if end <= start:
        raise invalid("end_time must be after start_time.", param="end_time")
    return step


def _summary(meter: Doc, customer: str, window: tuple[int, int], value: Decimal) -> Doc:
    start, end = window
    return {
        "object": "billing.meter_event_summary",
        "id": f"mtrusg_{meter['id'][4:]}_{customer[4:]}_{start}_{end}",
        "aggregated_value": float(value),  # Stripe's own type, exact or not
        "start_time": start,
        "end_time": end,
        "livemode": False,
        "meter": meter["id"],
    }


def _page(call: Call, rows: list[Doc], url: str) -> Doc:
    limit = call.params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise invalid("This value must be between 1 and 100 (inclusive).", param="limit", code="parameter_invalid_integer")
    ids, start = [row["id"] for row in rows], 0
    if after := call.params.get("starting_after"):
        if after not in ids:
            raise invalid(f"No such meter event summary: '{after}'", param="starting_after", code="resource_missing")
        start = ids.index(after) + 1
    return {"object": "list", "data": rows[start : start + limit], "has_more": len(rows) > start + limit, "url": url}
