"""What is around every answer: its request id, the security headers, how long it took, and the last resort."""

import itertools
import re
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallystick.values.ids import Ids
from tallystick.values.time import Clock
from tallystick.web import problems
from tallystick.web.metrics import Metrics

_REQUEST_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OFF = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), usb=()"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS = {
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": f"{_OFF}, payment=()",
    "content-security-policy": CSP,
    "cache-control": "no-store",
}
PAYMENT_ALLOWED = f'{_OFF}, payment=(self "https://js.stripe.com")'
_RAW = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


class Envelope:
    """Middleware. What a route has said itself in a header stands; every other header is added."""

    def __init__(self, app: ASGIApp, *, ids: Ids, clock: Clock, metrics: Metrics) -> None:
        self._app, self._clock, self._metrics = app, clock, metrics
        # One draw for all: each would let go of the interpreter, and get it back when the thread that records is done with it.
        self._service, self._number = ids.new("req"), itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = callers_id(scope) or f"{self._service}-{next(self._number)}"
        scope["tallystick.request_id"] = given
        started_at, status = self._clock.monotonic(), 0

        async def send_sealed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _sealed(message.get("headers", []), given)
            await send(message)

        try:
            await self._app(scope, receive, send_sealed)
        except Exception as error:  # the last resort: whatever it was, the one who asked gets an answer
            if status:
                raise
            await problems.of_surprise(Request(scope), error)(scope, receive, send_sealed)
        finally:
            self._metrics.answered(scope["method"], route_of(scope), status, self._clock.monotonic() - started_at)


def route_of(scope: Scope) -> str:
    """The template of the route that answered, so that ids do not become labels."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", "") or "unmatched")


def callers_id(scope: Scope) -> str | None:
    """The caller's own id of the request, if it can stand in a log."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return value.decode("ascii") if _REQUEST_ID.fullmatch(value) else None
    return None


def _sealed(headers: Any, given: str) -> list[tuple[bytes, bytes]]:
    said = {name.lower() for name, _ in headers}
    return [*headers, *(pair for pair in _RAW if pair[0] not in said), (b"x-request-id", given.encode())]
