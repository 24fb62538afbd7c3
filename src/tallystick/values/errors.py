"""Every error that Tallystick raises.

TallystickError
├── InvalidInput          the request is wrong; says which field, why, and what would be right
│   └── AmountBelowMinimum   the provider would refuse so small an amount; says when it will be enough
├── NotFound              no such thing, or not yours: the two look alike
├── Conflict              true once, no longer: the state has moved on
│   └── IllegalTransition    this state cannot follow that one
├── Forbidden             a valid key, without the scope for this
├── Unauthorized          no key, or not a valid one
├── TooLarge              over a limit on size
├── RateLimited           asked too often; says when to come again
├── QuotaExceeded         over the limit of a quota; says how it stands, and when it is counted anew
├── WrongConfiguration    a setting is missing or wrong; nothing was started
├── Busy                  the database was locked for longer than we wait
└── ProviderError
    ├── ProviderUnavailable  the outcome is unknown: same key again
    └── ProviderRefused      final: the provider will not do it
"""

from typing import Any


class TallystickError(Exception):
    """`code` is stable and for machines; the message is for people: what, which one, what now."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.field = field
        self.extra = extra


class InvalidInput(TallystickError):
    code = "invalid_input"


class AmountBelowMinimum(InvalidInput):
    code = "amount_below_minimum"


class NotFound(TallystickError):
    code = "not_found"


class Conflict(TallystickError):
    code = "conflict"


class IllegalTransition(Conflict):
    code = "illegal_transition"


class Forbidden(TallystickError):
    code = "forbidden"


class Unauthorized(TallystickError):
    code = "unauthorized"


class TooLarge(TallystickError):
    code = "too_large"


class RateLimited(TallystickError):
    code = "rate_limited"


class QuotaExceeded(TallystickError):
    code = "quota_exceeded"


class WrongConfiguration(TallystickError):
    code = "wrong_configuration"


class Busy(TallystickError):
    code = "busy"


class ProviderError(TallystickError):
    code = "provider_error"


class ProviderUnavailable(ProviderError):
    code = "provider_unavailable"


class ProviderRefused(ProviderError):
    code = "provider_refused"
