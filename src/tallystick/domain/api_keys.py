"""API keys: their form, their checksum, what each scope lets its holder do. Secrets are seen once, and kept as a hash."""

import hashlib
import hmac
import re
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tallystick.domain.customers import checked_key
from tallystick.values.errors import InvalidInput

LIFE_DEFAULT = timedelta(days=365)
LIFE_MAX = timedelta(days=3650)
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KEY_ID_LENGTH, _SECRET_LENGTH, _CHECKSUM_LENGTH = 10, 43, 6
_FORM = re.compile(r"mk_(sandbox|test|live)_([0-9A-Za-z]{10})([0-9A-Za-z]{43})([0-9A-Za-z]{6})", re.ASCII)


class Scope(StrEnum):
    """What a key may do. `admin` may do everything."""

    EVENTS_WRITE = "events:write"
    USAGE_READ = "usage:read"
    QUOTA_CONSUME = "quota:consume"
    BILLING_READ = "billing:read"
    BILLING_WRITE = "billing:write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: its name and scopes, and never its secret."""

    key_id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key with its token, which nobody can show again."""

    key: ApiKey
    token: str

    @property
    def key_id(self) -> str:
        return self.key.key_id

    @property
    def scopes(self) -> frozenset[Scope]:
        return self.key.scopes


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: the key that was shown, or the admin who has logged in, and what they may do."""

    key_id: str
    name: str
    scopes: frozenset[Scope]
    account: str | None = None

    @property
    def actor(self) -> str:
        """The name under which the audit knows it."""
        return f"key:{self.key_id}" if self.account is None else f"account:{self.account}"

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes


@dataclass(frozen=True, slots=True)
class Token:
    """The parts of a token of the right form; whether its key exists is another question."""

    mode: str
    key_id: str
    secret: str


def read_token(text: str) -> Token | None:
    """The parts of a token, or None where its form or its checksum is wrong: such a one was mistyped, or made up."""
    match = _FORM.fullmatch(text)
    if match is None or not hmac.compare_digest(match[4].encode(), checksum(text[:-_CHECKSUM_LENGTH]).encode()):
        return None
    return Token(match[1], match[2], match[3])


def write_token(mode: str, key_id: str, secret: bytes) -> str:
    """`mk_<mode>_<key id><secret><checksum>`: the start and the checksum let scanners find one that leaked."""
    body = f"mk_{mode}_{key_id}{_base62(int.from_bytes(secret, 'big'), _SECRET_LENGTH)}"
    return body + checksum(body)


def key_id(chance: bytes) -> str:
    """The public part of a key, from 8 random bytes."""
    return _base62(int.from_bytes(chance[:7], "big"), _KEY_ID_LENGTH)


def checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM_LENGTH)


def hashed(secret: str, pepper: bytes) -> str:
    """What is kept of a secret. It has 256 bits of chance, so that stretching it would add nothing but time."""
    return hmac.new(pepper, secret.encode(), hashlib.sha256).hexdigest()


def is_hash_of(secret: str, pepper: bytes, kept: str) -> bool:
    return hmac.compare_digest(hashed(secret, pepper).encode(), kept.encode())


def refusal(key: ApiKey, *, now: datetime) -> str | None:
    """Why the key opens nothing now, or None where it does."""
    if key.revoked_at is not None:
        return "is revoked"
    if key.expires_at is not None and key.expires_at <= now:
        return "has expired"
    return None


def checked_name(name: str) -> str:
    """A name for people, as the audit shows it. Raises InvalidInput."""
    return checked_key(name, field="name")


def checked_scopes(words: Collection[str]) -> frozenset[Scope]:
    """At least one scope, each known. Raises InvalidInput."""
    known = {scope.value: scope for scope in Scope}
    if not words or any(word not in known for word in words):
        raise InvalidInput(f"scopes: one or more of {', '.join(known)}", field="scopes")
    return frozenset(known[word] for word in words)


def checked_life(life: timedelta | None) -> timedelta:
    """How long a key lives: a year unless told otherwise, never more than ten. Raises InvalidInput."""
    life = LIFE_DEFAULT if life is None else life
    if not timedelta(0) < life <= LIFE_MAX:
        raise InvalidInput("expires_in_days: from 1 to 3650", field="expires_in_days")
    return life


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
