"""The engine's routes inside another application: an application of its own behind a prefix, so that neither sees the other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from tallystick.app import Tallystick
from tallystick.settings import Settings, read_settings
from tallystick.web.embedding import Asked, Embedding
from tallystick.web.guard import Refused, answer_refusal
from tallystick.web.routers.billing import mount_sandbox
from tallystick.web.service import engine_app


def install(
    host: FastAPI, billing: Tallystick, *, prefix: str = "/billing", settings: Settings | None = None,
    identify: Asked | None = None, admin: Asked | None = None,
) -> FastAPI:  # fmt: skip
    """Mounts the engine at `prefix`; it starts and stops with the host. The host's own routes and refusals stay as they are.

    As long as there is no key, the sandbox's pages are under /sandbox.

    `identify` is given a request and says which of the host's users it is from, `admin` whether they may see everybody's bills;
    without them, users are accounts of ours. `billing_router` and the guards, used by the host beside it, ask the same.
    Raises ValueError for a prefix that is no path.
    """
    if not prefix.startswith("/") or prefix.endswith("/"):
        raise ValueError('prefix: begins with a slash and does not end with one, such as "/billing"')
    settings = settings or read_settings()
    engine = engine_app(billing, settings)
    embedding = Embedding(billing, settings, identify, admin)
    engine.state.tallystick = host.state.tallystick = embedding
    host.add_exception_handler(Refused, answer_refusal)
    host.mount(prefix, engine, name="tallystick")
    outer = host.router.lifespan_context

    @asynccontextmanager
    async def both(app: FastAPI) -> AsyncIterator[Any]:
        mount_sandbox(host, embedding)
        async with outer(app) as state, engine.router.lifespan_context(engine):
            yield state

    host.router.lifespan_context = both
    return engine
