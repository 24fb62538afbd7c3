"""One request, or one due task: the state it works on, the time it is, and the events that it writes in the same step."""

import hashlib
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import stripe

from tallystick.sandbox.errors import missing
from tallystick.sandbox.kinds import KINDS
from tallystick.sandbox.skeletons import skeleton
from tallystick.sandbox.state import Doc, State

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
EVENTS_KEPT_SECONDS = 30 * 86400
_NO_REQUEST: Doc = {"id": None, "idempotency_key": None}


@dataclass(slots=True)
class Call:
    """`now` is the object's time, which a test clock may hold; `wall` is ours, by which webhooks are sent."""

    state: State
    seed: int
    public_url: str
    wall: int
    now: int
    params: Doc = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    request: Doc = field(default_factory=lambda: _NO_REQUEST)
    is_publishable: bool = False

    def text(self, length: int) -> str:
        """Base62 that the seed and the state's counter determine."""
        return _base62(f"{self.seed}:{self.state.number()}", length)

    def at(self, clock: str | None) -> "Call":
        """The same call, at the time of that test clock."""
        if clock is None:
            return self if self.now == self.wall else replace(self, now=self.wall)
        held = self.state.get("test_helpers.test_clock", clock)
        return self if held is None else replace(self, now=held["frozen_time"])

    def get(self, kind: str, identifier: str, *, param: str = "id") -> Doc:
        """The document. Raises resource_missing for none, and for a deleted one."""
        doc = self.state.get(kind, identifier)
        if doc is None or doc.get("deleted"):
            raise missing(kind, identifier, param=param, status=404 if identifier in self.ids else 400)
        return doc

    def list(self, kind: str, by: tuple[str, Any] | None = None) -> list[Doc]:
        """All of them, oldest first."""
        return list(self.state.scan(kind, by, ascending=True))

    def new(self, kind: str, **values: Any) -> Doc:
        """A document with an id, not yet saved."""
        number = self.state.number()
        doc = skeleton(kind)
        doc["id"] = KINDS[kind].prefix + _base62(f"{self.seed}:{number}", 24)
        if "created" in doc:
            doc["created"] = self.now
        doc.update(values)
        doc["_n"] = number
        return doc

    def save(self, doc: Doc, event: str | None = None) -> Doc:
        self.state.put(doc["object"], doc["id"], doc)
        if event:
            self.emit(event, doc)
        return doc

    def create(self, kind: str, event: str | None = None, **values: Any) -> Doc:
        return self.save(self.new(kind, **values), event)

    def update(self, doc: Doc, event: str | None = None, **changes: Any) -> Doc:
        """The document with the changes; its event tells what was there before. Nothing happens where nothing changes."""
        before = _previous(doc, changes)
        if not before and all(doc.get(name) == value for name, value in changes.items()):
            return doc
        doc = {**doc, **changes}
        self.state.put(doc["object"], doc["id"], doc)
        if event:
            self.emit(event, doc, before if event.endswith(".updated") else None)
        return doc

    def bury(self, doc: Doc, event: str | None) -> Doc:
        """Leaves a tombstone, which can be retrieved but is in no list."""
        tombstone = {"id": doc["id"], "object": doc["object"], "deleted": True, "_n": doc["_n"]}
        self.state.put(doc["object"], doc["id"], tombstone)
        if event:
            self.emit(event, doc)
        return tombstone

    def remove(self, doc: Doc, event: str | None = None) -> Doc:
        """Takes it away for good, and answers as Stripe does."""
        self.state.delete(doc["object"], doc["id"])
        if event:
            self.emit(event, doc)
        return {"id": doc["id"], "object": doc["object"], "deleted": True}

    def emit(self, event: str, subject: Doc, previous: Doc | None = None) -> None:
        """Writes the event, and one delivery for each endpoint that listens to it."""
        data: Doc = {"object": public(subject)}
        if previous is not None:
            data["previous_attributes"] = previous
        self._forget_old_events()
        listening = [e for e in self.state.scan("webhook_endpoint") if e["status"] == "enabled" and listens(e, event)]
        doc = self.create(
            "event",
            type=event,
            api_version=stripe.api_version,
            data=data,
            request=self.request,
            pending_webhooks=len(listening),
            _at=self.wall,
        )
        for endpoint in listening:
            self.deliver(doc, endpoint)

    def deliver(self, event: Doc, endpoint: Doc) -> None:
        """Writes down that the event is to be sent there, from now on."""
        number = self.state.number()
        delivery = {
            "_n": number,
            "id": str(number),
            "of": [event["object"], endpoint["object"]],
            "event": event["id"],
            "endpoint": endpoint["id"],
            "attempts": 0,
        }
        self.state.put("delivery", delivery["id"], delivery)
        self.state.schedule("webhooks", self.wall, {"delivery": delivery["id"], "attempt": 0})

    def _forget_old_events(self) -> None:
        """Two for each new one, so that no call pays for all."""
        oldest = islice(self.state.scan("event", ascending=True), 2)
        for event in [event for event in oldest if event["_at"] <= self.wall - EVENTS_KEPT_SECONDS]:
            self.state.delete("event", event["id"])


def public(doc: Doc) -> Doc:
    """What a caller may see."""
    return {name: value for name, value in doc.items() if name[0] != "_"}


def merged(old: Doc | None, change: Doc | str) -> Doc:
    """Metadata after an update: an empty value takes its key away, an empty whole takes all."""
    if not isinstance(change, dict):
        return {}
    return {name: value for name, value in {**(old or {}), **change}.items() if value != ""}


def unset(value: Any) -> Any:
    """Stripe's empty text, which clears a field."""
    return None if value == "" else value


def listens(endpoint: Doc, event: str) -> bool:
    """Whether events of this type are sent there."""
    return "*" in endpoint["enabled_events"] or event in endpoint["enabled_events"]


def _previous(doc: Doc, changes: Doc) -> Doc:
    before: Doc = {}
    for name, value in changes.items():
        old = doc.get(name)
        if old == value or name[0] == "_":
            continue
        if isinstance(old, dict) and isinstance(value, dict):
            before[name] = {part: old.get(part) for part in {**old, **value} if old.get(part) != value.get(part)}
        else:
            before[name] = old
    return before


def _base62(source: str, length: int) -> str:
    whole = int.from_bytes(hashlib.blake2b(source.encode(), digest_size=48).digest(), "big")
    digits = []
    for _ in range(length):
        whole, digit = divmod(whole, 62)
        digits.append(_BASE62[digit])
    return "".join(digits)
