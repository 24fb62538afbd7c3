"""When to ask again: less and less often, and not all at once. Chance comes from what it is about: a run can be repeated."""

import hashlib
from datetime import timedelta

FIRST, LONGEST = timedelta(seconds=30), timedelta(hours=1)
_MICROSECOND = timedelta(microseconds=1)
_DOUBLINGS_MAX = 20


def wait(name: str, attempt: int, *, first: timedelta = FIRST, longest: timedelta = LONGEST) -> timedelta:
    """How long to wait after this many tries: twice as long each time, up to `longest`.

    Half of it is sure. The rest depends on `name`: what failed together is not asked again together.
    """
    whole: timedelta = min(first * 2 ** min(attempt, _DOUBLINGS_MAX), longest)
    sure = whole // 2
    spread = (whole - sure) // _MICROSECOND
    digest = hashlib.sha256(f"{attempt}:{name}".encode()).digest()
    return sure + int.from_bytes(digest[:8], "big") % (spread + 1) * _MICROSECOND
