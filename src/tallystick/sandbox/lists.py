"""Pages of a list: newest first, by cursor, with Stripe's limits and its filters on `created`."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from tallystick.sandbox.call import Call
from tallystick.sandbox.errors import invalid
from tallystick.sandbox.kinds import KINDS
from tallystick.sandbox.state import Doc

_SLACK_SECONDS = 86400
Where = Callable[[Doc], bool]


def page(
    call: Call,
    kind: str,
    *,
    url: str | None = None,
    by: tuple[str, Any] | None = None,
    where: Where | None = None,
    oldest_first: bool = False,
) -> Doc:
    """One page of the kind's documents, as `limit`, `starting_after` and `ending_before` say."""
    limit = call.params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise invalid("This value must be between 1 and 100 (inclusive).", param="limit", code="parameter_invalid_integer")
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    if after and before:
        raise invalid("You can only specify one of these parameters: starting_after, ending_before.", param="starting_after")
    forward = before is None
    past = _place(call, kind, after or before, "starting_after" if after else "ending_before")
    found = call.state.scan(kind, by, past=past, ascending=oldest_first is forward)
    rows = list(islice(_matching(call, found, where), limit + 1))
    shown = rows[:limit]
    return {
        "object": "list",
        "data": shown if forward else shown[::-1],
        "has_more": len(rows) > limit,
        "url": url or KINDS[kind].url,
    }


def _place(call: Call, kind: str, identifier: str | None, param: str) -> int | None:
    if not identifier:
        return None
    number: int = call.get(kind, identifier, param=param)["_n"]
    return number


def _matching(call: Call, found: Iterator[Doc], where: Where | None) -> Iterator[Doc]:
    created = call.params.get("created")
    end = _end(call, created)
    for doc in found:
        if end is not None and doc.get("created", end) < end:
            return
        if (created is None or _within(doc["created"], created)) and (where is None or where(doc)):
            yield doc


def _end(call: Call, created: int | Doc | None) -> int | None:
    """Where a walk back in time may stop: nothing older was made later, but for a clock that was turned back a little."""
    since = created.get("gte", created.get("gt")) if isinstance(created, dict) else None
    if since is None or call.params.get("ending_before") or next(call.state.scan("test_helpers.test_clock"), None):
        return None
    return int(since) - _SLACK_SECONDS


def _within(at: int, wanted: int | Doc) -> bool:
    if isinstance(wanted, int):
        return at == wanted
    return (
        wanted.get("gte", at) <= at <= wanted.get("lte", at)
        and ("gt" not in wanted or at > wanted["gt"])
        and ("lt" not in wanted or at < wanted["lt"])
    )
