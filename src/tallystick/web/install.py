"""The engine's routes inside another application: an application of its own behind a prefix, so that neither sees the other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from tallystick.app import Tallystick
from tallystick.settings import Settings, read_settings
from tallystick.web.service import engine_app


def install(host: FastAPI, billing: Tallystick, *, prefix: str = "/billing", settings: Settings | None = None) -> FastAPI:
    """Mounts the engine at `prefix`; it starts and stops with the host. The host's own routes and refusals stay as they are.

    Raises ValueError for a prefix that is no path.
    """
    if not prefix.startswith("/") or prefix.endswith("/"):
        raise ValueError('prefix: begins with a slash and does not end with one, such as "/billing"')
    engine = engine_app(billing, settings or read_settings())
    host.mount(prefix, engine, name="tallystick")
    outer = host.router.lifespan_context

    @asynccontextmanager
    async def both(app: FastAPI) -> AsyncIterator[Any]:
        async with outer(app) as state, engine.router.lifespan_context(engine):
            yield state

    host.router.lifespan_context = both
    return engine
