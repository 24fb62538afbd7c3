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
    exported: int


def diagnose(ctx: Context, expected: Expected) -> list[Finding]:
    """A line for each part; nothing is changed, and nothing is raised for what is ill."""
    looked = _of_database(ctx)
    if any(finding.health is Health.FAIL for finding in looked):
        return [*looked, *_of_provider(ctx, expected, exported=0)]
    stored = _load(ctx)
    return [*looked, *_of_stored(ctx, expected, stored), *_of_provider(ctx, expected, exported=stored.exported)]


def _of_database(ctx: Context) -> list[Finding]:
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
    return looked


def _of_stored(ctx: Context, expected: Expected, stored: _Stored) -> list[Finding]:
    now = ctx.clock.now()
    return [
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
            exported=len(storage.catalog.exported(conn)),
        )


def _of_provider(ctx: Context, expected: Expected, *, exported: int) -> list[Finding]:
    account = ctx.provider.fetch_account()
    if not isinstance(account, ProviderAccount):
        return [_unheard("key", account)]
    found = domain.diagnosis.of_account(account, sandbox=expected.mode == "sandbox")
    found.append(domain.diagnosis.of_clocks(account.at, ctx.clock.now()))
    endpoints = ctx.provider.webhook_endpoints()
    if isinstance(endpoints, Refused | Limited | Unknown):
        return [*found, _unheard("webhook endpoint", endpoints)]
    destinations = ctx.provider.event_destinations()
    newer = [] if isinstance(destinations, Refused | Limited | Unknown) else destinations
    whole = [*endpoints, *(each for each in newer if not each.thin)]
    found += domain.diagnosis.of_endpoints(
        whole, expected.url, wanted=ctx.provider.events, version=account.version, livemode=account.livemode
    )
    if isinstance(destinations, Refused | Limited | Unknown):
        return [*found, _unheard("event destinations", destinations)] if exported else found
    usage = domain.diagnosis.of_usage_events(newer, expected.url, wanted=ctx.provider.usage_events, exported=exported)
    secrets = domain.diagnosis.of_secrets([*endpoints, *newer], expected.url, known=expected.secrets)
    return [*found, *(finding for finding in (usage, secrets) if finding is not None)]


def _unheard(subject: str, outcome: Refused | Limited | Unknown) -> Finding:
    match outcome:
        case Refused(code="permission"):
            return Finding(subject, Health.WARN, outcome.message, "allow the restricted key to read this, or look yourself")
        case Refused():
            return Finding(subject, Health.FAIL, outcome.message, "look at STRIPE_SECRET_KEY")
        case Limited() | Unknown():
            return Finding(subject, Health.FAIL, outcome.message, "look at the network, and at https://status.stripe.com")
