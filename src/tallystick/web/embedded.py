"""What a host's application includes: `app.include_router(auth_router, prefix="/api")`, and `billing_router` beside it."""

from collections.abc import Mapping

from fastapi import APIRouter

from tallystick.app import Tallystick
from tallystick.app.starter import LIMITS, SAMPLE_PRICES, catalogue
from tallystick.settings import Settings, read_settings
from tallystick.web.embedding import Asked, Embedding, default
from tallystick.web.routers.accounts import account_routes
from tallystick.web.routers.billing import billing_routes

# Of the engine that `install` has given to the application, else of the one that the settings describe.
auth_router = account_routes()
billing_router = billing_routes()


def auth_router_for(billing: Tallystick, *, settings: Settings | None = None) -> APIRouter:
    """Accounts of this engine: register, log in, log out, me."""
    return account_routes(Embedding(billing, settings or read_settings()))


def billing_router_for(
    billing: Tallystick, *, identify: Asked | None = None, admin: Asked | None = None, settings: Settings | None = None
) -> APIRouter:
    """Billing by this engine. `identify` is given the request and says whose it is, as the id of the host's user or None.

    `admin`, likewise, says whether they may see everybody's. Both may be sync or async. Without `identify`, users are accounts.
    """
    return billing_routes(Embedding(billing, settings or read_settings(), identify, admin))


def init_db(
    limits: Mapping[str, Mapping[str, int]] = LIMITS, *, prices: Mapping[str, str] | None = None, currency: str = "usd"
) -> None:
    """The tables, the three meters and the three plans, where they are not there yet, in the database of the settings.

    `limits` says how much a plan lets its users use of a meter in a month; 0 is unlimited. `prices` are for a month, in major
    units. Without them there are sample prices where the sandbox stands for Stripe; elsewhere no plan is made: a catalogue
    makes them. What is there is never changed.
    """
    embedding = default()
    billing = embedding.billing
    if prices is None:
        prices = SAMPLE_PRICES if embedding.settings.sandbox else {}
    sold = limits if prices else {}
    document = catalogue(sold, prices, currency, meters=billing.meters(), plans=billing.plans())
    billing.apply_catalogue(document, actor="init_db")
