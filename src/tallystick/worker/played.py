"""A business that is only played: its clock is set forward, and what falls due on the way is done in its order."""

from collections.abc import Callable
from datetime import datetime, timedelta

from tallystick.app import Tallystick
from tallystick.values.errors import InvalidInput, TallystickError
from tallystick.worker.loop import run_until_idle
from tallystick.worker.schedule import Sweeps

AHEAD_MAX = timedelta(days=400)
STEPS = 120
_STEP_MIN = timedelta(minutes=10)
_ROUNDS_MAX = 100

Told = Callable[[datetime], None]


def play(billing: Tallystick, until: datetime, *, told: Told = lambda _: None) -> int:
    """How many jobs were run. Time passes in up to 120 steps; after each one its webhooks have come, and nothing is due.

    Raises Conflict where the clock is a real one, and InvalidInput for a time before it, or more than 400 days after it.
    """
    ahead = until - billing.advance_clock(timedelta(0))
    if ahead < timedelta(0):
        raise InvalidInput("until: is in the past of the clock, which never goes back", field="until")
    if ahead > AHEAD_MAX:
        raise InvalidInput(f"until: is more than {AHEAD_MAX.days} days ahead; go in parts", field="until")
    step, sweeps, jobs = max(_STEP_MIN, ahead / STEPS), Sweeps(), 0
    while ahead > timedelta(0):
        now = billing.advance_clock(min(step, ahead))
        jobs += _settle(billing, sweeps)
        told(now)
        ahead = until - billing.context.clock.now()
    return jobs


def _settle(billing: Tallystick, sweeps: Sweeps) -> int:
    """Until there is neither news nor work."""
    jobs = 0
    for _ in range(_ROUNDS_MAX):
        sweeps.run_due(billing.context)
        ran = run_until_idle(billing.context)
        jobs += ran
        if _deliver(billing) == ran == 0:
            break
    return jobs


def _deliver(billing: Tallystick) -> int:
    def post(_url: str, headers: dict[str, str], body: bytes) -> int:
        try:
            billing.receive(body, headers)
        except TallystickError:
            return 400
        return 200

    return 0 if billing.sandbox is None else billing.sandbox.webhooks.deliver_due(post)
