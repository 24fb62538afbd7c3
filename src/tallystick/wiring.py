"""Puts together what is outside: Stripe where there is a key, else the offline sandbox; and who carries messages out."""

import hmac
import json
import sqlite3
import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode

import stripe

from tallystick.couriers.http import HttpEgress
from tallystick.couriers.mail import SmtpMailer, read_server
from tallystick.couriers.protocol import Mailer, NoMailer
from tallystick.domain.alerts import SpikeRule
from tallystick.domain.dunning import Policy
from tallystick.domain.dunning_documents import read_policy
from tallystick.domain.invoice_documents import Seller
from tallystick.domain.operations import Vital, VitalRules
from tallystick.domain.safety import Bounds
from tallystick.flows.context import Context, Outgoing, shipped_policy
from tallystick.providers.circuits import Circuits
from tallystick.providers.protocol import PaymentProvider
from tallystick.providers.stripe.client import StripeProvider
from tallystick.sandbox.faces import InProcessClient, asgi_app
from tallystick.sandbox.server import Sandbox
from tallystick.sandbox.state import FileState, MemoryState
from tallystick.settings import Settings
from tallystick.storage.database import Database
from tallystick.values.errors import InvalidInput, WrongConfiguration
from tallystick.values.time import Clock

SANDBOX_SECRET_KEY = "sk_test_sandbox"  # noqa: S105 opens nothing but the stand-in in this process
SANDBOX_PUBLISHABLE_KEY = "pk_test_sandbox"


@dataclass(frozen=True, slots=True)
class Wired:
    """A provider, the sandbox behind it if there is one, and the key that the pay page's browser code needs."""

    provider: PaymentProvider
    publishable_key: str
    sandbox: Sandbox | None = None


def sandboxed(path: str | Path | None, *, clock: Clock, before_call: Callable[[], None], webhook_url: str | None = None) -> Wired:
    """The sandbox in Stripe's place, its state in `path` (None: in memory). `webhook_url` gets its events, signed."""
    sandbox = Sandbox(clock=clock, state=MemoryState() if path is None else _kept_in(path))
    secrets = () if webhook_url is None else (_listen(sandbox, webhook_url), _listen_thinly(sandbox, webhook_url))
    client = InProcessClient(sandbox, before_call=before_call)
    provider = StripeProvider(SANDBOX_SECRET_KEY, webhook_secrets=secrets, http_client=client, circuits=Circuits(clock))
    return Wired(provider, SANDBOX_PUBLISHABLE_KEY, sandbox)


def _kept_in(path: str | Path) -> FileState:
    try:
        return FileState(path)
    except (sqlite3.Error, RuntimeError) as error:
        raise WrongConfiguration(
            f"sandbox: {path} cannot be opened ({error}); check the rights of the file and its folder, or name another file in "
            "TALLYSTICK_SANDBOX_PATH",
            field="sandbox",
        ) from None


def _listen(sandbox: Sandbox, url: str) -> str:
    """Has the sandbox send its events to `url` alone; the secret they are signed with. Asked as one asks Stripe."""
    headers = {"Authorization": f"Bearer {SANDBOX_SECRET_KEY}", "Content-Type": "application/x-www-form-urlencoded"}
    listed = json.loads(sandbox.handle("GET", "/v1/webhook_endpoints", query="limit=100", headers=headers).body)
    for endpoint in listed["data"]:
        sandbox.handle("DELETE", f"/v1/webhook_endpoints/{endpoint['id']}", headers=headers)
    body = urlencode({"url": url, "enabled_events[0]": "*", "api_version": stripe.api_version}).encode()
    made = json.loads(sandbox.handle("POST", "/v1/webhook_endpoints", body=body, headers=headers).body)
    secret: str = made["secret"]
    return secret


def _listen_thinly(sandbox: Sandbox, url: str) -> str:
    """The same for its thin events, which have a secret of their own."""
    headers = {"Authorization": f"Bearer {SANDBOX_SECRET_KEY}", "Content-Type": "application/json"}
    listed = json.loads(sandbox.handle("GET", "/v2/core/event_destinations", headers=headers).body)
    for destination in listed["data"]:
        sandbox.handle("DELETE", f"/v2/core/event_destinations/{destination['id']}", headers=headers)
    wanted = {
        "name": "tallystick",
        "type": "webhook_endpoint",
        "event_payload": "thin",
        "enabled_events": ["*"],
        "webhook_endpoint": {"url": url},
        "include": ["webhook_endpoint.signing_secret"],
    }
    made = sandbox.handle("POST", "/v2/core/event_destinations", body=json.dumps(wanted).encode(), headers=headers)
    secret: str = json.loads(made.body)["webhook_endpoint"]["signing_secret"]
    return secret


def from_settings(settings: Settings, *, clock: Clock, before_call: Callable[[], None], receives: bool) -> Wired:
    """What the settings describe. `receives` says that this process answers webhooks: of the sandbox, only one may."""
    if settings.stripe_secret_key is None:
        url = f"{settings.url}/webhooks/stripe" if receives else None
        wired = sandboxed(settings.sandbox_path, clock=clock, before_call=before_call, webhook_url=url)
        assert wired.sandbox is not None, "there is no key, so there is a sandbox"
        wired.sandbox.public_url = settings.url
        return wired
    if settings.stripe_publishable_key is None and receives:
        raise WrongConfiguration(
            "STRIPE_PUBLISHABLE_KEY: is missing; the pay page needs it beside the secret key (pk_test_… or pk_live_…)"
        )
    provider = StripeProvider(
        settings.stripe_secret_key.get_secret_value(),
        webhook_secrets=settings.webhook_secrets,
        api_base=settings.stripe_api_base,
        before_call=before_call,
        circuits=Circuits(clock),
    )
    provider.keep_pace(clock)
    return Wired(provider, settings.stripe_publishable_key or "")


def with_couriers(context: Context, settings: Settings | None) -> Context:
    """The context with those who carry its messages out; without settings to the public internet, and no mail."""
    before_call = outside(context.database)
    if settings is None:
        return replace(context, egress=HttpEgress(before_call=before_call))
    mailer: Mailer = NoMailer()
    if settings.smtp_url is not None:
        server = read_server(settings.smtp_url.get_secret_value())
        mailer = SmtpMailer(server, settings.mail_from, before_call=before_call)
    egress = HttpEgress(local=settings.webhooks_local, before_call=before_call)
    return replace(context, egress=egress, mailer=mailer, outgoing=_outgoing(settings))


def _outgoing(settings: Settings) -> Outgoing:
    pepper = settings.api_key_pepper
    return Outgoing(
        key=None if pepper is None else hmac.digest(pepper.get_secret_value().encode(), b"tallystick webhooks", "sha256"),
        local=settings.webhooks_local,
        locale=settings.locale,
        mail_domain=settings.mail_from.rpartition("@")[2],
        operator=settings.mail_operator,
        spike=SpikeRule(settings.spike_factor, settings.spike_floor),
        mail_invoices=settings.mail_invoices,
        vitals=_vitals(settings),
        base_url=settings.url,
    )


def seller(settings: Settings) -> Seller:
    """Who stands on invoices as the one who asks."""
    return Seller(settings.seller_name or settings.server_name, settings.seller_address, settings.seller_tax_id)


def safety_bounds(settings: Settings) -> Bounds:
    """Beyond what a payment is held, and not charged by itself."""
    return Bounds(settings.safety_charges_per_day, settings.safety_times_the_mean, settings.safety_lines_max)


def dunning_policy(settings: Settings) -> Policy:
    """The rules of dunning that the settings name, else the ones that come with the package. Raises WrongConfiguration."""
    if settings.dunning_path is None:
        return shipped_policy()
    try:
        return read_policy(tomllib.loads(Path(settings.dunning_path).read_text("utf-8")))
    except OSError as error:
        raise WrongConfiguration(f"TALLYSTICK_DUNNING: cannot read {settings.dunning_path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongConfiguration(f"TALLYSTICK_DUNNING: {settings.dunning_path} is not TOML: {error}") from None
    except InvalidInput as wrong:
        raise WrongConfiguration(f"TALLYSTICK_DUNNING: {settings.dunning_path}: {wrong.message}") from None


def _vitals(settings: Settings) -> VitalRules:
    shares, webhooks = timedelta(hours=settings.share_window_hours), timedelta(minutes=settings.webhook_window_minutes)
    limits = {
        Vital.USAGE_SYNC: settings.usage_sync_percent_min,
        Vital.PAYMENTS: settings.payment_percent_min,
        Vital.WEBHOOKS: Decimal(settings.webhook_seconds_max),
        Vital.UNPAID_INVOICES: Decimal(settings.unpaid_invoices_max),
    }
    windows = {
        Vital.USAGE_SYNC: shares,
        Vital.PAYMENTS: shares,
        Vital.WEBHOOKS: webhooks,
        Vital.UNPAID_INVOICES: timedelta(0),
    }
    return VitalRules(limits, windows)


def sandbox_face(sandbox: Sandbox) -> Callable[..., Awaitable[None]]:
    """The sandbox as an ASGI application, for the service to mount at /sandbox: what a browser may ask, and nothing more."""
    return asgi_app(sandbox, browsers_only=True)


def outside(database: Database) -> Callable[[], None]:
    """A check to make before each call of the provider: a slow one must not hold our locks."""

    def check() -> None:
        assert not database.in_transaction(), "no provider is called inside a transaction"

    return check
