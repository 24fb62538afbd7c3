"""What events come to, by the formula of their meter."""

from collections.abc import Sequence
from decimal import Decimal

from tallystick.sandbox.state import Doc
from tallystick.values.decimals import EXACT


def aggregated(events: Sequence[Doc], formula: str, *, window: int) -> Decimal:
    """The events, oldest of arrival first. Of a `window` of seconds that was added up before, the last one counts."""
    if window:
        events = list({event["timestamp"] // window: event for event in events}.values())
    match formula:
        case "sum":
            whole = Decimal(0)
            for event in events:
                whole = EXACT.add(whole, Decimal(event["value"]))
            return whole
        case "count":
            return Decimal(len(events))
        case "last":
            # Of two at the same second, the one that came later.
            last = max(events, key=lambda event: (event["timestamp"], event["_n"]), default=None)
            return Decimal(0) if last is None else Decimal(last["value"])
        case _:
            raise AssertionError(f"no formula {formula!r}")
