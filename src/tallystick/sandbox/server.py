"""The sandbox itself: a method, a path and parameters in, a reply out. Does no I/O but through its state."""

import base64
import binascii
import contextlib
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote

import stripe

from tallystick.sandbox import halves, idempotency
from tallystick.sandbox.call import Call
from tallystick.sandbox.errors import Refusal, broken, invalid, unauthenticated
from tallystick.sandbox.expand import render
from tallystick.sandbox.faults import Faults, Lost
from tallystick.sandbox.forms import decode, decode_json
from tallystick.sandbox.objects import TABLES, authentication, due
from tallystick.sandbox.params import read
from tallystick.sandbox.publishable import admitted, browser_form
from tallystick.sandbox.routes import Route, Router
from tallystick.sandbox.state import Doc, MemoryState, State
from tallystick.sandbox.webhooks import Webhooks
from tallystick.values.time import Clock

_ROUTER = Router(TABLES)
_RATE_REASONS = ("global-rate", "endpoint-rate", "global-concurrency", "endpoint-concurrency", "resource-specific")


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    sent: Doc
    headers: dict[str, str]
    request_id: str


class Sandbox:
    """A stand-in of Stripe's API with a state of its own. The same seed and the same calls give the same bytes."""

    def __init__(
        self,
        *,
        clock: Clock,
        state: State | None = None,
        seed: int = 0,
        faults: Faults | None = None,
        public_url: str = "http://localhost:8000",
    ) -> None:
        self.clock, self.seed, self.public_url = clock, seed, public_url.rstrip("/")
        self.state: State = state if state is not None else MemoryState()
        self.faults = faults if faults is not None else Faults(seed)
        self.webhooks = Webhooks(self)
        self._random = random.Random(seed)  # noqa: S311 repeatable on purpose

    def handle(self, method: str, path: str, *, body: bytes = b"", query: str = "", headers: Mapping[str, str]) -> Reply:
        """The reply to one request. Raises Lost where a fault makes the caller get none."""
        found = _ROUTER.find(method, path)
        subjects = (f"{method} {path}", found[0].label) if found else (f"{method} {path}",)
        if self.faults.is_out(self.clock.now()) or self.faults.fires("lost_request", *subjects):
            raise Lost("Connection reset before the request was read")
        given = {name.lower(): value for name, value in headers.items()}
        with self.state.transaction():
            request_id = "req_" + self.call().text(14)
            try:
                sent = {**decode(query), **_decoded(body.decode(errors="replace"), given.get("content-type", ""))}
                request = _Request(method, path, sent, given, request_id)
                reply = self._reply(request, found, subjects)
            except Refusal as refusal:
                reply = _refused(refusal, request_id)
        reply.headers["Date"] = format_datetime(self.clock.now(), usegmt=True)
        if self.faults.fires("timeout_after_success", *subjects):
            raise Lost("Request timed out", is_timeout=True)
        if self.faults.fires("lost_reply", *subjects):
            raise Lost("Connection reset before the reply was read")
        return reply

    def call(self, now: int | None = None, **more: Any) -> Call:
        """A view of the state at the clock's time; use it inside a transaction."""
        wall = int(self.clock.now().timestamp())
        return Call(self.state, self.seed, self.public_url, wall, wall if now is None else now, **more)

    def catch_up(self) -> None:
        """Does what has come due on the clock: invoices that finalise by themselves, refunds that settle or fail."""
        with self.state.transaction():
            due.run(self.call())

    def authenticate(self, intent: str, *, success: bool = True) -> Doc:
        """The customer passes, or fails, 3-D Secure for a payment intent or a setup intent; what it is afterwards."""
        with self.state.transaction():
            call = self.call()
            halves.follow(call)
            return render(call, authentication.authenticated(call, intent, success=success), [])

    def _reply(self, request: _Request, found: tuple[Route, tuple[str, ...]] | None, subjects: tuple[str, ...]) -> Reply:
        key = _api_key(request.headers)
        if found is None:
            raise _unknown_url(request)
        self._refuse_by_fault(request, subjects)
        if request.method != "GET":
            halves.follow(self.call())
        due.run(self.call())
        route, ids = found
        call = self.call(ids=tuple(map(unquote, ids)), is_publishable=key.startswith("pk_"))
        call.request = {"id": request.request_id, "idempotency_key": request.headers.get("idempotency-key")}
        keyed = _keyed(request)
        if keyed and (known := idempotency.recall(self.state, keyed, call.wall)):
            return _replayed(known, request.request_id)
        before = self.state.written()
        try:
            status, text = 200, self._execute(route, call, request, subjects)
        except Refusal as refusal:
            if refusal.status < 402:  # a decline leaves its traces, and a failure what it may have done; a wrong request nothing
                self.state.undo(before)
            if not refusal.stored:
                raise
            status, text = refusal.status, _error_text(refusal, request.request_id, is_publishable=call.is_publishable)
        if keyed:
            idempotency.remember(self.state, keyed, status=status, body=text, request_id=request.request_id, now=call.wall)
        return Reply(status, text.encode(), _headers(request.request_id))

    def _execute(self, route: Route, call: Call, request: _Request, subjects: tuple[str, ...]) -> str:
        call.params = admitted(route, request.sent) if call.is_publishable else read(route.params, request.sent)
        effect = self.faults.fires("stored_500", *subjects) if request.method == "POST" else None
        if effect is None:
            doc = render(call, route.answer(call), call.params.get("expand", []))
            return json.dumps(browser_form(doc) if call.is_publishable else doc)
        before, moved = self.state.written(), halves.moved(call)
        if effect != "none":
            with contextlib.suppress(Refusal):
                route.answer(call)
        if effect == "half":
            left = self.state.undo(before + (self.state.written() - before) // 2)
            if halves.moved(call) != moved:
                halves.keep(call, left)
        raise broken()

    def _refuse_by_fault(self, request: _Request, subjects: tuple[str, ...]) -> None:
        if self.faults.fires("rate_limited", *subjects):
            error = {"type": "invalid_request_error", "code": "rate_limit", "message": "Request rate limit exceeded."}
            raise Refusal(429, error, headers={"Stripe-Rate-Limited-Reason": self._random.choice(_RATE_REASONS)})
        if self.faults.fires("lock_timeout", *subjects):
            message = "This object cannot be accessed right now because another API request is currently accessing it."
            raise Refusal(429, {"type": "invalid_request_error", "code": "lock_timeout", "message": message})
        if self.faults.fires("idempotency_key_in_use", *subjects):
            raise idempotency.in_use(request.headers.get("idempotency-key", ""))


def _decoded(body: str, content_type: str) -> Doc:
    """A form, or the JSON that version 2 of the API takes."""
    return decode_json(body) if content_type.startswith("application/json") else decode(body)


def _api_key(headers: dict[str, str]) -> str:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            value = base64.b64decode(value).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            value = ""
    if not value:
        raise unauthenticated(
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    if not value.startswith(("sk_test_", "rk_test_", "pk_test_")) or len(value) < 9:
        raise unauthenticated(f"Invalid API Key provided: {value[:8]}{'*' * 8}. The sandbox takes test keys only.")
    return value


def _keyed(request: _Request) -> idempotency.Keyed | None:
    key = request.headers.get("idempotency-key")
    return idempotency.Keyed.of(key, request.method, request.path, request.sent) if key and request.method == "POST" else None


def _unknown_url(request: _Request) -> Refusal:
    refusal = invalid(
        f"Unrecognized request URL ({request.method}: {request.path}). The sandbox may not cover it; see its README."
    )
    refusal.status = 404
    return refusal


def _replayed(known: Doc, request_id: str) -> Reply:
    headers = {**_headers(request_id), "Idempotent-Replayed": "true", "Original-Request": known["request_id"]}
    return Reply(known["status"], known["body"].encode(), headers)


def _refused(refusal: Refusal, request_id: str) -> Reply:
    return Reply(refusal.status, _error_text(refusal, request_id).encode(), {**_headers(request_id), **refusal.headers})


def _error_text(refusal: Refusal, request_id: str, *, is_publishable: bool = False) -> str:
    error = {**refusal.error, "request_log_url": f"https://dashboard.stripe.com/test/logs/{request_id}"}
    for name in ("payment_intent", "setup_intent", "payment_method"):
        if is_publishable and isinstance(error.get(name), dict):
            error[name] = browser_form(error[name])
    return json.dumps({"error": error})


def _headers(request_id: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "Request-Id": request_id, "Stripe-Version": stripe.api_version}
