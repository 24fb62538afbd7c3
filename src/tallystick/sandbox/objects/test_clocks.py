"""Test clocks: time that a caller moves, for the customers that are bound to it."""

from tallystick.sandbox.call import Call, unset
from tallystick.sandbox.errors import conflict, invalid
from tallystick.sandbox.objects import cycles, due, payment_methods, subscription_records
from tallystick.sandbox.routes import Routes
from tallystick.sandbox.state import Doc

routes = Routes()
_KIND, _URL = "test_helpers.test_clock", "/v1/test_helpers/test_clocks"
_KEPT_SECONDS = 30 * 86400
_STEP_MAX = 2 * 366 * 86400


@routes.add("POST", _URL, "test_helpers.TestClockCreateParams")
def create(call: Call) -> Doc:
    return call.create(
        _KIND, "test_helpers.test_clock.created", frozen_time=call.params["frozen_time"], name=unset(call.params.get("name")),
        deletes_after=call.wall + _KEPT_SECONDS, status="ready", status_details={},
    )  # fmt: skip


@routes.add("POST", _URL + "/{id}/advance", "test_helpers.TestClockAdvanceParams")
def advance(call: Call) -> Doc:
    """Answers `advancing`; the time has moved and all that was due is done by the next call."""
    clock, target = call.get(_KIND, call.ids[0]), call.params["frozen_time"]
    if clock["status"] != "ready":
        raise conflict("Test clock advancement underway - cannot perform modifications.", code="test_clock_advancing")
    if target <= clock["frozen_time"]:
        raise invalid("The frozen_time must be later than the current frozen_time of the test clock.", param="frozen_time")
    if target - clock["frozen_time"] > _step_max(call, clock):
        message = "Test clocks can be advanced by at most two intervals of the shortest subscription, or two years, at a time."
        raise invalid(message, param="frozen_time")
    due.schedule(call, None, call.wall, "advance_clock", test_clock=clock["id"], until=target)
    details = {"advancing": {"target_frozen_time": target}}
    return call.update(clock, "test_helpers.test_clock.advancing", status="advancing", status_details=details)


@routes.add("DELETE", _URL + "/{id}", "test_helpers.TestClockDeleteParams")
def delete(call: Call) -> Doc:
    """Its customers go with it."""
    clock = call.get(_KIND, call.ids[0])
    for customer in call.list("customer", ("test_clock", clock["id"])):
        subscription_records.end_all(call.at(clock["id"]), customer)
        for method in call.list("payment_method", ("customer", customer["id"])):
            payment_methods.release(call, method)
        call.bury(customer, "customer.deleted")
    return call.remove(clock, "test_helpers.test_clock.deleted")


routes.readable(_KIND, _URL, "test_helpers.TestClock")


def _step_max(call: Call, clock: Doc) -> int:
    live = [
        doc for doc in call.list("subscription", ("test_clock", clock["id"])) if doc["status"] not in subscription_records.ENDED
    ]
    lengths = [cycles.longest(item["price"]["recurring"]) for doc in live for item in doc["items"]["data"]]
    return min([_STEP_MAX, *(2 * length for length in lengths)])


@due.task("advance_clock")
def _advance(call: Call, facts: Doc) -> None:
    clock = call.state.get(_KIND, facts["test_clock"])
    if clock is None:
        return
    while (taken := call.state.take(clock["id"], facts["until"])) is not None:
        at, task = taken
        clock = call.update(clock, frozen_time=max(at, clock["frozen_time"]))
        due.perform(call.at(clock["id"]), task)
    call.update(clock, "test_helpers.test_clock.ready", frozen_time=facts["until"], status="ready", status_details={})
