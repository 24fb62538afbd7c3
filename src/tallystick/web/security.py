"""Who may do what: each route declares one policy, and this is the one place where it is asked."""

import hashlib
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from fastapi import Depends, Security, params
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from tallystick.app import Tallystick
from tallystick.domain.api_keys import Principal, Scope
from tallystick.values.errors import Forbidden, Unauthorized, WrongConfiguration

KNOWN_FOR_S = 1.0  # so long a key revoked by another process may still be taken (SECURITY.md)
_KNOWN_MAX = 1_000
_TOKEN_LENGTH_MAX = 200

BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="ApiKey",
    bearerFormat="mk_<mode>_…",
    description="An API key: `Authorization: Bearer mk_…`. `tallystick api-keys create` makes one.",
)
SESSION = HTTPBearer(
    auto_error=False,
    scheme_name="Session",
    bearerFormat="tss_…",
    description="Somebody who has logged in: the cookie, or its token as `Authorization: Bearer tss_…`; else as the host says.",
)


class Visit(StrEnum):
    """Who may come to the routes for an app's users."""

    SIGNED_IN = "signed_in"
    ADMIN = "signed_in_admin"


Policy = Scope | Visit | None  # None: everybody


def _anybody() -> None:
    """The policy of a public route."""


def needs(scope: Scope) -> Any:
    """The policy of a route for holders of a key with this scope."""
    return Security(BEARER, scopes=[scope.value])


PUBLIC: Any = Depends(_anybody)
SIGNED_IN: Any = Security(SESSION, scopes=[Visit.SIGNED_IN.value])
SIGNED_IN_ADMIN: Any = Security(SESSION, scopes=[Visit.ADMIN.value])


def policy(path: str, dependencies: Sequence[params.Depends]) -> Policy:
    """The one policy that is declared for the route; None where it is public. Raises WrongConfiguration where nothing is said."""
    for dependency in dependencies:
        if dependency.dependency is _anybody:
            return None
        if isinstance(dependency, params.Security) and dependency.dependency is BEARER:
            return Scope((dependency.scopes or ["none"])[0])
        if isinstance(dependency, params.Security) and dependency.dependency is SESSION:
            return Visit((dependency.scopes or ["none"])[0])
    raise WrongConfiguration(f"{path}: this route declares no policy; say which scope it needs, or that it is public")


@dataclass(slots=True)
class Keys:
    """The keys that were seen a moment ago, by the hash of their token: a revoked one is forgotten at once."""

    billing: Tallystick
    _known: dict[bytes, tuple[Principal, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def known(self, token: str) -> Principal | None:
        """Whose token it is, where that was asked within the last second."""
        found = self._known.get(_digest(token))
        if found is None or found[1] <= self.billing.context.clock.monotonic():
            return None
        return found[0]

    def look_up(self, token: str) -> Principal:
        """Whose token it is, by the database. Raises Unauthorized."""
        until = self.billing.context.clock.monotonic() + KNOWN_FOR_S
        principal = self.billing.authenticate(token)
        with self._lock:
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            self._known[_digest(token)] = (principal, until)
        return principal

    def forget(self, key_id: str) -> None:
        """From now on the key is asked for again."""
        with self._lock:
            for digest in [digest for digest, (principal, _) in self._known.items() if principal.key_id == key_id]:
                del self._known[digest]


def has_key(request: Request) -> bool:
    """Whether a key was sent, be it a good one or not: then nobody asks who has logged in."""
    return request.headers.get("authorization", "").lower().startswith("bearer mk_")


async def admitted(request: Request, keys: Keys, scope: Scope) -> Principal:
    """The holder of the key in the request. Raises Unauthorized without a valid one, Forbidden where it lacks the scope."""
    token = _bearer(request)
    principal = keys.known(token)
    if principal is None:
        principal = await run_in_threadpool(keys.look_up, token)
    if not principal.may(scope):
        raise Forbidden(f"this key lacks the scope {scope.value}; create one that has it")
    return principal


def check_same_origin(request: Request, own: str, *, allowed: Collection[str] = ()) -> None:
    """Raises Forbidden where a page of another site than the `allowed` ones makes this request.

    A program that is no browser sends neither header.
    """
    if request.headers.get("origin") in allowed:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise Forbidden("this request comes from another site", code="cross_site")
        return
    origin = request.headers.get("origin")
    if origin is not None and origin != own and _host_of(origin) != request.headers.get("host", ""):
        raise Forbidden("this request comes from another site", code="cross_site")


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("authorization: send an API key as `Authorization: Bearer mk_…`", field="authorization")
    if len(token) > _TOKEN_LENGTH_MAX:
        raise Unauthorized("authorization: this is not an API key of this service", field="authorization")
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
