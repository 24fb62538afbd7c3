"""What is said to somebody who may not use what they asked for: why not, and when again."""

from datetime import datetime
from decimal import Decimal

from tallystick.domain.entitlements import Decision, Reason
from tallystick.values.decimals import plain
from tallystick.values.errors import Forbidden, QuotaExceeded, TallystickError
from tallystick.values.time import rfc3339


def in_words(decision: Decision, meter_key: str, requested: Decimal) -> str:
    """One sentence for people; `decision` has the same for programs."""
    if decision.reason is not Reason.QUOTA_EXCEEDED:
        return f"{meter_key}: no active plan includes them; subscribe to one that does"
    assert decision.limit is not None, "only what has a limit is exceeded"
    held = f" and {plain(decision.reserved)} held" if decision.reserved else ""
    again = "" if decision.resets_at is None else f"; counted anew from {rfc3339(decision.resets_at)}"
    return (
        f"{meter_key}: quota exceeded: {plain(decision.used)} of {plain(decision.limit)} used{held}, {plain(requested)} more "
        f"asked for{again}"
    )


def refusal(decision: Decision, meter_key: str, requested: Decimal, *, now: datetime) -> TallystickError:
    """The error to raise where a no is not an answer: over the limit, or nothing there to use."""
    words = in_words(decision, meter_key, requested)
    if decision.reason is not Reason.QUOTA_EXCEEDED:
        return Forbidden(words, code=None if decision.reason is None else decision.reason.value)
    assert decision.limit is not None, "only what has a limit is exceeded"
    assert decision.remaining is not None, "and then something remains of it, or nothing"
    again = None if decision.resets_at is None else int((decision.resets_at - now).total_seconds()) + 1
    return QuotaExceeded(
        words,
        meter=meter_key,
        limit=plain(decision.limit),
        used=plain(decision.used),
        remaining=plain(decision.remaining),
        resets_at=None if decision.resets_at is None else rfc3339(decision.resets_at),
        retry_after=again,
        resets_in=again,
    )
