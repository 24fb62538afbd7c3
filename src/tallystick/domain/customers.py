"""Customer: who is billed."""

import re
from dataclasses import dataclass
from datetime import datetime

from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId

KEY_LENGTH_MAX = 256
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Customer:
    """`id` is the host's own id of its user or organisation; `provider_ref` is the provider's id, once it has one."""

    id: CustomerId
    created_at: datetime
    email: str | None = None
    name: str | None = None
    provider_ref: str | None = None


def checked_key(text: str, *, field: str) -> str:
    """`text` if it can be a key (customer, source, event id, meter): 1 to 256 characters, none of them a control character.

    Kept to the character: neither trimmed nor case-folded, so that two keys never become one.
    """
    if not 1 <= len(text) <= KEY_LENGTH_MAX:
        raise InvalidInput(f"{field}: must have 1 to {KEY_LENGTH_MAX} characters", field=field)
    if _CONTROL.search(text):
        raise InvalidInput(f"{field}: must not contain control characters", field=field)
    return text
