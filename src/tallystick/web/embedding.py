"""The routes for an app's users: whose users they are, who asks, and how a host's application takes these routes in."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tallystick.app import Tallystick
from tallystick.app.metering import shared
from tallystick.domain.accounts import SESSION_PREFIX, Account
from tallystick.domain.api_keys import Principal, Scope
from tallystick.domain.customers import checked_key
from tallystick.settings import Settings, read_settings
from tallystick.values.errors import Forbidden, TallystickError, Unauthorized
from tallystick.values.ids import CustomerId
from tallystick.web import problems, sessions
from tallystick.web.door import Answer, DeclaredRoute, Door, PlainRoute
from tallystick.web.envelope import callers_id
from tallystick.web.security import Policy, Visit, check_same_origin

Asked = Callable[[Request], Any]  # or a coroutine function
# Said whole: a host's document has no schema of ours to refer to.
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "Refused; `code` says why, `field` where.",
        "content": {problems.MEDIA_TYPE: {"schema": problems.Problem.model_json_schema()}},
    }
}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: a customer, and whether they may see everybody's. `account` where they have logged in here, not at the host."""

    customer_id: CustomerId
    is_admin: bool = False
    account: Account | None = None


@dataclass(frozen=True, slots=True)
class Embedding:
    """An engine behind the routes for users. `identify` says whose request it is, `admin` whether they may see everybody's.

    Without `identify`, they are accounts of ours, who have logged in.
    """

    billing: Tallystick
    settings: Settings
    identify: Asked | None = None
    admin: Asked | None = None

    def origins(self, request: Request) -> tuple[str, ...]:
        """Where a page may send its user back to, and from where it may call."""
        if not self.settings.sandbox:
            return self.settings.allowed_origins
        own = urlsplit(str(request.base_url))  # to try it, under whatever name this machine is called
        return (f"{own.scheme}://{own.netloc}", *self.settings.allowed_origins)

    def check_site(self, request: Request) -> None:
        """Raises Forbidden for what a page of another site makes a browser send, with the cookies that it has."""
        if request.method not in _SAFE:
            check_same_origin(request, self.settings.url, allowed=self.settings.allowed_origins)
            sessions.check_no_form(request)

    async def visitor(self, request: Request) -> Visitor:
        """Raises Unauthorized where nobody is known."""
        if self.identify is None:
            self.check_site(request)
            account = await run_in_threadpool(self.billing.logged_in, sessions.token_of(request, self.settings))
            return Visitor(account.customer_id, account.is_admin, account)
        user_id = await answer_of(self.identify, request)
        if user_id is None:
            raise Unauthorized("log in first", code="logged_out")
        is_admin = self.admin is not None and bool(await answer_of(self.admin, request))
        return Visitor(CustomerId(checked_key(str(user_id), field="user_id")), is_admin)


async def admin_of(request: Request) -> Principal | None:
    """The admin who has logged in, and so may do what a key with every scope may; None where nobody has.

    Raises Forbidden for those who are no admins, and for what a page of another site sends.
    """
    embedding = await run_in_threadpool(found, request)
    if embedding.identify is None and not sessions.token_of(request, embedding.settings).startswith(SESSION_PREFIX):
        return None
    try:
        visitor = await embedding.visitor(request)
    except Unauthorized:
        if embedding.identify is None:
            raise
        return None
    embedding.check_site(request)
    if not visitor.is_admin:
        raise Forbidden("this is for admins")
    name = visitor.customer_id if visitor.account is None else visitor.account.email
    return Principal("", name, frozenset({Scope.ADMIN}), account=visitor.customer_id)


async def answer_of(ask: Asked, request: Request) -> Any:
    """What a function of the host's says about a request, be it sync or async."""
    if inspect.iscoroutinefunction(ask) or inspect.iscoroutinefunction(getattr(ask, "__call__", None)):  # noqa: B004
        return await ask(request)
    said = await run_in_threadpool(ask, request)
    return await said if isinstance(said, Awaitable) else said


def embedding_of(request: Request) -> Embedding:
    found = request.scope["tallystick.embedding"]
    assert isinstance(found, Embedding), "its route has put it there"
    return found


def visitor_of(request: Request) -> Visitor:
    visitor = request.scope["tallystick.visitor"]
    assert isinstance(visitor, Visitor), "only routes that need somebody ask for them"
    return visitor


TheEmbedding = Annotated[Embedding, Depends(embedding_of)]
TheVisitor = Annotated[Visitor, Depends(visitor_of)]


class EmbeddedRoute(DeclaredRoute):
    """Answers its own refusals, so that it speaks the same in any host's application; the host's bugs stay the host's."""

    embedding: ClassVar[Embedding | None] = None

    def get_route_handler(self) -> Any:
        admitted_and_asked = super().get_route_handler()

        async def answered(request: Request) -> Response:
            embedding = await run_in_threadpool(found, request) if self.embedding is None else self.embedding
            request.scope["tallystick.embedding"] = embedding
            headers = dict(_HEADERS)
            if "tallystick.request_id" not in request.scope:  # there is no envelope around these routes
                named = callers_id(request.scope) or embedding.billing.context.ids.new("req")
                headers["x-request-id"] = request.scope["tallystick.request_id"] = named
            try:
                response: Response = await admitted_and_asked(request)
            except TallystickError as error:
                response = problems.of_error(request, error)
            except RequestValidationError as error:
                response = problems.of_validation(request, error.errors())
            except HTTPException as error:
                response = problems.of_http(request, error)
            for name, value in headers.items():
                response.headers.setdefault(name, value)
            return response

        return answered

    async def admit(self, request: Request, policy: Policy) -> None:
        assert policy is None or isinstance(policy, Visit), "these routes are for users, not for keys"
        embedding = embedding_of(request)
        if not self.is_signed:
            embedding.check_site(request)
        if policy is None:
            return
        visitor = await embedding.visitor(request)
        if policy is Visit.ADMIN and not visitor.is_admin:
            raise Forbidden("this is for admins")
        request.scope["tallystick.visitor"] = visitor

    @property
    def is_signed(self) -> bool:
        """Whether the request proves by itself who sent it: then no browser was made to."""
        return False


class SignedRoute(EmbeddedRoute, PlainRoute):
    """For bodies with a signature over their bytes."""

    def ask(self) -> Answer:
        return PlainRoute.ask(self)

    @property
    def is_signed(self) -> bool:
        return True


def router(noun: str, embedding: Embedding | None, *, signed: bool = False, lifespan: Any = None) -> APIRouter:
    """Routes for users; of this embedding, or, with None, of the one that their application has."""
    kind = SignedRoute if signed else EmbeddedRoute
    bound = type(kind.__name__, (kind,), {"embedding": embedding})
    return APIRouter(route_class=bound, tags=[noun], responses=_PROBLEMS, lifespan=lifespan)


def found(request: Request) -> Embedding:
    """The embedding of the application: the one it was given, else the one that the settings describe."""
    state = request.app.state
    given: Embedding | None = getattr(state, "tallystick", None)
    if given is not None:
        return given
    door: Door | None = getattr(state, "door", None)
    return default() if door is None else Embedding(door.billing, door.settings)


def default() -> Embedding:
    return Embedding(shared(receives=True), read_settings())
