"""What the routes of one service share, and the kind of route they are made of: admitted first, then read, then asked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from tallystick.app import Tallystick
from tallystick.collectors.uptime import UptimeBilling
from tallystick.domain.api_keys import Principal, Scope
from tallystick.settings import Settings
from tallystick.web import bodies, security
from tallystick.web.group_commit import GroupCommit
from tallystick.web.metrics import Metrics
from tallystick.web.problems import Problem
from tallystick.web.provider_check import ProviderCheck
from tallystick.web.refusals import Refusals
from tallystick.web.tail import Followers

Answer = Callable[[Request], Awaitable[Response]]
Admin = Callable[[Request], Awaitable[Principal | None]]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "Refused; `code` says why, `field` where.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}


@dataclass(frozen=True, slots=True)
class Door:
    """One service: its engine and what serves it. `admin` says which admin a request without a key is from, None: nobody's.

    `uptime` is None where no uptime is billed.
    """

    billing: Tallystick
    settings: Settings
    keys: security.Keys
    intake: GroupCommit
    metrics: Metrics
    check: ProviderCheck
    admin: Admin
    uptime: UptimeBilling | None = None
    refusals: Refusals = field(default_factory=Refusals)
    followers: Followers = field(default_factory=Followers)


class KeyConvertor(Convertor[str]):
    """A key of the host's in a path: it may hold slashes, and lines, so that it is refused by its own rules and not as a path."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("tallystick_key", KeyConvertor())


def door_of(request: Request) -> Door:
    door = request.app.state.door
    assert isinstance(door, Door), "create_app puts it there"
    return door


def principal_of(request: Request) -> Principal:
    principal = request.scope["tallystick.principal"]
    assert isinstance(principal, Principal), "only routes that need a scope ask for it"
    return principal


def billing_of(request: Request) -> Tallystick:
    return door_of(request).billing


TheDoor = Annotated[Door, Depends(door_of)]
Billing = Annotated[Tallystick, Depends(billing_of)]
Caller = Annotated[Principal, Depends(principal_of)]


class DeclaredRoute(APIRoute):
    """Cannot be made without a policy. Nobody's body is read before they are admitted."""

    def get_route_handler(self) -> Any:
        policy = security.policy(self.path, self.dependencies)
        self.openapi_extra = {**(self.openapi_extra or {}), "x-policy": policy.value if policy else "public"}
        ask = self.ask()

        async def answered(request: Request) -> Response:
            await self.admit(request, policy)
            return await ask(request)

        return answered

    async def admit(self, request: Request, policy: security.Policy) -> None:
        """Raises Unauthorized or Forbidden, unless the policy lets this request in."""
        assert not isinstance(policy, security.Visit), "users are admitted by the routes for them"
        if policy is not None:
            door = door_of(request)
            principal = None if security.has_key(request) else await door.admin(request)
            if principal is None:
                principal = await security.admitted(request, door.keys, policy)
            request.scope["tallystick.principal"] = principal

    def ask(self) -> Answer:
        """The route's own function behind FastAPI's reading of parameters; its body is strict JSON."""
        ask: Answer = super().get_route_handler()
        if self.body_field is None:
            return ask

        async def read_and_ask(request: Request) -> Response:
            return await ask(await bodies.checked(request))

        return read_and_ask


class PlainRoute(DeclaredRoute):
    """Its function takes the request and gives the response: for the one hot route, and for bodies that are no JSON."""

    def ask(self) -> Answer:
        ask: Answer = self.endpoint
        return ask


def router(noun: str, *, plain: bool = False) -> APIRouter:
    """The routes of one noun."""
    return APIRouter(route_class=PlainRoute if plain else DeclaredRoute, tags=[noun], responses=PROBLEMS)


__all__ = ["PROBLEMS", "Billing", "Caller", "DeclaredRoute", "Door", "Problem", "Scope", "TheDoor", "door_of", "router"]
