"""What the dashboard of an app's user shows, beside what the engine's own routes show in the same form."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, Field

from tallystick.domain.invoices import Invoice
from tallystick.domain.price_documents import write_price
from tallystick.domain.usage import Meter
from tallystick.values.decimals import plain
from tallystick.values.time import Period
from tallystick.web.credit_schemas import GrantShown
from tallystick.web.invoice_schemas import DetailShown, InvoiceShown, LineShown, PeriodShown
from tallystick.web.plan_schemas import Interval, PlanShown
from tallystick.web.quota_schemas import SpendShown
from tallystick.web.schemas import Key, Number, PriceDocument, Sent, moment

Percent = Annotated[int, Field(ge=1, le=1000)]


class OfferedShown(BaseModel):
    """The plans that one can go over to, and the meters that they name."""

    data: list[PlanShown]


class DayShown(BaseModel):
    """One UTC day."""

    date: str
    quantity: Number


class DaysShown(BaseModel):
    """The days of a period, and those of the period of the same length before it."""

    meter: str
    unit: str
    period: PeriodShown
    data: list[DayShown]
    before: list[DayShown]

    @classmethod
    def of(cls, meter: Meter, period: Period, days: list[tuple[date, Decimal]], before: list[tuple[date, Decimal]]) -> Self:
        return cls(meter=meter.key, unit=meter.unit, period=PeriodShown.of(period), data=_days(days), before=_days(before))


class LineRated(LineShown):
    """A line with its price and the rows of its sum, exact."""

    price: PriceDocument
    exact: Number
    details: list[DetailShown]


class ComingInvoice(BaseModel):
    """`on` is when its period ends; null where it comes only when it is asked for."""

    on: str | None
    invoice: InvoiceShown
    lines: list[LineRated]

    @classmethod
    def of(cls, invoice: Invoice, on: datetime | None = None) -> Self:
        lines = [
            LineRated(
                **LineShown.of(line).model_dump(),
                price=write_price(line.price),
                exact=plain(line.rating.exact.amount),
                details=[DetailShown.of(detail) for detail in line.rating.details],
            )
            for line in invoice.lines
        ]
        return cls(on=moment(on), invoice=InvoiceShown.of(invoice), lines=lines)


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


def _days(days: list[tuple[date, Decimal]]) -> list[DayShown]:
    return [DayShown(date=day.isoformat(), quantity=plain(quantity)) for day, quantity in days]
