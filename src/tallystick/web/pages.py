"""Lists come in pages: `{data, has_more, next_cursor}`; a cursor is opaque, and one that we did not write is refused."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

from tallystick.values.errors import InvalidInput

LIMIT_MAX = 200
_MARK = 8

Row = TypeVar("Row")
Shown = TypeVar("Shown")
Part = str | int

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="How many at most.")]
Cursor = Annotated[str | None, Query(min_length=1, max_length=2048, description="`next_cursor` of the page before.")]


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which page was asked for."""

    limit: Limit = 50
    cursor: Cursor = None

    def place(self, kind: str) -> list[Part] | None:
        """Behind what it begins; None for the first one. Raises InvalidInput."""
        return read_cursor(kind, self.cursor)


AskedPage = Annotated[PageQuery, Depends()]


class Page(BaseModel, Generic[Shown]):
    """One page. `next_cursor` is null on the last one."""

    data: list[Shown]
    has_more: bool
    next_cursor: str | None


def page(
    rows: Sequence[Row], limit: int, show: Callable[[Row], Shown], place: Callable[[Row], Sequence[Part]], *, kind: str
) -> Page[Shown]:
    """The first `limit` of `rows`, of which one more was asked for to see whether there is more."""
    shown, has_more = rows[:limit], len(rows) > limit
    after = write_cursor(kind, place(shown[-1])) if has_more else None
    return Page(data=[show(row) for row in shown], has_more=has_more, next_cursor=after)


def write_cursor(kind: str, place: Sequence[Part]) -> str:
    said = json.dumps([kind, *place], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_mark(said) + said).decode().rstrip("=")


def read_cursor(kind: str, cursor: str | None) -> list[Part] | None:
    """The place behind which the page begins. Raises InvalidInput for a cursor of another list, or of nobody's."""
    if cursor is None:
        return None
    try:
        # `urlsafe_b64decode` passes over signs that are none of its own; what it would pass over, we did not write.
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _wrong() from None
    mark, said = raw[:_MARK], raw[_MARK:]
    if mark != _mark(said):
        raise _wrong()
    found: list[Part] = json.loads(said)
    if found[0] != kind:
        raise _wrong()
    return found[1:]


def _mark(said: bytes) -> bytes:
    return hashlib.sha256(b"tallystick cursor" + said).digest()[:_MARK]


def _wrong() -> InvalidInput:
    return InvalidInput("cursor: is not one of this list; begin without a cursor", field="cursor")
