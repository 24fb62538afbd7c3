"""Meter events: taken at once, looked at a little later; and their cancellation within a day."""

import re
from decimal import Decimal

from tallystick.sandbox.call import Call
from tallystick.sandbox.errors import invalid
from tallystick.sandbox.objects import due, event_destinations, meters
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
PAST_MAX = 35 * 86400
AHEAD_MAX = 5 * 60
KNOWN_FOR = 24 * 3600  # Stripe says "at least 24 hours"; here it is not a second more
_REPORTED_AFTER = 300
_SAMPLES_MAX = 5
_DIGITS_MAX = 15
_LENGTH_MAX = 100
_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII)


@routes.add("POST", "/v1/billing/meter_events", "billing.MeterEventCreateParams")
def create(call: Call) -> Doc:
    """Whether it can be counted at all is told later, by an event of version 2; so it is at Stripe."""
    params = call.params
    identifier = params.get("identifier") or call.text(24)
    for name, text in (("event_name", params["event_name"]), ("identifier", identifier)):
        if not 1 <= len(text) <= _LENGTH_MAX:
            raise invalid(f"{name} must be 1 to {_LENGTH_MAX} characters long.", param=name)
    at = _timestamp(call, params.get("timestamp", call.now))
    known = _newest(call, identifier)
    if known is not None and call.now - known["received"] < KNOWN_FOR:
        raise invalid(f"An event already exists with identifier {identifier}.")
    number = call.state.number()
    meter, customer, value, code = _understood(call, params)
    event = {
        "_n": number, "id": str(number), "identifier": identifier, "event_name": params["event_name"], "received": call.now,
        "timestamp": at, "value": value, "cancelled": bool(code),
        "_slot": "" if meter is None else meters.slot(meter["id"], customer),
    }  # fmt: skip
    call.state.put("meter_event", event["id"], event)  # one write: known by its identifier, and counted, or neither
    if code:
        _note_error(call, meter, code, identifier)
    return {
        "object": "billing.meter_event", "created": call.now, "event_name": params["event_name"], "identifier": identifier,
        "livemode": False, "payload": params["payload"], "timestamp": at,
    }  # fmt: skip


@routes.add("POST", "/v1/billing/meter_event_adjustments", "billing.MeterEventAdjustmentCreateParams")
def adjust(call: Call) -> Doc:
    name, identifier = call.params["event_name"], call.params.get("cancel", {}).get("identifier")
    if not identifier:
        raise invalid("Missing required param: cancel[identifier].", param="cancel[identifier]", code="parameter_missing")
    event = _newest(call, identifier)
    if event is None or event["event_name"] != name:
        message = f"No such meter event: '{identifier}'"
        raise invalid(message, param="cancel[identifier]", code="resource_missing")
    if call.now - event["received"] >= KNOWN_FOR:
        raise invalid("Meter events can only be cancelled within 24 hours of being received.", param="cancel[identifier]")
    if event["cancelled"]:
        raise invalid(f"The meter event {identifier} has already been cancelled.", param="cancel[identifier]")
    call.state.put("meter_event", event["id"], {**event, "cancelled": True})
    return {
        "object": "billing.meter_event_adjustment", "livemode": False, "event_name": name, "status": "pending", "type": "cancel",
        "cancel": {"identifier": identifier},
    }  # fmt: skip


def _newest(call: Call, identifier: str) -> Doc | None:
    return next(call.state.scan("meter_event", ("identifier", identifier)), None)


def _timestamp(call: Call, at: int) -> int:
    if at < call.now - PAST_MAX:
        message = (
            "The event timestamp cannot be more than 35 days in past. Expected a timestamp greater than or equal to "
            f"{call.now - PAST_MAX}."
        )
        raise invalid(message, param="timestamp", code="timestamp_too_far_in_past")
    if at > call.now + AHEAD_MAX:
        message = "The event timestamp cannot be more than 5 minutes in the future."
        raise invalid(message, param="timestamp", code="timestamp_in_future")
    return at


def _understood(call: Call, params: Doc) -> tuple[Doc | None, str, str | None, str | None]:
    """The meter, the customer, the value, and the code of what is wrong with them; None where all is well."""
    meter, payload = meters.of_event(call, params["event_name"]), params["payload"]
    if meter is None:
        return None, "", None, "no_meter"
    named = payload.get(meter["customer_mapping"]["event_payload_key"]) or ""
    customer = call.state.get("customer", named)
    value = payload.get(meter["value_settings"]["event_payload_key"])
    code = _wrong(meter, named, customer, value)
    return meter, named, value, code


def _wrong(meter: Doc, named: str, customer: Doc | None, value: str | None) -> str | None:
    if meter["status"] != "active":
        return "archived_meter"
    if not named:
        return "meter_event_no_customer_defined"
    if customer is None or customer.get("deleted"):
        return "meter_event_customer_not_found"
    if meter["default_aggregation"]["formula"] == "count":
        return None
    if value is None:
        return "meter_event_value_not_found"
    if not _NUMBER.fullmatch(value):
        return "meter_event_invalid_value"
    return "meter_event_value_too_many_digits" if len(Decimal(value).as_tuple().digits) > _DIGITS_MAX else None


def _note_error(call: Call, meter: Doc | None, code: str, identifier: str) -> None:
    """Kept until the next report, which tells of all that there were since the last one."""
    of = "" if meter is None else meter["id"]
    if next(call.state.scan("meter_error", ("meter", of)), None) is None:
        due.schedule(call, None, call.wall + _REPORTED_AFTER, "report_meter_errors", meter=of, since=call.wall)
    number = call.state.number()
    # What a report names is the key of the request, not the identifier of the event.
    key = call.request["idempotency_key"] or identifier
    call.state.put("meter_error", str(number), {"_n": number, "id": str(number), "meter": of, "code": code, "key": key})


@due.task("report_meter_errors")
def _report(call: Call, facts: Doc) -> None:
    found = call.list("meter_error", ("meter", facts["meter"]))
    for error in found:
        call.state.delete("meter_error", error["id"])
    if not found:
        return
    codes = sorted({error["code"] for error in found})
    types = [_error_type(code, [error for error in found if error["code"] == code]) for code in codes]
    data = {
        "developer_message_summary": f"There were {len(found)} errors in processing meter events.",
        "reason": {"error_count": len(found), "error_types": types},
        "validation_start": event_destinations.rfc3339(facts["since"]),
        "validation_end": event_destinations.rfc3339(call.now),
    }
    related = {"id": facts["meter"], "type": "billing.meter", "url": f"/v1/billing/meters/{facts['meter']}"}
    if facts["meter"]:
        event_destinations.emit(call, "v1.billing.meter.error_report_triggered", data, related)
    else:
        event_destinations.emit(call, "v1.billing.meter.no_meter_found", data)


def _error_type(code: str, errors: list[Doc]) -> Doc:
    """How many there were, and the first few of them by name."""
    samples = [
        {"error_message": f"Meter event: {code}", "request": {"identifier": error["key"]}} for error in errors[:_SAMPLES_MAX]
    ]
    return {"code": code, "error_count": len(errors), "sample_errors": samples}
