"""The HTTP door: translates requests into calls of the engine, and what it answers into JSON; knows no rules."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tallystick.web.embedded import auth_router, auth_router_for, billing_router, billing_router_for, init_db
    from tallystick.web.guard import MeteredMiddleware, current_user, metered, require_quota

__all__ = [
    "MeteredMiddleware",
    "auth_router",
    "auth_router_for",
    "billing_router",
    "billing_router_for",
    "current_user",
    "init_db",
    "metered",
    "require_quota",
]

# Where each name for hosts lives; imported when it is first asked for. None of them builds an engine before it is used.
_HOMES = {
    "MeteredMiddleware": "tallystick.web.guard",
    "auth_router": "tallystick.web.embedded",
    "auth_router_for": "tallystick.web.embedded",
    "billing_router": "tallystick.web.embedded",
    "billing_router_for": "tallystick.web.embedded",
    "current_user": "tallystick.web.guard",
    "init_db": "tallystick.web.embedded",
    "metered": "tallystick.web.guard",
    "require_quota": "tallystick.web.guard",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'tallystick.web' has no attribute {name!r}")
    return getattr(import_module(home), name)
