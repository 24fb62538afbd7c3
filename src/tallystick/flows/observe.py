"""Keep what was observed of the business itself, where it happened outside of a flow: in the worker, or at a door."""

from datetime import timedelta

from tallystick import storage
from tallystick.domain.operations import NOTED_FROM, Vital
from tallystick.flows.context import Context


def observe_sync(ctx: Context, run: str, *, good: bool) -> None:
    """Whether one run of an export of usage came to its end."""
    with ctx.database.transaction("observe sync") as conn:
        storage.operations.observe(conn, Vital.USAGE_SYNC, run, good=good, at=ctx.clock.now())


def observe_answer(ctx: Context, took: timedelta) -> None:
    """How long the provider waited for our answer to a webhook; what took less than a second needs no row."""
    if took < NOTED_FROM:
        return
    good = took <= timedelta(seconds=int(ctx.outgoing.vitals.limits[Vital.WEBHOOKS]))
    with ctx.database.transaction("observe answer") as conn:
        storage.operations.observe(conn, Vital.WEBHOOKS, ctx.ids.new("ans"), good=good, at=ctx.clock.now(), took=took)
