"""Customer: who is billed."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId

LANGUAGES = ("en", "ja")
KEY_LENGTH_MAX = 256
KEY_BYTES_MAX = 768  # three keys fit into one entry of a PostgreSQL index, which takes 2,704 bytes
# What is printable has none of these; what is not, such as a wide space, may have none either.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Customer:
    """`id` is the host's own id of its user or organisation; `provider_ref` is the provider's id, once it has one.

    `provider_round` counts how often the provider has lost that one: what makes the next one has a key of its own. `language`
    is the one that they are written to in; None: that of the business.
    """

    id: CustomerId
    created_at: datetime
    email: str | None = None
    name: str | None = None
    provider_ref: str | None = None
    provider_round: int = 0
    language: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderCustomer:
    """What the provider holds, now. `customer_id` is ours, where it carries one; `gone`: it was deleted, and stays so."""

    ref: str
    customer_id: CustomerId | None
    gone: bool = False


def checked_language(text: str | None) -> str | None:
    """A language that letters are written in; None: that of the business. Raises InvalidInput."""
    if text is not None and text not in LANGUAGES:
        raise InvalidInput(f"language: must be one of {', '.join(LANGUAGES)}", field="language")
    return text


def checked_key(text: str, *, field: str) -> str:
    """`text` if it can be a key (customer, source, event id, meter): 1 to 256 characters, 768 bytes, no control characters.

    Kept to the character: neither trimmed nor case-folded, so that two keys never become one.
    """
    if not 1 <= len(text) <= KEY_LENGTH_MAX:
        raise InvalidInput(f"{field}: must have 1 to {KEY_LENGTH_MAX} characters", field=field)
    if not text.isprintable() and _CONTROL.search(text):
        raise InvalidInput(f"{field}: must not contain control characters", field=field)
    if not text.isascii() and len(text.encode()) > KEY_BYTES_MAX:
        raise InvalidInput(f"{field}: must have at most {KEY_BYTES_MAX} bytes in UTF-8", field=field)
    return text


def check_keys(texts: Collection[str], *, field: str) -> None:
    """Raises InvalidInput unless each of `texts` can be a key; most are told by one look at all of them."""
    joined = "".join(texts)
    if len(joined) > KEY_LENGTH_MAX or "" in texts or not joined.isprintable():
        for text in texts:
            checked_key(text, field=field)
