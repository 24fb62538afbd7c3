"""Signed deliveries of events to the endpoints that listen: late, twice or out of order, as the world does it."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from tallystick.sandbox.call import Call, public
from tallystick.sandbox.objects.event_destinations import notification
from tallystick.sandbox.state import Doc

if TYPE_CHECKING:
    from tallystick.sandbox.server import Sandbox

Post = Callable[[str, dict[str, str], bytes], int]
SANDBOX_RETRIES = (0, 3600, 3 * 3600)  # seconds after which the first, second and third try are made
_LEASE = 300  # a deliverer that died is taken over from after that long
_QUEUE = "webhooks"


class Webhooks:
    """Walks what is due. `retries` may be set to another schedule."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self.retries: tuple[int, ...] = SANDBOX_RETRIES
        self.delay = 600

    def deliver_due(self, post: Post) -> int:
        """Posts every delivery that is due, each once, and says how many posts were made. Anything but 2xx is tried again."""
        sandbox = self._sandbox
        sandbox.catch_up()
        if sandbox.faults.is_out(sandbox.clock.now()):
            return 0
        due = self._claim()
        if any(sandbox.faults.fires("webhook_reorder", event["type"]) for _, event, _ in due):
            due.reverse() if len(due) == 2 else sandbox.faults.shuffle(due)
        return sum(self._deliver(post, *one) for one in due)

    def _claim(self) -> list[tuple[Doc, Doc, Doc]]:
        claimed, sandbox = [], self._sandbox
        with sandbox.state.transaction():
            call = sandbox.call()
            while (taken := call.state.take(_QUEUE, call.wall)) is not None:
                delivery = call.state.get("delivery", taken[1]["delivery"])
                # A lease that was not taken over has a number that is no longer the delivery's.
                if delivery is None or taken[1]["attempt"] != delivery["attempts"]:
                    continue
                of_event, of_endpoint = _of(delivery)
                event, endpoint = call.state.get(of_event, delivery["event"]), call.state.get(of_endpoint, delivery["endpoint"])
                if event is None or endpoint is None or endpoint["status"] != "enabled":
                    continue
                if self._postponed(call, delivery, event["type"]):
                    continue
                call.state.schedule(_QUEUE, call.wall + _LEASE, {"delivery": delivery["id"], "attempt": delivery["attempts"]})
                claimed.append((delivery, event, endpoint))
        return claimed

    def _postponed(self, call: Call, delivery: Doc, event: str) -> bool:
        faults = self._sandbox.faults
        if faults.fires("webhook_drop", event):
            call.state.delete("delivery", delivery["id"])
            return True
        if faults.fires("webhook_delay", event):
            call.state.schedule(_QUEUE, call.wall + self.delay, {"delivery": delivery["id"], "attempt": delivery["attempts"]})
            return True
        return False

    def _deliver(self, post: Post, delivery: Doc, event: Doc, endpoint: Doc) -> int:
        times = 2 if self._sandbox.faults.fires("webhook_duplicate", event["type"]) else 1
        thin = event["object"] != "event"
        body = json.dumps(notification(public(event)) if thin else public(event)).encode()
        status = 0
        for _ in range(times):
            at = int(self._sandbox.clock.now().timestamp())
            headers = {
                "Content-Type": "application/json; charset=utf-8",
                "Stripe-Signature": signature(body, endpoint["_secret"], at),
            }
            status = _posted(post, endpoint["_url"] if thin else endpoint["url"], headers, body)
        self._note(delivery["id"], 200 <= status < 300)
        return times

    def _note(self, identifier: str, is_delivered: bool) -> None:
        with self._sandbox.state.transaction():
            call = self._sandbox.call()
            delivery = call.state.get("delivery", identifier)
            if delivery is None:
                return
            attempts = delivery["attempts"] + 1
            event = call.state.get(_of(delivery)[0], delivery["event"])
            if is_delivered and event is not None and "pending_webhooks" in event:
                call.update(event, pending_webhooks=event["pending_webhooks"] - 1)
            if is_delivered or attempts >= len(self.retries):
                call.state.delete("delivery", identifier)
            else:
                call.state.put("delivery", identifier, {**delivery, "attempts": attempts})
                call.state.schedule(_QUEUE, call.wall + self.retries[attempts], {"delivery": identifier, "attempt": attempts})


def _of(delivery: Doc) -> tuple[str, str]:
    """The kinds of the event and of where it goes: those of version 1 in a file that an earlier sandbox has written."""
    event, endpoint = delivery.get("of", ("event", "webhook_endpoint"))
    return event, endpoint


def signature(body: bytes, secret: str, at: int) -> str:
    """The header by which a receiver knows that it is us."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _posted(post: Post, url: str, headers: dict[str, str], body: bytes) -> int:
    """A receiver that cannot be reached has not received."""
    try:
        return post(url, headers, body)
    except OSError:
        return 0
