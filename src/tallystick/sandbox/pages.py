"""What a customer sees: the bank's 3-D Secure page and the hosted invoice. Plain HTML, without scripts."""

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from tallystick.sandbox.errors import Refusal

if TYPE_CHECKING:
    from tallystick.sandbox.server import Reply, Sandbox


def answer(sandbox: "Sandbox", method: str, path: str, query: str, body: bytes) -> "Reply":
    """The page of that path, or what follows from the form on it."""
    raise NotImplementedError((sandbox, method, path, query, body, escape, parse_qs, Refusal))
