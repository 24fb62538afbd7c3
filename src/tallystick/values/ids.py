"""Ids that say what they are: derived from facts where a second run must be the first, else time-ordered from `Ids`."""

import hashlib
import secrets
import threading
from typing import NewType, Protocol

from tallystick.values.time import Clock, SystemClock, to_micros

CustomerId = NewType("CustomerId", str)  # the host's own external id, as it is
EventId = NewType("EventId", str)
MeterKey = NewType("MeterKey", str)
InvoiceId = NewType("InvoiceId", str)
LineId = NewType("LineId", str)
PaymentId = NewType("PaymentId", str)
CheckoutId = NewType("CheckoutId", str)
CreditNoteId = NewType("CreditNoteId", str)
RefundId = NewType("RefundId", str)
DisputeId = NewType("DisputeId", str)
TransactionId = NewType("TransactionId", str)
AccountId = NewType("AccountId", str)
JobId = NewType("JobId", str)
OperationId = NewType("OperationId", str)  # the host's own name for one use of a quota
ReservationId = NewType("ReservationId", str)
DiscountId = NewType("DiscountId", str)
GrantId = NewType("GrantId", str)
SubscriptionId = NewType("SubscriptionId", str)
AlertId = NewType("AlertId", str)
EndpointId = NewType("EndpointId", str)
MessageId = NewType("MessageId", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def derived(prefix: str, *facts: str) -> str:
    """The same id for the same facts, for ever; each fact is hashed with its length, so ("a", "bc") is not ("ab", "c")."""
    digest = hashlib.sha256(b"".join(len(raw).to_bytes(4, "big") + raw for raw in (fact.encode() for fact in facts)))
    return f"{prefix}_{_base32(int.from_bytes(digest.digest()[:16], 'big'), 26)}"


class Ids(Protocol):
    """The only source of randomness."""

    def new(self, prefix: str) -> str: ...

    def secret(self, size: int) -> bytes: ...


class SystemIds:
    """48 bits of milliseconds, then 80 random ones: sorts by time, cannot be guessed."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    def new(self, prefix: str) -> str:
        millis = to_micros(self._clock.now()) // 1000
        return f"{prefix}_{_base32(millis << 80 | secrets.randbits(80), 26)}"

    def secret(self, size: int) -> bytes:
        return secrets.token_bytes(size)


class SeededIds:
    """Ids for tests and the simulator: the same seed gives the same ids, in order."""

    def __init__(self, seed: int = 0) -> None:
        self._seed, self._count, self._lock = seed, 0, threading.Lock()

    def new(self, prefix: str) -> str:
        return f"{prefix}_{self._next().hex()[:26]}"

    def secret(self, size: int) -> bytes:
        block = b"".join(self._next() for _ in range(size // 32 + 1))
        return block[:size]

    def _next(self) -> bytes:
        with self._lock:
            self._count += 1
            return hashlib.sha256(f"{self._seed}:{self._count}".encode()).digest()


def _base32(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
