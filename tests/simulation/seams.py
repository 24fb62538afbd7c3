"""The places where the world may strike: seam points of the engine, and the wire to the provider. Nothing else is replaced."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import stripe

from tallystick.sandbox import Faults, InProcessClient, Sandbox
from tallystick.values.errors import Busy
from tests.simulation.weather import INLINE

if TYPE_CHECKING:
    from tests.simulation.world import World

_MONEY = ("/v1/payment_intents", "/v1/invoices", "/v1/invoiceitems", "/v1/refunds", "/v1/subscriptions")


# What would say that the engine itself is wrong, or that somebody must look.
NEVER = frozenset({"job.crashed", "job.buried", "payment.after_void", "delivery.parked", "provider_subscription.refused"})


class Crash(BaseException):
    """The process is gone, in the middle of what it did. Not an Exception: nothing may catch it and go on."""


class SeamFaults:
    """Handed to the engine as its Faults: crashes, waits and refuses where the weather says so, and counts the marks."""

    def __init__(self, world: "World") -> None:
        self._world, self._random = world, world.stream("seams")

    def mark(self, name: str) -> None:
        self._world.marks[name] += 1
        if name in NEVER:
            raise self._world.wrong("never", f"{name} was reached")

    def point(self, name: str) -> None:
        world = self._world
        outside = not name.endswith((":after_begin", ":before_commit")) and not world.database.in_transaction()
        if name.endswith(":after_commit"):
            world.committed(name)
        if world.is_calm or not world.inside:
            return
        world.points += 1
        if outside and self._random.random() < world.weather["pause"]:
            world.happened("pause", name)
            world.pause(self._length())
        if name.endswith(":before_begin") and self._random.random() < world.weather["busy"]:
            world.happened("busy", name)
            raise Busy("the simulated database is locked")
        if self._random.random() < world.weather["crash"]:
            world.happened("crash", name)
            raise Crash(name)

    def _length(self) -> timedelta:
        """Mostly short; now and then longer than the lease of a job."""
        return timedelta(seconds=self._random.choice((1, 5, 30, 120, 400, 900)))


class StripesFaults(Faults):
    """The sandbox's own, but as Stripe can fail: what exists is moved on whole or not at all, and reads need no key.

    Where money moves half is enough, for the rest follows. A subscription is begun with its first invoice, or it is not. And in
    some hours every call is one too many.
    """

    def __init__(self, world: "World") -> None:
        super().__init__(world.weather.seed)
        self._world = world

    def fires(self, name: str, *subjects: str) -> str | None:
        if name == "idempotency_key_in_use" and subjects[0].startswith("GET "):
            return None
        if name == "rate_limited" and self._world.is_limited():
            self.counts[name] += 1
            return "done"
        effect = super().fires(name, *subjects)
        if effect != "half" or not subjects or subjects[0].endswith(("/pay", "/confirm")):
            return effect
        return "done" if subjects[0].count("/") > 2 or subjects[0] == "POST /v1/subscriptions" else effect


class Wire(stripe.HTTPClient):
    """The SDK's way to the sandbox: takes time, and the process may die while it waits."""

    name = "simulated"

    def __init__(self, world: "World", sandbox: Sandbox) -> None:
        super().__init__()
        self._world, self._inner = world, InProcessClient(sandbox)

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, *, _usage: list[str] | None = None
    ) -> tuple[str, int, Mapping[str, str]]:
        world = self._world
        assert not world.database.in_transaction(), "no provider is called inside a transaction"
        path = url.partition("?")[0].removeprefix("https://api.stripe.com")
        world.calls += 1
        world.passes(timedelta(milliseconds=200))
        world.faults.point(f"wire:{path}:before")
        reply = self._inner.request(method, url, headers, post_data)
        world.trace(f"{method} {path} -> {reply[1]}")
        world.provider_answered()
        world.faults.point(f"wire:{path}:after")
        # A refusal leaves no trace that could be found by any other way: once it is calm, it is heard.
        unheard = INLINE in world.weather.closed and not (world.is_calm and reply[1] >= 400)
        if unheard and method.lower() == "post" and path.startswith(_MONEY):
            world.happened("no_inline_answer", path)
            raise stripe.APIConnectionError("the simulated reply never comes", should_retry=True)
        if world.weather["export"] > 1 and not world.is_calm and path.startswith("/v1/billing/meter_event"):
            world.happened("no_usage_answer", path)
            raise stripe.APIConnectionError("the simulated reply never comes", should_retry=True)
        return reply

    def close(self) -> None:
        """Nothing is held open."""
