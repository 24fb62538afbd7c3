"""The clock: what time it is for the engine; and, in a business that is only played, what time it is to be."""

from pydantic import BaseModel, Field

from tallystick.values.time import MovableClock, instant, rfc3339
from tallystick.web.door import Billing, Scope, router
from tallystick.web.schemas import Sent
from tallystick.web.security import needs
from tallystick.worker.played import play

routes = router("clock")


class ClockShown(BaseModel):
    now: str
    simulated: bool = Field(description="Whether it can be set forward: only with the sandbox.")


class ClockBody(Sent):
    until: str = Field(description="RFC 3339; up to 400 days ahead.")


@routes.get("/v1/clock", dependencies=[needs(Scope.BILLING_READ)], summary="What time it is")
def get_clock(billing: Billing) -> ClockShown:
    clock = billing.context.clock
    return ClockShown(now=rfc3339(clock.now()), simulated=isinstance(clock, MovableClock))


@routes.post("/v1/clock/advance", dependencies=[needs(Scope.ADMIN)], summary="Set the simulated clock forward")
def advance_clock(billing: Billing, body: ClockBody) -> ClockShown:
    """Everything that falls due on the way is done, in its order, before the answer. A real clock: 409. No key is kept."""
    play(billing, instant(body.until, field="until"))
    return get_clock(billing)
