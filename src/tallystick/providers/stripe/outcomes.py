"""What an error of the SDK means for the one who asked: no, never, not now, or nobody knows."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import stripe

from tallystick.domain.payments import Decline
from tallystick.providers.protocol import Declined, Limited, Refused, Unknown
from tallystick.providers.stripe import translate

# Stripe may quote back what it was given; none of these belongs in a log.
_SECRETS = re.compile(r"\b(?:[sr]k_(?:test|live)_|whsec_)[\w*]+|\b\w+_secret_\w+")
_AFTER_MAX = timedelta(hours=1)
_SECONDS = re.compile(r"[0-9]{1,8}", re.ASCII)
_REFUSALS: dict[type[stripe.StripeError], tuple[str, str]] = {
    stripe.AuthenticationError: ("authentication", "Stripe does not accept the key; put a valid one into STRIPE_SECRET_KEY"),
    stripe.PermissionError: (
        "permission",
        "the key in STRIPE_SECRET_KEY is restricted; allow it this call in Stripe's dashboard",
    ),
    stripe.IdempotencyError: ("idempotency_mismatch", "one key was used for two different requests; this is a defect of ours"),
}


def of(error: stripe.StripeError) -> Declined | Refused | Limited | Unknown:
    """The outcome that this error is."""
    # Not error.code: the SDK fills that for two of its classes only.
    code, message = getattr(error.error, "code", None), said(error)
    if isinstance(error, stripe.RateLimitError) or error.http_status == 429:
        return Limited(message, after=_after(error))
    if isinstance(error, stripe.CardError):
        return Declined(decline(error))
    if isinstance(error, stripe.InvalidRequestError) and _should_retry(error) is not True:
        return Refused(code or "invalid_request", message)
    if type(error) in _REFUSALS:
        name, remedy = _REFUSALS[type(error)]
        return Refused(name, f"{remedy}. {message}", unheard=not isinstance(error, stripe.IdempotencyError))
    # No answer, a 5xx, a key in use, or an answer that is not Stripe's: it may have been done.
    return Unknown(message, stored=_is_stored(error), after=_after(error))


def decline(error: stripe.CardError) -> Decline:
    """Why the bank said no."""
    return translate.decline(_body(error))


def said(error: stripe.StripeError) -> str:
    """Stripe's own words, with the request's id to ask Stripe about, and without secrets."""
    text = " ".join((error.user_message or type(error).__name__).split())
    request_id = _header(error, "request-id")
    where = f" ({request_id})" if request_id else ""
    return _SECRETS.sub("[secret]", text)[:500] + where


def _body(error: stripe.StripeError) -> Mapping[str, Any]:
    body = error.json_body
    found = body.get("error") if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {}


def _is_stored(error: stripe.StripeError) -> bool:
    """Whether this key brings the same failure for ever: it was repeated just now, or Stripe says that trying is of no use."""
    repeats = _header(error, "idempotent-replayed") == "true" or _should_retry(error) is False
    return repeats and (error.http_status or 0) >= 500


def _should_retry(error: stripe.StripeError) -> bool | None:
    """Stripe's own word, where it gives one."""
    return {"true": True, "false": False}.get(_header(error, "stripe-should-retry") or "")


def _after(error: stripe.StripeError) -> timedelta:
    """How long Stripe wants to be left alone: whole seconds, as it sends them; a date would be of its clock, and not of ours."""
    text = _header(error, "retry-after") or ""
    return min(timedelta(seconds=int(text)), _AFTER_MAX) if _SECONDS.fullmatch(text) else timedelta(0)


def _header(error: stripe.StripeError, name: str) -> str | None:
    # The SDK promises no kind of mapping: that of `requests` ignores case, others need not.
    return next((value for given, value in (error.headers or {}).items() if given.lower() == name), None)
