"""What was told of one of the provider's objects, by a webhook or by comparing its half with ours; and what became of that."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.payments import ProviderFact
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refused, Unknown
from tallystick.storage.provider_events import Settlement

_PATIENCE = 30  # tries, of a day: so long may it take until we know that we have deleted an object ourselves


@dataclass(frozen=True, slots=True)
class News:
    """What was told, by whom (`via`), and how often it was looked into before.

    `delivery_id`: the delivery that is marked in the transaction of its effect; None: nobody waits for a mark.
    """

    fact: ProviderFact
    via: str = "webhook"
    delivery_id: str | None = None
    attempt: int = 0

    @property
    def wait(self) -> timedelta:
        return domain.retries.wait(self.delivery_id or self.via, self.attempt)

    @property
    def is_patient(self) -> bool:
        return self.attempt < _PATIENCE


@dataclass(frozen=True, slots=True)
class Became:
    """The news is looked into, and nothing more follows from it; `reason` says why it came to nothing, or to less."""

    settlement: Settlement
    reason: str | None = None


Result = Became | timedelta  # or how long to wait, and look again


def noted(ctx: Context, conn: Connection, news: News, settlement: Settlement, reason: str | None = None) -> Became:
    """What became of the news, written down where its effect is."""
    if news.delivery_id is not None:
        storage.provider_events.mark(conn, news.delivery_id, settlement, reason, at=ctx.clock.now())
    return Became(settlement, reason)


def mark(ctx: Context, news: News, settlement: Settlement, reason: str | None = None) -> Became:
    """The same, for news without an effect."""
    ctx.faults.mark(f"delivery.{settlement}" if news.delivery_id else f"{news.via}.{settlement}")
    with ctx.database.transaction("mark delivery") as conn:
        return noted(ctx, conn, news, settlement, reason)


def no_answer(ctx: Context, news: News, outcome: Refused | Limited | Unknown) -> Result:
    """The provider did not say how the object stands: asked again, or left to people."""
    match outcome:
        case Limited(after=again_in) | Unknown(after=again_in):
            return max(news.wait, again_in)
        case Refused(unheard=True):
            return news.wait
        case Refused(code, message):
            return mark(ctx, news, Settlement.PARKED, f"{code}: {message}")
