"""The service: every route, what is around them, and the threads beside them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.staticfiles import StaticFiles

from tallystick.app import Tallystick
from tallystick.collectors.uptime import Tariff, UptimeBilling
from tallystick.settings import Settings
from tallystick.values.errors import WrongConfiguration
from tallystick.web import background, dashboards, problems
from tallystick.web.door import DeclaredRoute, Door
from tallystick.web.embedding import admin_of
from tallystick.web.envelope import Envelope
from tallystick.web.group_commit import GroupCommit
from tallystick.web.metrics import Metrics
from tallystick.web.problems import Problem
from tallystick.web.provider_check import ProviderCheck
from tallystick.web.reference import reference_page
from tallystick.web.routers import (
    accounts,
    alerts,
    api_keys,
    audit,
    charges,
    clock,
    coupons,
    credit_notes,
    credits,
    customers,
    documents,
    dunning,
    endpoints,
    event_feed,
    events,
    health,
    invoices,
    jobs,
    messages,
    meters,
    payment_methods,
    plans,
    provider_events,
    provider_subscriptions,
    quotas,
    quotes,
    reconciliations,
    reports,
    subscriptions,
    uptime,
    usage,
    usage_exports,
    webhooks,
)
from tallystick.web.routers import billing as users
from tallystick.web.security import Keys

STATIC = Path(__file__).with_name("static")
_ABOUT = """Usage metering and invoices, with Stripe or its offline sandbox behind them.

Amounts are whole minor units with their `currency` beside them; quantities and rates are decimal strings; times are RFC 3339.
Every refusal is `application/problem+json` with a stable `code`."""
_NOUNS = (
    event_feed,
    events,
    usage,
    usage_exports,
    coupons,
    credits,
    plans,
    subscriptions,
    provider_subscriptions,
    payment_methods,
    customers,
    meters,
    charges,
    quotas,
    invoices,
    credit_notes,
    documents,
    dunning,
    quotes,
    alerts,
    endpoints,
    messages,
    provider_events,
    reconciliations,
    api_keys,
    audit,
    clock,
    reports,
    jobs,
    webhooks,
    health,
)
_ROUTES = (events.hot, *(noun.routes for noun in _NOUNS))


def create_app(billing: Tallystick, settings: Settings) -> FastAPI:
    """The service as `tallystick serve` runs it: API, pay page, and the sandbox's own pages where it stands for Stripe."""
    metered = UptimeBilling(billing, Tariff(settings.server_name, settings.hourly_rate, settings.currency))
    metered.prepare()
    app = engine_app(billing, settings, metered)
    app.include_router(uptime.routes)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    if billing.sandbox is not None:
        from tallystick.wiring import sandbox_face

        app.mount("/sandbox", sandbox_face(billing.sandbox), name="sandbox")
    return app


def engine_app(billing: Tallystick, settings: Settings, metered: UptimeBilling | None = None) -> FastAPI:
    """The engine's routes alone, under no prefix: what a host mounts where it likes."""
    metrics, check = Metrics(), ProviderCheck(billing)
    door = Door(billing, settings, Keys(billing), GroupCommit(billing.record), metrics, check, admin_of, metered)
    context = billing.context
    app = Guarded(
        title="Tallystick",
        version=_version(),
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
        generate_unique_id_function=_operation_id,
        lifespan=_lifespan,
        middleware=[Middleware(Envelope, ids=context.ids, clock=context.clock, metrics=metrics), *_other_origins(settings)],
    )
    app.state.door = door
    app.router.route_class = DeclaredRoute
    problems.add_to(app)
    for routes in _ROUTES:
        app.include_router(routes)
    for routes in (accounts.account_routes(), users.billing_routes()):
        app.include_router(routes, prefix="/api")
    app.add_route("/docs", reference_page, include_in_schema=False)
    dashboards.add_to(app)
    _document(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    door: Door = app.state.door
    door.intake.start()
    uptime = door.uptime if door.settings.meters_uptime else None
    threads = background.started(door.billing, door.settings, uptime, door.check)
    try:
        yield
    finally:
        door.followers.stop()
        door.intake.stop()
        threads.stop()


def _other_origins(settings: Settings) -> list[Middleware]:
    """Lets pages of the origins that the settings name read our answers; of no others."""
    others = [origin for origin in settings.allowed_origins if origin != settings.allowed_origins[0]]
    if not others:
        return []
    cors = Middleware(
        CORSMiddleware,
        allow_origins=others,
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Requested-With"],
        allow_credentials=True,
    )
    return [cors]


class Guarded(FastAPI):
    """Takes no routes but those that declare who may call them."""

    def include_router(self, router: APIRouter, **given: Any) -> None:
        if not issubclass(router.route_class, DeclaredRoute):
            raise WrongConfiguration("these routes declare no policy; make them with tallystick.web.door.router")
        super().include_router(router, **given)


def _document(app: FastAPI) -> None:
    """Every operation may answer with the problem, which no route declares as its model."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            app.openapi_schema = document
        return app.openapi_schema

    # FastAPI's own way to extend the document.
    app.openapi = openapi  # type: ignore[method-assign]


def _operation_id(route: APIRoute) -> str:
    return route.name


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("tallystick")
    except PackageNotFoundError:
        return "0"
