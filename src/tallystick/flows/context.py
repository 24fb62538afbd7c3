"""All that a flow may touch. Nothing here is global: two engines in one process do not meet."""

from dataclasses import dataclass, field
from datetime import timedelta

from tallystick.providers.protocol import PaymentProvider
from tallystick.storage.database import Database
from tallystick.values.faults import Faults, NoFaults
from tallystick.values.ids import Ids
from tallystick.values.time import Clock


@dataclass(frozen=True, slots=True)
class Terms:
    """What the business has decided: how long an invoice may stay open, and the first letters of its number."""

    due: timedelta = timedelta(days=14)
    number_prefix: str = "INV"


@dataclass(frozen=True, slots=True)
class Context:
    """The world as it was handed in: storage, time, ids, the provider, and the points where tests may strike."""

    database: Database
    clock: Clock
    ids: Ids
    provider: PaymentProvider
    terms: Terms = field(default_factory=Terms)
    faults: Faults = field(default_factory=NoFaults)
