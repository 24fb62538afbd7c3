"""Credit notes and refunds on the wire: amounts in minor units of the invoice's currency."""

from typing import Annotated, Self

from pydantic import BaseModel, Field

from tallystick.domain.credit_notes import CreditNote
from tallystick.domain.refunds import Refund
from tallystick.values.money import Currency, Money
from tallystick.values.time import rfc3339
from tallystick.web.schemas import Key, Reason, Sent

Amount = Annotated[int, Field(ge=1, description="In minor units of the invoice's currency.")]
LINES_MAX = 1000


class RefundBody(Sent):
    """`amount` null: all that is left. `op` is your own name for this: sent again, nothing is done twice."""

    reason: Reason
    op: Key | None = Field(default=None, description="Null: the Idempotency-Key.")
    amount: Amount | None = None


class CreditNoteBody(RefundBody):
    """`lines` says how much of which line. `refund` null: what the provider collected goes back, other money stays a balance."""

    lines: dict[Key, Amount] = Field(default_factory=dict, max_length=LINES_MAX)
    refund: bool | None = None

    def money_of_lines(self, currency: Currency) -> dict[str, Money]:
        return {line_id: Money(minor, currency) for line_id, minor in self.lines.items()}


class InvoiceRefundBody(RefundBody):
    invoice: Key = Field(description="The id of the invoice that was paid.")


class CreditNoteShown(BaseModel):
    """`amount` = `reduced` (asked for no more) + `refunded` (goes back) + `credited` (the customer's balance)."""

    id: str
    number: str
    invoice: str
    customer: str
    currency: str
    amount: int
    reduced: int
    refunded: int
    credited: int
    carried: int = Field(description="What the next invoice asks for in this one's place.")
    lines: dict[str, int]
    reason: str
    created_at: str

    @classmethod
    def of(cls, note: CreditNote) -> Self:
        return cls(
            id=note.id,
            number=note.number,
            invoice=note.invoice_id,
            customer=note.customer_id,
            currency=note.amount.currency.code,
            amount=note.amount.minor,
            reduced=note.reduced.minor,
            refunded=note.refunded.minor,
            credited=note.credited.minor,
            carried=note.carried.minor,
            lines={line.line_id: line.amount.minor for line in note.lines},
            reason=note.reason,
            created_at=rfc3339(note.created_at),
        )


class CreditNotesShown(BaseModel):
    """In the order in which they were issued."""

    data: list[CreditNoteShown]


class RefundShown(BaseModel):
    """`excess` is the part that no credit note is for. `failure` is the provider's word for why it failed."""

    id: str
    invoice: str
    payment: str
    credit_note: str | None
    customer: str
    status: str
    origin: str = Field(description="`ours`, or `provider`: made in its dashboard.")
    currency: str
    amount: int
    excess: int
    failure: str | None
    reason: str
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, refund: Refund) -> Self:
        return cls(
            id=refund.id,
            invoice=refund.invoice_id,
            payment=refund.payment_id,
            credit_note=refund.credit_note_id,
            customer=refund.customer_id,
            status=refund.status.value,
            origin=refund.origin.value,
            currency=refund.amount.currency.code,
            amount=refund.amount.minor,
            excess=refund.excess.minor,
            failure=refund.failure,
            reason=refund.reason,
            created_at=rfc3339(refund.created_at),
            updated_at=rfc3339(refund.updated_at),
        )
