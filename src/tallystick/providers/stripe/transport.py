"""The SDK's client as we want it: one try, twenty seconds, no telemetry, and nothing sent where nothing answers."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import stripe

from tallystick.providers.circuits import Circuits
from tallystick.providers.pace import Paces
from tallystick.values.errors import WrongConfiguration

TIMEOUT_SECONDS = 20
# Four fifths of what Stripe allows: 100 calls a second in live mode and 25 in test mode, 25 of them of one kind.
PER_SECOND = {True: 80, False: 20}
PER_SECOND_OF_KIND = 20
# So far the resource is one of a family; behind it come ids, and what is done with one.
_FAMILIES = frozenset({"billing", "billing_portal", "checkout", "core", "entitlements", "tax", "test_helpers"})
_OF_ONE_OBJECT = "resource-specific"
_KEY = re.compile(r"[sr]k_(test|live)_\w{3,250}", re.ASCII)


def is_live(secret_key: str, *, api_base: str | None) -> bool:
    """The mode of the key. Raises WrongConfiguration for what is no secret key, or must not go to a stand-in."""
    match = _KEY.fullmatch(secret_key)
    if match is None:
        raise WrongConfiguration(
            "STRIPE_SECRET_KEY: must be a secret or restricted key: sk_test_…, rk_test_…, sk_live_… or rk_live_…"
        )
    live = match.group(1) == "live"
    if live and api_base:
        raise WrongConfiguration("STRIPE_API_BASE: not with a live key; a stand-in must never see one")
    return live


def client(
    secret_key: str,
    *,
    api_base: str | None,
    http_client: stripe.HTTPClient | None,
    before_call: Callable[[], None],
    circuits: Circuits | None = None,
    paces: Callable[[], Paces | None] = lambda: None,
) -> stripe.StripeClient:
    """A client that shares nothing with another one in this process but the SDK's switch for telemetry."""
    # The SDK knows no other switch; left on, it writes an id into the home directory of whoever runs us.
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        secret_key,
        max_network_retries=0,  # the worker tries again, with the key and the time that are in the database
        http_client=_Asking(http_client or stripe.RequestsClient(timeout=TIMEOUT_SECONDS), before_call, circuits, paces),
        base_addresses={"api": api_base, "files": api_base, "connect": api_base, "meter_events": api_base} if api_base else None,
    )


def doc(found: stripe.StripeObject) -> Mapping[str, Any]:
    """The payload, as a webhook would carry it."""
    return found.to_dict(for_json=True)


def kind_of(url: str) -> str:
    """The kind of endpoint, as Stripe counts requests: "payment_intents", "checkout/sessions"."""
    parts = url.partition("?")[0].split("/")[3:]
    version, names = parts[:1], parts[1:]
    found = names[: 2 if names[:1] and names[0] in _FAMILIES else 1]
    return "/".join(found if version == ["v1"] else [*version, *found])


def answers(status: int, headers: Mapping[str, str]) -> bool | None:
    """Whether the endpoint answers as it should. None: that says nothing of it, such as a failure that was only repeated."""
    said = {name.lower(): value for name, value in headers.items()}
    if status >= 500:
        return None if said.get("idempotent-replayed") == "true" else False
    if status == 401:
        return None  # it answers, but not us
    if status == 429:
        # Without a reason it is two who want one object, and the next object may well be free.
        return None if said.get("stripe-rate-limited-reason", _OF_ONE_OBJECT) == _OF_ONE_OBJECT else False
    return True


class _Asking(stripe.HTTPClient):
    """Asks `before_call` before each request, so that each page of a list counts as the request that it is.

    Where a circuit is open, or too many wait for their turn already, nothing is sent: that is as if Stripe had said "too often",
    and as surely nothing was done.
    """

    name = "tallystick"

    def __init__(
        self,
        inner: stripe.HTTPClient,
        before_call: Callable[[], None],
        circuits: Circuits | None,
        paces: Callable[[], Paces | None],
    ) -> None:
        super().__init__()
        self._inner, self._before_call, self._circuits, self._paces = inner, before_call, circuits, paces

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        self._before_call()
        kind, paces = kind_of(url), self._paces()
        put_off = None if paces is None else paces.enter(kind)
        if put_off is not None:
            raise _held(kind, put_off, "too many calls wait already")
        if self._circuits is None:
            return self._inner.request(method, url, headers, post_data)
        held_for = self._circuits.enter(kind)
        if held_for is not None:
            raise _held(kind, held_for, "the last requests failed")
        try:
            reply: tuple[str, int, Mapping[str, str]] = self._inner.request(method, url, headers, post_data)
        except stripe.APIConnectionError:
            self._circuits.failed(kind)
            raise
        match answers(reply[1], reply[2]):
            case True:
                self._circuits.answered(kind)
            case False:
                self._circuits.failed(kind)
            case None:
                pass
        return reply


def _held(kind: str, held_for: timedelta, why: str) -> stripe.RateLimitError:
    seconds = -(-held_for // timedelta(seconds=1))
    message = f"{kind}: not asked, for {why}; the next one goes out in {seconds} s"
    return stripe.RateLimitError(message, headers={"Retry-After": str(seconds)})
