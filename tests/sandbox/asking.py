"""One request to the sandbox's ASGI face, as a browser or a program makes it, without a server."""

import asyncio
from typing import Any
from urllib.parse import urlencode

from tallystick.sandbox import asgi_app

KEY = "Bearer sk_test_sandbox"


def ask(
    world: Any, method: str, path: str, *, root: str = "", key: str = KEY, browsers_only: bool = False, **form: str
) -> tuple[int, dict[str, str], str]:
    """One request to the ASGI face, without a server."""
    sent: list[dict[str, Any]] = []
    path, _, query = path.partition("?")

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": urlencode(form).encode(), "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": root,
        "headers": [(b"authorization", key.encode())],
    }
    asyncio.run(asgi_app(world.sandbox, browsers_only=browsers_only)(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"].decode()
