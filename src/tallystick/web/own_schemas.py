"""What the dashboard of an app's user shows, beside what the engine's own routes show in the same form."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, Field

from tallystick.domain.invoices import Invoice
from tallystick.domain.pace import Pace
from tallystick.domain.price_documents import write_price
from tallystick.domain.usage import Meter
from tallystick.values.decimals import plain
from tallystick.values.time import Period
from tallystick.web.credit_schemas import GrantShown
from tallystick.web.invoice_schemas import DetailShown, InvoiceShown, LineShown, PeriodShown
from tallystick.web.plan_schemas import Interval, PlanShown
from tallystick.web.quota_schemas import SpendShown
from tallystick.web.schemas import Key, Number, PriceDocument, Sent, moment

Days = list[tuple[date, Decimal]]
Percent = Annotated[int, Field(ge=1, le=1000)]


class OfferedShown(BaseModel):
    """The plans that one can go over to, and the meters that they name."""

    data: list[PlanShown]


class DayShown(BaseModel):
    """One UTC day."""

    date: str
    quantity: Number


class PaceShown(BaseModel):
    """If it goes on so: `total` at the end of the period, `per_day` on each day from `since` on."""

    total: Number
    per_day: Number
    since: str

    @classmethod
    def of(cls, pace: Pace) -> Self:
        return cls(total=plain(pace.total), per_day=plain(pace.per_day), since=pace.since.isoformat())


class DaysShown(BaseModel):
    """The days of a period, and those of the period of the same length before it.

    `pace` is null where it cannot be said: too early, nothing used, no day left, or what does not grow with time.
    """

    meter: str
    unit: str
    period: PeriodShown
    data: list[DayShown]
    before: list[DayShown]
    pace: PaceShown | None

    @classmethod
    def of(cls, meter: Meter, period: Period, days: Days, before: Days, *, pace: Pace | None) -> Self:
        return cls(
            meter=meter.key,
            unit=meter.unit,
            period=PeriodShown.of(period),
            data=_days(days),
            before=_days(before),
            pace=None if pace is None else PaceShown.of(pace),
        )


class LineRated(LineShown):
    """A line with its price and the rows of its sum, exact."""

    price: PriceDocument
    exact: Number
    details: list[DetailShown]


class DraftShown(BaseModel):
    invoice: InvoiceShown
    lines: list[LineRated]

    @classmethod
    def of(cls, invoice: Invoice) -> Self:
        lines = [
            LineRated(
                **LineShown.of(line).model_dump(),
                price=write_price(line.price),
                exact=plain(line.rating.exact.amount),
                details=[DetailShown.of(detail) for detail in line.rating.details],
            )
            for line in invoice.lines
        ]
        return cls(invoice=InvoiceShown.of(invoice), lines=lines)


class ComingInvoice(BaseModel):
    """As things stand. `on` is when its period ends; null where it comes only when it is asked for.

    `at_pace` is the same if usage goes on as it has so far; null where that says nothing else.
    """

    on: str | None
    invoice: InvoiceShown
    lines: list[LineRated]
    at_pace: DraftShown | None

    @classmethod
    def of(cls, invoice: Invoice, on: datetime | None = None, at_pace: Invoice | None = None) -> Self:
        draft = DraftShown.of(invoice)
        other = None if at_pace is None or at_pace.lines == invoice.lines else DraftShown.of(at_pace)
        return cls(on=moment(on), invoice=draft.invoice, lines=draft.lines, at_pace=other)


class ComingShown(BaseModel):
    """What will be invoiced at the end of each period, as things stand."""

    data: list[ComingInvoice]


class OwnChangeBody(Sent):
    """The plan to go over to. Upwards at once, downwards at the end of the period."""

    plan: Key
    interval: Interval | None = None


class OwnThresholdsBody(Sent):
    meter: Key
    thresholds: list[Percent] = Field(max_length=20, description="Whole percents of the quota; none: nothing is told.")


class OwnThresholdsShown(BaseModel):
    meter: str
    thresholds: list[int]


class OwnLimitsShown(BaseModel):
    """When one is told of a quota's use, and the cap on what may be spent in a month; null: nothing caps it."""

    cap: SpendShown | None
    thresholds: list[OwnThresholdsShown]


class OwnCreditsShown(BaseModel):
    data: list[GrantShown]


def _days(days: Days) -> list[DayShown]:
    return [DayShown(date=day.isoformat(), quantity=plain(quantity)) for day, quantity in days]
