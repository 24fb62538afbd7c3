"""All that a flow may touch. Nothing here is global: two engines in one process do not meet."""

import tomllib
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from importlib.resources import files

from tallystick.couriers.protocol import Egress, Mailer, NoEgress, NoMailer
from tallystick.documents.pdf import Press
from tallystick.domain.alerts import SpikeRule
from tallystick.domain.dunning import End, Policy
from tallystick.domain.dunning_documents import read_policy
from tallystick.domain.invoice_documents import Seller
from tallystick.domain.letters import Locale
from tallystick.domain.operations import VitalRules
from tallystick.domain.safety import Bounds
from tallystick.providers.protocol import PaymentProvider
from tallystick.storage.database import Database
from tallystick.values.faults import Faults, NoFaults
from tallystick.values.ids import Ids
from tallystick.values.time import Clock


@cache
def shipped_policy() -> Policy:
    """The rules of dunning that come with the package."""
    return read_policy(tomllib.loads(files("tallystick").joinpath("dunning.toml").read_text("utf-8")))


@dataclass(frozen=True, slots=True)
class Terms:
    """What the business has decided: how long an invoice may stay open, the first letters of its number, and for how long
    after the end of a period usage may still come before it is invoiced.

    `dunning` says what happens after a payment has failed, and `dunning_end` what becomes of the subscription after that;
    `safety`, beyond what a payment is held and not charged.
    """

    due: timedelta = timedelta(days=14)
    grace: timedelta = timedelta(hours=1)
    number_prefix: str = "INV"
    seller: Seller = field(default_factory=Seller)
    dunning: Policy = field(default_factory=shipped_policy)
    dunning_end: End = End.KEEP
    safety: Bounds = field(default_factory=Bounds)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """How others are told: the language and sender of mail, whom to tell of what the business should know, what is unusual.

    `key` is what endpoints' secrets are made from; None: one is made for the database, and kept in it. Links in letters begin
    with `base_url`, under which browsers reach the service.
    """

    key: bytes | None = field(default=None, repr=False)
    local: bool = False
    locale: Locale = "en"
    mail_domain: str = "tallystick.invalid"
    operator: str | None = field(default=None, repr=False)
    spike: SpikeRule = field(default_factory=SpikeRule)
    vitals: VitalRules = field(default_factory=VitalRules)
    base_url: str = "http://localhost:8000"
    mail_invoices: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """The world as it was handed in: storage, time, ids, the provider, and the points where tests may strike."""

    database: Database
    clock: Clock
    ids: Ids
    provider: PaymentProvider
    terms: Terms = field(default_factory=Terms)
    faults: Faults = field(default_factory=NoFaults)
    egress: Egress = field(default_factory=NoEgress)
    mailer: Mailer = field(default_factory=NoMailer)
    outgoing: Outgoing = field(default_factory=Outgoing)
    press: Press = field(default_factory=Press)
