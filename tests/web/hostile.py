"""Bodies as nobody should send them: seeded, so that what breaks once can be sent again."""

import json
from random import Random
from typing import Any

# No name of a field: the name of an unknown one is said, where it can be one.
CANARY = "canary 4242-4242"
WORDS = [
    "",
    CANARY,
    "\x00",
    "\ud800",
    "ä" * 3,
    "a" * 300,
    "💥",
    "\u2028",
    "' OR 1=1 --",
    "<script>",
    "../..",
    "NaN",
    "-",
    "1e9999",
    "٣",
]
NUMBERS = [
    "0",
    "-0",
    "1e400",
    "-1e-400",
    "NaN",
    "Infinity",
    "1.5",
    "9" * 26,
    "9" * 5000,
    "1E+2",
    "01",
    "0x1",
    "1_000",
    ".5",
    "true",
]
PIECES = [
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\\u0000",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b",",
    b":",
    b"NaN",
    b"1e400",
    b"\xef\xbb\xbf",
]
WHOLE = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b'""',
    b"0",
    b"[" * 5000,
    b'{"a":' * 2000,
    b"[[[[[[[[[]]]]]]]]]",
    b'{"id":1,"id":2}',
    b"\x80",
    b" " * 5000,
]


class Hostile:
    """Makes one body after another out of `right` ones."""

    def __init__(self, seed: int, right: list[Any]) -> None:
        self._random, self._right = Random(seed), right

    def body(self) -> bytes:
        chosen = self._random.random()
        if chosen < 0.02:
            return self._random.choice(WHOLE)
        text = self._written(self._bent(self._random.choice(self._right)))
        raw = text.encode("utf-8", "surrogatepass")
        return raw if chosen < 0.7 else self._broken(raw)

    def _bent(self, value: Any, depth: int = 0) -> Any:
        """The value with some of its parts changed, gone, doubled or of another kind."""
        if self._random.random() < 0.12:
            return self._anything(depth)
        if isinstance(value, dict):
            kept = {name: self._bent(part, depth + 1) for name, part in value.items() if self._random.random() > 0.06}
            if self._random.random() < 0.1:
                kept[self._random.choice(WORDS)] = self._anything(depth + 1)
            return kept
        if isinstance(value, list):
            return [self._bent(part, depth + 1) for part in value for _ in range(self._random.choice((0, 1, 1, 1, 2)))]
        return value

    def _anything(self, depth: int) -> Any:
        kinds = [
            lambda: None,
            lambda: self._random.choice(WORDS),
            lambda: _Raw(self._random.choice(NUMBERS)),
            lambda: self._random.randint(-(10**20), 10**20),
            lambda: self._random.random() < 0.5,
            dict,
            lambda: [self._anything(depth + 1)] if depth < 12 else [],
            lambda: {self._random.choice(WORDS): self._anything(depth + 1)} if depth < 12 else {},
        ]
        return self._random.choice(kinds)()

    def _written(self, value: Any) -> str:
        """JSON, or what looks like it: raw numbers, names that come twice, half pairs with and without escape."""
        if isinstance(value, _Raw):
            return value
        if isinstance(value, dict):
            parts = [f"{self._written(name)}:{self._written(part)}" for name, part in value.items()]
            if parts and self._random.random() < 0.03:
                parts.append(parts[0])
            return "{" + ",".join(parts) + "}"
        if isinstance(value, list):
            return "[" + ",".join(map(self._written, value)) + "]"
        return json.dumps(value, ensure_ascii=self._random.random() < 0.5)

    def _broken(self, raw: bytes) -> bytes:
        """Cut, doubled, or with some bytes that are not its own."""
        for _ in range(self._random.randint(1, 3)):
            place = self._random.randrange(len(raw) + 1)
            match self._random.randrange(4):
                case 0:
                    raw = raw[:place]
                case 1:
                    raw = raw[:place] + self._random.choice(PIECES) + raw[place:]
                case 2:
                    raw = raw[:place] + bytes([self._random.randrange(256)]) + raw[place + 1 :]
                case _:
                    raw = raw[:place] + raw[place // 2 :]
        return raw


class _Raw(str):
    """A number as it is written."""

    __slots__ = ()
