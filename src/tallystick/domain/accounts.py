"""Accounts of people who log in: their e-mail address, password and role, and how long a session of theirs lasts."""

import base64
import hashlib
import ipaddress
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from tallystick.values.errors import InvalidInput
from tallystick.values.ids import AccountId, CustomerId, derived

IDLE_MAX = timedelta(minutes=30)
LIFE_MAX = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)  # how exactly the last use of a session is noted: each time would be a write for each read
TRY_WINDOW = timedelta(minutes=15)
EMAIL_LENGTH_MAX = 254
PASSWORD_LENGTH_MIN, PASSWORD_LENGTH_MAX = 8, 256
_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,64}@[^\s@\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,253}")
_SURROGATES = re.compile("[\ud800-\udfff]")
SESSION_PREFIX = "tss_"
_TOKEN = re.compile(r"tss_[A-Za-z0-9_-]{43}", re.ASCII)
# The first that anybody tries; whoever wants a longer list has one that grows.
_COMMON = frozenset(
    """00000000 11111111 12341234 12345678 123456789 1234567890 123123123 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 87654321 987654321 aa123456
    abc12345 abcd1234 access14 administrator asdfasdf asdfghjk asdfghjkl baseball bigdaddy butthead changeme charlie1 computer
    corvette danielle dolphins einstein football hello123 iloveyou internet jennifer jordan23 letmein1 liverpool maverick
    mercedes metallica michelle midnight mustang1 p@ssw0rd passw0rd password password1 password12 password123 password1234
    princess qwer1234 qwerty12 qwerty123 qwertyui qwertyuiop samantha starwars steelers sunshine superman tallystick test1234
    trustno1 victoria welcome1 welcome123 whatever zaq12wsx zxcvbnm1""".split()
)


class Role(StrEnum):
    """What an account may see: its own, or everybody's."""

    USER = "user"
    ADMIN = "admin"


class CountedBy(StrEnum):
    """What tries are counted by, and how many there may be within TRY_WINDOW."""

    LOG_IN_ACCOUNT = "log_in_account"
    LOG_IN_ADDRESS = "log_in_address"
    REGISTER_ADDRESS = "register_address"


TRIES_MAX = {CountedBy.LOG_IN_ACCOUNT: 5, CountedBy.LOG_IN_ADDRESS: 5, CountedBy.REGISTER_ADDRESS: 20}


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who logs in. `id` is also the id of the customer that they are."""

    id: AccountId
    email: str
    role: Role
    created_at: datetime
    password_hash: str = field(repr=False)

    @property
    def customer_id(self) -> CustomerId:
        return CustomerId(self.id)

    @property
    def actor(self) -> str:
        """The name under which the audit knows it."""
        return f"account:{self.id}"

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in, until it is ended, has not been used for half an hour, or is half a day old; kept by the hash of its token."""

    digest: str = field(repr=False)
    account_id: AccountId
    created_at: datetime
    seen_at: datetime

    @property
    def ends_at(self) -> datetime:
        """When it is over, if it is not used again before."""
        return min(self.seen_at + IDLE_MAX, self.created_at + LIFE_MAX)

    def is_over(self, now: datetime) -> bool:
        return now >= self.ends_at

    def is_to_be_noted(self, now: datetime) -> bool:
        return now >= self.seen_at + SEEN_EVERY


def checked_email(text: str) -> str:
    """The address as it is kept: lower case, in one form of Unicode. Raises InvalidInput."""
    email = unicodedata.normalize("NFC", text.strip()).lower()
    if len(email) > EMAIL_LENGTH_MAX or _EMAIL.fullmatch(email) is None:
        raise InvalidInput('email: not an e-mail address; write it as "ada@example.com"', field="email")
    return email


def checked_password(text: str, *, email: str) -> str:
    """The password as it is hashed: any 8 to 256 characters that are not the first that anybody tries. Raises InvalidInput."""
    if not PASSWORD_LENGTH_MIN <= len(text) <= PASSWORD_LENGTH_MAX:
        raise InvalidInput(f"password: must have {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters", field="password")
    if _SURROGATES.search(text):
        raise InvalidInput("password: has a character that is no text", field="password")
    if text.lower() in _COMMON | {email, email.partition("@")[0]} or len(set(text)) < 3:
        raise InvalidInput("password: is too easily guessed; take another one", field="password", code="common_password")
    return _one_form(text)


def hashed_password(password: str, *, salt: bytes) -> str:
    """What is kept of a password: Argon2id, with the parameters within it, so that they may grow."""
    from argon2.low_level import Type, hash_secret

    # 19 MiB, twice: the least that OWASP asks for, and as much as forty threads of a service may take at once.
    kept = hash_secret(password.encode(), salt, time_cost=2, memory_cost=19_456, parallelism=1, hash_len=32, type=Type.ID)
    return kept.decode()


# What a stranger's password is compared with, so that they wait as long as anybody; whatever comes of it, it opens nothing.
NOBODYS_HASH = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5cyBzYWx0IDE2Yg$+gHPEVXCrUeIIsfFxLOPbOMR6pulWfNfMNS5vtQY7i8"


def is_password_of(password: str, kept: str) -> bool:
    """Takes the same time whether it is or not."""
    from argon2.exceptions import Argon2Error
    from argon2.low_level import Type, verify_secret

    if len(password) > PASSWORD_LENGTH_MAX or _SURROGATES.search(password):
        password = ""
    try:
        return verify_secret(kept.encode(), _one_form(password).encode(), Type.ID)
    except Argon2Error:
        return False


def write_token(chance: bytes) -> str:
    """The token of a session, out of 32 random bytes; its prefix lets scanners find one that leaked."""
    return SESSION_PREFIX + base64.urlsafe_b64encode(chance).decode().rstrip("=")


def written_password(chance: bytes) -> str:
    """A password for somebody who is told it once, out of 15 random bytes."""
    text = base64.b32encode(chance).decode().lower()
    return "-".join(text[i : i + 6] for i in range(0, len(text), 6))


def digest_of(token: str) -> str | None:
    """What a session is kept under; None for what is no token. It has 256 bits of chance: stretching would add but time."""
    return hashlib.sha256(token.encode()).hexdigest() if _TOKEN.fullmatch(token) else None


def counted_by(by: CountedBy, whose: str) -> str:
    """The name that tries are counted under; neither the account nor the address can be read from it."""
    return derived("try", by.value, whose)


def network(address: str) -> str:
    """Whom an address stands for: of IPv6, everybody has a whole network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(parsed), 64), strict=False).network_address)
    return str(parsed)


def _one_form(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
