"""Guards for a host's own endpoints: a part of a quota is held before the work, and what was used is counted after it."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fastapi.exceptions import HTTPException
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallystick.app import Tallystick
from tallystick.app.metering import Held, Quantity
from tallystick.domain.customers import checked_key
from tallystick.domain.entitlements import checked_quantity
from tallystick.domain.refusals import refusal
from tallystick.flows.idempotently import KEY_LENGTH_MAX
from tallystick.settings import Settings, read_settings
from tallystick.values.errors import InvalidInput, TallystickError, Unauthorized
from tallystick.values.ids import derived
from tallystick.web import problems
from tallystick.web.embedding import Asked, Embedding, answer_of, found

Guard = Callable[[Request], AsyncIterator[Held]]


class Refused(HTTPException):
    """What a guard answers instead of the endpoint. `answer_refusal` writes it as a problem; else the host's own form is used."""

    def __init__(self, error: TallystickError) -> None:
        super().__init__(problems.status_of(error), error.message, problems.headers_of(error))
        self.error = error


def answer_refusal(request: Request, refused: Exception) -> Response:
    """For `app.add_exception_handler(Refused, answer_refusal)`; `install` has added it."""
    assert isinstance(refused, Refused), "registered for these"
    return problems.of_error(request, refused.error)


async def current_user(request: Request) -> str:
    """A dependency: the id of whoever asks, by the application's `identify`, or by their session. Refused with 401."""
    try:
        return (await (await run_in_threadpool(found, request)).visitor(request)).customer_id
    except TallystickError as error:
        raise Refused(error) from None


def metered(billing: Tallystick | None, meter: str, quantity: Quantity = 1, *, customer: Asked | None = None) -> Guard:
    """A dependency: `dependencies=[Depends(metered(billing, "api_calls"))]`. Holds before the endpoint, counts after it.

    An endpoint that raises, an HTTPException too, has used nothing; one that answers has used `quantity`, or what it sets as
    `actual` on the guard's value. A request that comes again with its `Idempotency-Key` counts once. `customer` is given the
    request; without it, the application's `identify` says whose request it is. Refused with 401, 403, or 429 with the figures.
    `billing` of None: the application's engine, which is the settings' where `install` has given no other.
    """
    checked_quantity(quantity)

    async def guard(request: Request) -> AsyncIterator[Held]:
        held = await _held(request, billing, meter, quantity, customer)
        try:
            yield held
        except BaseException:
            await run_in_threadpool(held.release)
            raise
        await run_in_threadpool(held.finish)

    return guard


def require_quota(
    billing: Tallystick | None, meter: str, quantity: Quantity = 1, *, customer: Asked | None = None
) -> Callable[[Request], Awaitable[None]]:
    """A dependency that only asks: the endpoint is not called where so much may not be used now. Nothing is held or counted."""
    requested = checked_quantity(quantity)

    async def guard(request: Request) -> None:
        try:
            whose = await _customer(request, billing, customer)
            asked = billing or (await run_in_threadpool(found, request)).billing
            decision = await run_in_threadpool(asked.check, whose, meter, requested)
            if not decision.allowed:
                raise refusal(decision, meter, requested, now=asked.context.clock.now())
        except TallystickError as error:
            raise Refused(error) from None

    return guard


class MeteredMiddleware:
    """ASGI middleware: every request that `applies` picks holds `quantity` before, and counts once its answer is complete.

    Streams too: what was used is what `used` says of the scope at the end, or what the endpoint has set as
    `request.scope["tallystick.held"].actual`, or `quantity`. An answer of 500 or more has used nothing; nor has one that
    broke off, unless one of the two has said how much was used by then.
    """

    def __init__(  # noqa: PLR0913 each is said by name
        self, app: ASGIApp, *, billing: Tallystick, meter: str, quantity: Quantity = 1, identify: Asked | None = None,
        used: Callable[[Scope], Quantity | None] | None = None, applies: Callable[[Scope], bool] = lambda _: True,
    ) -> None:  # fmt: skip
        checked_quantity(quantity)
        self._app, self._billing, self._meter, self._quantity = app, billing, meter, quantity
        self._identify, self._used, self._applies = identify, used, applies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._applies(scope):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            held = await _held(request, self._billing, self._meter, self._quantity, self._identify)
        except Refused as refused:
            await answer_refusal(request, refused)(scope, receive, send)
            return
        scope["tallystick.held"] = held
        await self._answered(held, scope, receive, send)

    async def _answered(self, held: Held, scope: Scope, receive: Receive, send: Send) -> None:
        status, complete = 0, False

        async def watched(message: Message) -> None:
            nonlocal status, complete
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)
            complete = complete or (message["type"] == "http.response.body" and not message.get("more_body", False))

        try:
            await self._app(scope, receive, watched)
        finally:
            said = None if self._used is None else self._used(scope)
            held.actual = held.actual if said is None else said
            is_done = complete or held.actual is not None
            await run_in_threadpool(held.finish if 0 < status < 500 and is_done else held.release)


async def _held(request: Request, billing: Tallystick | None, meter: str, quantity: Quantity, customer: Asked | None) -> Held:
    """Raises Refused."""
    try:
        whose = await _customer(request, billing, customer)
        asked = billing or (await run_in_threadpool(found, request)).billing
        return await run_in_threadpool(asked.hold, whose, meter, quantity, op=_operation(request, meter))
    except TallystickError as error:
        raise Refused(error) from None


async def _customer(request: Request, billing: Tallystick | None, customer: Asked | None) -> str:
    if customer is None:
        embedding = await run_in_threadpool(_embedding, request, billing)
        return (await embedding.visitor(request)).customer_id
    said = await answer_of(customer, request)
    if said is None:
        raise Unauthorized("log in first", code="logged_out")
    return checked_key(str(said), field="customer")


def _embedding(request: Request, billing: Tallystick | None) -> Embedding:
    """The application's, which knows its users; else accounts of this engine's."""
    state: Any = getattr(request.scope.get("app"), "state", None)
    if billing is None or hasattr(state, "tallystick") or hasattr(state, "door"):
        return found(request)
    return Embedding(billing, _settings())


@functools.cache
def _settings() -> Settings:
    return read_settings()


def _operation(request: Request, meter: str) -> str | None:
    """One name for a request that comes again with its `Idempotency-Key`; None: each counts."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        raise InvalidInput(f"Idempotency-Key: 1 to {KEY_LENGTH_MAX} printable ASCII characters", field="Idempotency-Key")
    return derived("use", meter, request.method, request.url.path, key)
