"""The SDK's client as we want it: one try, twenty seconds, no telemetry, and a question asked before each request."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import stripe

from tallystick.values.errors import WrongConfiguration

TIMEOUT_SECONDS = 20
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
    secret_key: str, *, api_base: str | None, http_client: stripe.HTTPClient | None, before_call: Callable[[], None]
) -> stripe.StripeClient:
    """A client that shares nothing with another one in this process but the SDK's switch for telemetry."""
    # The SDK knows no other switch; left on, it writes an id into the home directory of whoever runs us.
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        secret_key,
        max_network_retries=0,  # the worker tries again, with the key and the time that are in the database
        http_client=_Asking(http_client or stripe.RequestsClient(timeout=TIMEOUT_SECONDS), before_call),
        base_addresses={"api": api_base, "files": api_base, "connect": api_base, "meter_events": api_base} if api_base else None,
    )


def doc(found: stripe.StripeObject) -> Mapping[str, Any]:
    """The payload, as a webhook would carry it."""
    return found.to_dict(for_json=True)


class _Asking(stripe.HTTPClient):
    """Asks `before_call` before each request, so that each page of a list counts as the request that it is."""

    name = "tallystick"

    def __init__(self, inner: stripe.HTTPClient, before_call: Callable[[], None]) -> None:
        super().__init__()
        self._inner, self._before_call = inner, before_call

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
        return self._inner.request(method, url, headers, post_data)
