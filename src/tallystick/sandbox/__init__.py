"""The world outside, for nothing and offline: a stateful stand-in of Stripe's own API."""

from tallystick.sandbox.faces import InProcessClient, asgi_app
from tallystick.sandbox.faults import Faults
from tallystick.sandbox.server import Reply, Sandbox
from tallystick.sandbox.state import FileState, MemoryState, State

__all__ = ["Faults", "FileState", "InProcessClient", "MemoryState", "Reply", "Sandbox", "State", "asgi_app"]
