"""Do something, see what comes of it, and take it all back: by the very steps that would do it in earnest."""

from collections.abc import Callable
from typing import TypeVar

from tallystick.flows.context import Context

Result = TypeVar("Result")


def rehearse(ctx: Context, act: Callable[[], Result]) -> Result:
    """What `act` returns, with nothing of it kept. What would be asked of others is a job, and is taken back with the rest.

    It may write to this database and nothing else.
    """
    with ctx.database.rehearsal("rehearse"):
        return act()
