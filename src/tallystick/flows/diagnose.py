"""Look at everything that billing needs, ask the provider about the rest, and say of each what is wrong and what to do."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tallystick import domain, storage
from tallystick.domain.diagnosis import Finding, Health, ProviderAccount
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refused, Unknown
from tallystick.values.errors import TallystickError


@dataclass(frozen=True, slots=True)
class Expected:
    """What the settings say: where webhooks come to, how many secrets verify them, and which mode the key is of."""

    url: str
    secrets: int
    mode: str


@dataclass(frozen=True, slots=True)
class _Stored:
    pinned: str | None
    received_at: datetime | None
    due: int
    dead: int
    lag: timedelta
    seen_at: datetime | None


def diagnose(ctx: Context, expected: Expected) -> list[Finding]:
    """A line for each part; nothing is changed, and nothing is raised for what is ill."""
    return [*_of_database(ctx, expected), *_of_provider(ctx, expected)]


def _of_database(ctx: Context, expected: Expected) -> list[Finding]:
    database = ctx.database
    looked: list[Finding] = []
    steps: tuple[tuple[str, Callable[[], None], str, str], ...] = (
        ("database", lambda: _read(ctx), f"{database.safe_url} answers", "look at DATABASE_URL, and whether it runs"),
        ("schema", database.check_schema, "as this release needs it", "run `tallystick migrate`"),
        ("write lock", lambda: _write(ctx), "free within ten seconds", "look for a process that holds it"),
    )
    for subject, step, well, remedy in steps:
        try:
            step()
        except TallystickError as error:
            return [*looked, Finding(subject, Health.FAIL, error.message, remedy)]
        looked.append(Finding(subject, Health.OK, well))
    stored, now = _load(ctx), ctx.clock.now()
    return [
        *looked,
        domain.diagnosis.of_mode(stored.pinned, expected.mode),
        domain.diagnosis.of_worker(stored.seen_at, due=stored.due, lag=stored.lag, now=now),
        domain.diagnosis.of_dead(stored.dead),
        domain.diagnosis.of_secret(stored.received_at, known=expected.secrets, now=now),
    ]


def _read(ctx: Context) -> None:
    ctx.database.schema_version()


def _write(ctx: Context) -> None:
    with ctx.database.transaction("diagnose"):
        pass


def _load(ctx: Context) -> _Stored:
    now = ctx.clock.now()
    with ctx.database.reading() as conn:
        newest = storage.provider_events.page(conn, limit=1)
        oldest = storage.jobs.next_due_at(conn)
        return _Stored(
            pinned=storage.settings.get(conn, "mode"),
            received_at=newest[0].received_at if newest else None,
            due=storage.jobs.due_count(conn, now=now),
            dead=len(storage.jobs.dead(conn)),
            lag=timedelta(0) if oldest is None else now - oldest,
            seen_at=storage.operations.measured_at(conn),
        )


def _of_provider(ctx: Context, expected: Expected) -> list[Finding]:
    account = ctx.provider.fetch_account()
    if not isinstance(account, ProviderAccount):
        return [_unheard("key", account)]
    found = domain.diagnosis.of_account(account, sandbox=expected.mode == "sandbox")
    found.append(domain.diagnosis.of_clocks(account.at, ctx.clock.now()))
    endpoints = ctx.provider.webhook_endpoints()
    if isinstance(endpoints, Refused | Limited | Unknown):
        return [*found, _unheard("webhook endpoint", endpoints)]
    return found + domain.diagnosis.of_endpoints(
        endpoints, expected.url, wanted=ctx.provider.events, version=account.version, livemode=account.livemode
    )


def _unheard(subject: str, outcome: Refused | Limited | Unknown) -> Finding:
    match outcome:
        case Refused(code="permission"):
            return Finding(subject, Health.WARN, outcome.message, "allow the restricted key to read this, or look yourself")
        case Refused():
            return Finding(subject, Health.FAIL, outcome.message, "look at STRIPE_SECRET_KEY")
        case Limited() | Unknown():
            return Finding(subject, Health.FAIL, outcome.message, "look at the network, and at https://status.stripe.com")
