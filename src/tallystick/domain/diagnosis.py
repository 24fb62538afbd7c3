"""What a doctor would say: of each part that billing needs, whether it is well, and what to do where it is not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tallystick.values.english import counted
from tallystick.values.time import rfc3339

SKEW_WARNS, SKEW_FAILS = timedelta(seconds=5), timedelta(minutes=4)  # at five minutes webhooks and usage are refused
LATE = timedelta(minutes=5)
QUIET = timedelta(days=7)


class Health(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do."""

    subject: str
    health: Health
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """Whose key it is, in which mode, which version of the API answers, and what time it is there."""

    id: str
    livemode: bool
    version: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class ProviderEndpoint:
    """Somebody whom the provider tells of events: of those types, in the form of that version; None: the account's own.

    `thin` ones are told that something happened, and not what: they have no version.
    """

    url: str
    enabled: bool
    version: str | None
    types: tuple[str, ...]
    thin: bool = False

    def hears(self, event: str) -> bool:
        return any(event == name or (name.endswith("*") and event.startswith(name[:-1])) for name in self.types)


def of_account(account: ProviderAccount, *, sandbox: bool) -> list[Finding]:
    """The key, and the mode that it is of."""
    if sandbox:
        said = "the offline sandbox stands in for Stripe; no money moves"
        return [Finding("key", Health.WARN, said, "put a key into STRIPE_SECRET_KEY to go live")]
    mode = "live: money moves" if account.livemode else "test: no money moves"
    return [
        Finding("key", Health.OK, f"accepted, of the account {account.id}"),
        Finding("mode", Health.OK, mode),
        Finding("API version", Health.OK, account.version),
    ]


def of_mode(pinned: str | None, mode: str) -> Finding:
    """Whether the database is for this key."""
    if pinned in {None, mode}:
        return Finding("database mode", Health.OK, pinned or "not said yet")
    return Finding("database mode", Health.FAIL, f"{pinned}, and the key is of {mode} mode", "use one database for each mode")


def of_clocks(theirs: datetime | None, ours: datetime) -> Finding:
    """Usage and webhooks carry instants: who is minutes off refuses good ones, and is refused."""
    if theirs is None:
        return Finding("clock", Health.WARN, "the provider said no time", "look at the clock of this machine yourself")
    apart = abs(theirs - ours)
    seconds = apart // timedelta(seconds=1)
    detail = f"{seconds} s {'behind' if ours < theirs else 'ahead of'} the provider's" if seconds else "as the provider's"
    if apart < SKEW_WARNS:
        return Finding("clock", Health.OK, detail)
    return Finding("clock", Health.FAIL if apart >= SKEW_FAILS else Health.WARN, detail, "switch on NTP on this machine")


def of_endpoints(
    endpoints: Sequence[ProviderEndpoint], url: str, *, wanted: Sequence[str], version: str, livemode: bool
) -> list[Finding]:
    """Whether the provider tells us what we act on, in the form that we read."""
    ours = [endpoint for endpoint in endpoints if endpoint.url.startswith(f"{url}/")]
    if not ours:
        remedy = "add one in the dashboard, or set TALLYSTICK_PUBLIC_URL to the address that it has"
        health = Health.FAIL if livemode else Health.WARN
        told = f"none at {url}; payments are settled by asking, up to ten minutes late"
        return [Finding("webhook endpoint", health, told, remedy)]
    listening = [endpoint for endpoint in ours if endpoint.enabled]
    if not listening:
        return [Finding("webhook endpoint", Health.FAIL, f"{ours[0].url} is disabled", "enable it in the dashboard")]
    return [
        _reached(listening[0], livemode=livemode),
        _heard(listening, wanted),
        *(_versioned(endpoint, version) for endpoint in listening),
    ]


def of_usage_events(
    destinations: Sequence[ProviderEndpoint], url: str, *, wanted: Sequence[str], exported: int
) -> Finding | None:
    """Whether the provider tells us which usage it does not count; None where it is sent none."""
    if not exported:
        return None
    ours = [each for each in _of_ours(destinations, url) if each.thin]
    missed = [event for event in wanted if not any(each.hears(event) for each in ours)]
    if not missed:
        return Finding("usage errors", Health.OK, f"told to {', '.join(sorted({each.url for each in ours}))}")
    remedy = (
        f"add an event destination with the payload style thin to {url}/webhooks/stripe, for {' and '.join(missed)}, "
        "and put its secret beside the other one into STRIPE_WEBHOOK_SECRET"
    )
    meters = counted(exported, "meter is exported", "meters are exported")
    told = f"{meters}, and nobody tells us what the provider does not count of that: {', '.join(missed)}"
    return Finding("usage errors", Health.WARN, told, remedy)


def of_secrets(endpoints: Sequence[ProviderEndpoint], url: str, *, known: int) -> Finding | None:
    """Each endpoint signs by a secret of its own; None where there is one for each, or none at all, which is told elsewhere."""
    listening = len(_of_ours(endpoints, url))
    if not known or known >= listening:
        return None
    secrets = counted(known, "of their secrets is known", "of their secrets are known")
    told = f"{listening} endpoints send here, and {secrets}: what the others send is refused"
    return Finding("webhook secrets", Health.WARN, told, "put the secret of each into STRIPE_WEBHOOK_SECRET, with commas between")


def _of_ours(endpoints: Sequence[ProviderEndpoint], url: str) -> list[ProviderEndpoint]:
    return [each for each in endpoints if each.enabled and each.url.startswith(f"{url}/")]


def _reached(endpoint: ProviderEndpoint, *, livemode: bool) -> Finding:
    if livemode and not endpoint.url.startswith("https://"):
        return Finding("webhook endpoint", Health.FAIL, f"{endpoint.url} is not https", "put TLS before the service")
    return Finding("webhook endpoint", Health.OK, endpoint.url)


def _heard(listening: Sequence[ProviderEndpoint], wanted: Sequence[str]) -> Finding:
    missed = [event for event in wanted if not any(endpoint.hears(event) for endpoint in listening)]
    if missed:
        remedy = "add them to the endpoint in the dashboard"
        return Finding("webhook events", Health.WARN, f"not sent to us: {', '.join(missed)}", remedy)
    return Finding("webhook events", Health.OK, f"all {len(wanted)} that we act on")


def _versioned(endpoint: ProviderEndpoint, version: str) -> Finding:
    if endpoint.version == version:
        return Finding("webhook version", Health.OK, version)
    detail = f"{endpoint.version or 'that of the account'}, and {version} is what this release reads"
    return Finding("webhook version", Health.WARN, detail, f"make the endpoint anew with the API version {version}")


def of_secret(received_at: datetime | None, *, known: int, now: datetime) -> Finding:
    """A delivery is kept only when its signature was ours: one that is kept proves the secret."""
    if not known:
        remedy = "put the endpoint's signing secret into STRIPE_WEBHOOK_SECRET"
        return Finding("webhook secret", Health.WARN, "none; every webhook is refused", remedy)
    if received_at is None:
        remedy = "send a test event from the dashboard, or by `stripe trigger payment_intent.succeeded`"
        return Finding("webhook secret", Health.WARN, "nothing was received yet, so nobody knows whether it fits", remedy)
    told = f"the last delivery was verified at {rfc3339(received_at)}"
    if now - received_at > QUIET:
        return Finding("webhook secret", Health.WARN, told, "if there was news since, compare the secret with the dashboard")
    return Finding("webhook secret", Health.OK, told)


def of_worker(seen_at: datetime | None, *, due: int, lag: timedelta, now: datetime) -> Finding:
    """Whether somebody does the work: it says so every minute, and leaves nothing lying."""
    remedy = "start `tallystick worker`, or `serve` with TALLYSTICK_WORKER=true"
    if lag > LATE:
        waits = f"{counted(due, 'job is due', 'jobs are due')}, the oldest since {lag // timedelta(minutes=1)} min"
        return Finding("worker", Health.FAIL, waits, remedy)
    if seen_at is None:
        return Finding("worker", Health.WARN, "none has run yet", remedy)
    seen = f"last seen at {rfc3339(seen_at)}"
    return Finding("worker", Health.OK, seen) if now - seen_at <= LATE else Finding("worker", Health.FAIL, seen, remedy)


def of_dead(count: int) -> Finding:
    """Work that was given up."""
    if not count:
        return Finding("jobs", Health.OK, "none was given up")
    remedy = "look at `tallystick jobs`, mend the cause, then `tallystick jobs --retry`"
    return Finding("jobs", Health.WARN, counted(count, "was given up", "were given up"), remedy)
