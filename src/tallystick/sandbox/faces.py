"""The two ways to reach a sandbox: in process, as an HTTP client of the SDK, and on a port, as an ASGI application."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import stripe

from tallystick.sandbox import pages
from tallystick.sandbox.faults import Lost
from tallystick.sandbox.server import Reply, Sandbox


class InProcessClient(stripe.HTTPClient):
    """Hand it to `StripeClient(http_client=…)`; nothing leaves the process. `before_call` may raise to refuse the call."""

    name = "sandbox"

    def __init__(self, sandbox: Sandbox, before_call: Callable[[], None] | None = None) -> None:
        super().__init__()
        self._sandbox, self._before_call = sandbox, before_call

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, *, _usage: list[str] | None = None
    ) -> tuple[str, int, Mapping[str, str]]:
        if self._before_call is not None:
            self._before_call()
        path, _, query = url[url.index("/", 8) :].partition("?")
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        try:
            reply = self._sandbox.handle(method.upper(), path, body=body, query=query, headers=headers or {})
        except Lost as lost:
            raise stripe.APIConnectionError(str(lost), should_retry=True) from lost  # type: ignore[no-untyped-call]
        return reply.body.decode(), reply.status, _Headers(reply.headers)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        text, status, answered = self.request(method, url, headers, post_data)
        return text.encode(), status, answered

    def close(self) -> None:
        """Nothing is held open."""

    async def close_async(self) -> None:
        """Nothing is held open."""


class _Headers(dict[str, str]):
    """Header names mean the same in any case; the SDK asks for `request-id`."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
_STATIC = Path(__file__).with_name("static")
_BODY_MAX = 1_000_000
_MOUNT = "/sandbox/api"
_BROWSERS_ONLY = b'{"error": {"type": "invalid_request_error", "message": "Only publishable keys are taken here."}}'


def asgi_app(sandbox: Sandbox, *, browsers_only: bool = False) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The API under /v1, /v2 and /sandbox/api; the stand-in of Stripe.js; and the pages that a customer sees.

    `browsers_only` takes publishable keys alone: for a port that others can reach, as the sandbox takes every secret test key.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        body = await _body(receive)
        # In a thread: a state in a file may have to wait for another process.
        reply = await asyncio.to_thread(_answer, sandbox, scope, body, browsers_only)
        # The server says its own date.
        raw = [(name.lower().encode(), value.encode()) for name, value in reply.headers.items() if name != "Date"]
        raw.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        await send({"type": "http.response.body", "body": reply.body})

    return app


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body") or len(body) > _BODY_MAX:
            return body


def _answer(sandbox: Sandbox, scope: Scope, body: bytes, browsers_only: bool) -> Reply:
    # Not scope["path"]: there an escaped slash in an id is already a slash.
    path: str = (scope.get("raw_path") or scope["path"].encode()).decode().partition("?")[0]
    path = path.removeprefix(scope.get("root_path", "").removesuffix("/sandbox")).removeprefix(_MOUNT)
    query, method = scope["query_string"].decode(), scope["method"]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    if path == "/sandbox/js/stripe.js":
        script = _STATIC / "stripe.js"
        return Reply(200, script.read_bytes() if script.exists() else b"", {"Content-Type": "text/javascript; charset=utf-8"})
    if path.startswith("/sandbox/"):
        status, html, given = pages.answer(sandbox, method, path, body)
        return Reply(status, html.encode(), given)
    if browsers_only and not headers.get("authorization", "").startswith("Bearer pk_"):
        return Reply(403, _BROWSERS_ONLY, {"Content-Type": "application/json"})
    try:
        return sandbox.handle(method, path, body=body, query=query, headers=headers)
    except Lost as lost:
        # A connection cannot be cut from here; a gateway that gave up leaves the caller as much in the dark.
        return Reply(504, str(lost).encode(), {"Content-Type": "text/plain; charset=utf-8", "Stripe-Should-Retry": "true"})
