"""Invoices on the wire: amounts in minor units with their currency, rates and quantities as decimal texts."""

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from tallystick.domain.credit_notes import CreditNote, due
from tallystick.domain.discounts import AppliedDiscount
from tallystick.domain.invoices import Invoice
from tallystick.domain.lines import Line
from tallystick.domain.payments import Payment
from tallystick.domain.price_documents import write_price
from tallystick.domain.rating import Detail
from tallystick.flows.collect import Collected
from tallystick.flows.explain_invoice import Explanation
from tallystick.values.decimals import plain
from tallystick.values.time import Period, rfc3339
from tallystick.web.amendment_schemas import RecordedShown
from tallystick.web.credit_note_schemas import CreditNoteShown
from tallystick.web.schemas import Number, PriceDocument, moment


class PeriodShown(BaseModel):
    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    since: str = Field(alias="from")
    until: str

    @classmethod
    def of(cls, period: Period) -> Self:
        return cls(since=rfc3339(period.start), until=rfc3339(period.end))


class LineShown(BaseModel):
    id: str
    kind: Literal["usage", "recurring", "one_time", "credit"]
    charge: str
    meter: str | None = Field(description="Null for a fee, which nothing measures.")
    description: str
    period: PeriodShown
    part: int = Field(description="Above 0: what came late to a period that was billed before.")
    quantity: Number
    share: Number = Field(description='How much of a full period this is, from 0 to 1; where digits never end, "n/d".')
    credits: str | None = Field(description="Of a credit: the line that it gives a part of back.")
    amount: int
    taken_off: int | None = Field(
        description="Where usage turned out to be less: what of the difference had been taken off before."
    )
    currency: str

    @classmethod
    def of(cls, line: Line) -> Self:
        return cls(**_line(line))


class AppliedDiscountShown(BaseModel):
    """What a discount takes off the invoice; `shares` says of which lines."""

    coupon: str
    description: str
    amount: int
    shares: dict[str, int]

    @classmethod
    def of(cls, applied: AppliedDiscount) -> Self:
        shares = {line_id: share.minor for line_id, share in applied.shares}
        return cls(coupon=applied.coupon_key, description=applied.description, amount=applied.amount.minor, shares=shares)


class InvoiceShown(BaseModel):
    """`total` = `subtotal` - `discount` + `carried_in` - `credits_applied` - `carried_out`.

    `amount_due` is asked for now: of an open invoice, `total` less what credit notes took off it.
    """

    id: str
    number: str | None
    customer: str
    subscription: str | None
    status: str
    currency: str
    subtotal: int
    discount: int
    discounts: list[AppliedDiscountShown]
    carried_in: int
    credits_applied: int
    carried_out: int
    total: int
    amount_due: int
    credit_notes: list[CreditNoteShown]
    period: PeriodShown
    lines: list[LineShown]
    created_at: str
    opened_at: str | None
    due_at: str | None
    closed_at: str | None

    @classmethod
    def of(cls, invoice: Invoice, notes: Sequence[CreditNote] = ()) -> Self:
        return cls(
            id=invoice.id,
            number=invoice.number,
            customer=invoice.customer_id,
            subscription=invoice.subscription_id,
            status=invoice.status.value,
            currency=invoice.currency.code,
            subtotal=invoice.subtotal.minor,
            discount=invoice.discount.minor,
            discounts=[AppliedDiscountShown.of(applied) for applied in invoice.discounts],
            carried_in=invoice.carried_in.minor,
            credits_applied=invoice.credits_applied.minor,
            carried_out=invoice.carried_out.minor,
            total=invoice.total.minor,
            amount_due=due(invoice, notes).minor,
            credit_notes=[CreditNoteShown.of(note) for note in notes],
            period=PeriodShown.of(invoice.period),
            lines=[LineShown.of(line) for line in invoice.lines],
            created_at=rfc3339(invoice.created_at),
            opened_at=moment(invoice.opened_at),
            due_at=moment(invoice.due_at),
            closed_at=moment(invoice.closed_at),
        )


class InvoicesShown(BaseModel):
    """One invoice for each currency."""

    data: list[InvoiceShown]


class DeclineShown(BaseModel):
    code: str
    message: str


class PaymentShown(BaseModel):
    """`url` is the hosted page, where there is one. `client_secret` is for the buyer's browser alone."""

    id: str
    invoice: str
    status: str
    method: str
    amount: int
    currency: str
    url: str | None
    decline: DeclineShown | None
    held: Literal["lines", "amount", "charges"] | None = Field(
        description="Beyond which safety bound it is; not charged by itself until it is released."
    )
    released_at: str | None = Field(description="When somebody released it, had it been held.")
    updated_at: str
    client_secret: str | None = None

    @classmethod
    def of(cls, payment: Payment, *, client_secret: str | None = None) -> Self:
        decline, held = payment.decline, payment.held
        return cls(
            id=payment.id,
            invoice=payment.invoice_id,
            status=payment.status.value,
            method=payment.method.value,
            amount=payment.amount.minor,
            currency=payment.amount.currency.code,
            url=payment.url,
            decline=None if decline is None else DeclineShown(code=decline.code, message=decline.message),
            held=None if held is None or held.released_at is not None else held.reason.value,
            released_at=None if held is None else moment(held.released_at),
            updated_at=rfc3339(payment.updated_at),
            client_secret=client_secret,
        )


class CollectedShown(BaseModel):
    """`again_in_seconds`: the outcome is not known yet; we ask again by ourselves, and so may you."""

    payment: PaymentShown
    again_in_seconds: int | None

    @classmethod
    def of(cls, collected: Collected) -> Self:
        again_in = collected.again_in
        return cls(
            payment=PaymentShown.of(collected.payment, client_secret=collected.client_secret),
            again_in_seconds=None if again_in is None else int(again_in.total_seconds()),
        )


class DetailShown(BaseModel):
    """A row of the sum, exact, in major units; where digits never end, a fraction "n/d"."""

    kind: str
    tier: int | None
    quantity: Number
    unit_amount: Number
    flat_amount: Number
    amount: Number

    @classmethod
    def of(cls, detail: Detail) -> Self:
        return cls(
            kind=detail.kind.value,
            tier=detail.tier,
            quantity=plain(detail.quantity),
            unit_amount=plain(detail.unit_amount),
            flat_amount=plain(detail.flat_amount),
            amount=plain(detail.amount),
        )


class LineExplained(LineShown):
    """The line with its price, the rows of its sum, and the first of its events."""

    price: PriceDocument
    exact: Number
    details: list[DetailShown]
    events: list[RecordedShown]


class ExplanationShown(BaseModel):
    invoice: InvoiceShown
    payment: PaymentShown | None
    lines: list[LineExplained]

    @classmethod
    def of(cls, explanation: Explanation) -> Self:
        invoice, payment = explanation.invoice, explanation.payment
        lines = [
            LineExplained(
                **_line(line),
                price=write_price(line.price),
                exact=plain(line.rating.exact.amount),
                details=[DetailShown.of(detail) for detail in line.rating.details],
                events=[RecordedShown.recorded(event, explanation.amendment(event)) for event in events],
            )
            for line, events in zip(invoice.lines, explanation.events, strict=True)
        ]
        return cls(
            invoice=InvoiceShown.of(invoice, explanation.credit_notes),
            payment=None if payment is None else PaymentShown.of(payment),
            lines=lines,
        )


def _line(line: Line) -> dict[str, Any]:
    return {
        "id": line.id,
        "kind": line.kind.value,
        "charge": line.charge_key,
        "meter": line.meter_key,
        "description": line.description,
        "period": PeriodShown.of(line.period),
        "part": line.part,
        "quantity": plain(line.quantity),
        "share": plain(line.share),
        "credits": line.credits,
        "amount": line.amount.minor,
        "taken_off": None if line.taken_off is None else line.taken_off.minor,
        "currency": line.amount.currency.code,
    }
