"""Dunning on the wire: what has failed, what happens next and when, and every try."""

from typing import Self

from pydantic import BaseModel, Field

from tallystick.app.dunning import Dunned, Written
from tallystick.domain.dunning import Try
from tallystick.domain.dunning_letters import reason
from tallystick.values.time import rfc3339
from tallystick.web.schemas import moment


class TryShown(BaseModel):
    """One attempt to collect. `code` is null while it is not known how it ends, and where it has succeeded."""

    cause: str
    due_at: str
    begun_at: str
    failed_at: str | None
    code: str | None
    reason: str | None

    @classmethod
    def of(cls, each: Try) -> Self:
        return cls(
            cause=each.cause.value,
            due_at=rfc3339(each.due_at),
            begun_at=rfc3339(each.begun_at),
            failed_at=moment(each.failed_at),
            code=each.code,
            reason=None if each.code is None else reason(each.code, "en"),
        )


class LetterShown(BaseModel):
    """What the customer was told by mail. `status` is waiting, delivered or failed; null: they have no address."""

    id: str
    type: str
    at: str
    status: str | None

    @classmethod
    def of(cls, written: Written) -> Self:
        status = None if written.dispatch is None else written.dispatch.status.value
        return cls(id=written.message.id, type=written.message.type, at=rfc3339(written.message.created_at), status=status)


class DunningShown(BaseModel):
    """The dunning of one invoice. `attempts` and `letters` are listed where one is asked for by its id."""

    invoice: str
    number: str | None
    customer: str
    subscription: str | None
    total: int = Field(description="Of the invoice, in minor units of its currency.")
    currency: str
    state: str = Field(description="retrying, waiting, trying, given_up or over")
    code: str = Field(description="Why the newest try failed: the bank's own code.")
    reason: str
    ask: str = Field(description="What the customer is asked for: patience, new_card or confirm.")
    tries: int = Field(description="How many were begun by the calendar.")
    begun_at: str
    failed_at: str
    next_at: str | None = Field(description="When the next thing happens by itself; null: nothing does.")
    attempts: list[TryShown] | None = None
    letters: list[LetterShown] | None = None

    @classmethod
    def of(cls, found: Dunned) -> Self:
        dunning, invoice = found.dunning, found.invoice
        return cls(
            invoice=invoice.id,
            number=invoice.number,
            customer=invoice.customer_id,
            subscription=invoice.subscription_id,
            total=invoice.total.minor,
            currency=invoice.currency.code,
            state=dunning.state.value,
            code=dunning.code,
            reason=reason(dunning.code, "en"),
            ask=found.ask.value,
            tries=dunning.tries,
            begun_at=rfc3339(dunning.begun_at),
            failed_at=rfc3339(dunning.failed_at),
            next_at=moment(dunning.next_at),
            attempts=[TryShown.of(each) for each in found.tries] or None,
            letters=[LetterShown.of(each) for each in found.letters] if found.tries else None,
        )
