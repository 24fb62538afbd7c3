"""The bodies of the API: what is read is strict and becomes domain values; what is written is made `of` them."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tallystick.domain.api_keys import ApiKey, IssuedKey, Scope
from tallystick.domain.catalog import Charge
from tallystick.domain.customers import Customer
from tallystick.domain.payments import Collection, Method
from tallystick.domain.price_documents import read_price, write_price
from tallystick.domain.usage import Aggregation, Event, Meter, Usage
from tallystick.values.decimals import plain
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import MeterKey
from tallystick.values.time import Period, instant, rfc3339

# What can be a key: one line of text (domain/customers.py says it again, for those who come by another door).
Key = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
ExportName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
Line = Annotated[str, StringConstraints(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
Email = Annotated[str, StringConstraints(min_length=3, max_length=320, pattern=r"^[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+$")]
Moment = Annotated[str, Field(max_length=40, examples=["2026-01-31T09:30:00Z"], description="RFC 3339, with an offset.")]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
Number = Annotated[str, Field(examples=["1.25"], description="A decimal, exact.")]
PriceDocument = Annotated[
    dict[str, Any],
    Field(examples=[{"currency": "usd", "model": "per_unit", "unit_amount": "0.01"}], description="A price document."),
]


class Sent(BaseModel):
    """A body that is read: nothing is guessed, and a field that is not known is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class CustomerBody(Sent):
    email: Email | None = None
    name: Line | None = None
    language: Literal["en", "ja"] | None = Field(default=None, description="Of letters. Default: the language of the business.")


class CustomerShown(BaseModel):
    id: str
    email: str | None
    name: str | None
    language: str | None
    created_at: str

    @classmethod
    def of(cls, customer: Customer) -> Self:
        return cls(
            id=customer.id,
            email=customer.email,
            name=customer.name,
            language=customer.language,
            created_at=rfc3339(customer.created_at),
        )


class MeterBody(Sent):
    aggregation: Literal["count", "sum", "max", "latest", "unique", "time_weighted"] = "sum"
    decimals: int = Field(default=6, ge=0, le=12)
    unit: Line = "unit"
    allow_negative: bool = False
    unique_property: Key | None = None
    export_as: ExportName | None = None

    def to_domain(self, key: str) -> Meter:
        return Meter(
            MeterKey(key),
            Aggregation(self.aggregation),
            self.decimals,
            self.unit,
            self.allow_negative,
            self.unique_property,
            self.export_as,
        )


class MeterShown(BaseModel):
    key: str
    aggregation: str
    decimals: int
    unit: str
    allow_negative: bool
    unique_property: str | None
    export_as: str | None

    @classmethod
    def of(cls, meter: Meter) -> Self:
        return cls(
            key=meter.key,
            aggregation=meter.aggregation.value,
            decimals=meter.decimals,
            unit=meter.unit,
            allow_negative=meter.allow_negative,
            unique_property=meter.unique_property,
            export_as=meter.export_as,
        )


class ChargeBody(Sent):
    meter: Key
    price: PriceDocument
    display_name: Line = ""

    def to_domain(self, key: str) -> Charge:
        try:
            price = read_price(self.price)
        except InvalidInput as wrong:
            field = f"price.{wrong.field}" if wrong.field else "price"
            raise InvalidInput(f"price.{wrong.message}", code=wrong.code, field=field) from None
        return Charge(key, MeterKey(self.meter), price, self.display_name)


class ChargeShown(BaseModel):
    key: str
    meter: str
    price: PriceDocument
    display_name: str

    @classmethod
    def of(cls, charge: Charge) -> Self:
        return cls(key=charge.key, meter=charge.meter_key, price=write_price(charge.price), display_name=charge.display_name)


class EventShown(BaseModel):
    customer: str
    source: str
    id: str
    meter: str
    quantity: Number
    at: str
    unit_price: Number | None
    properties: dict[str, str]

    @classmethod
    def of(cls, event: Event) -> Self:
        return cls(
            customer=event.customer_id,
            source=event.source,
            id=event.id,
            meter=event.meter_key,
            quantity=plain(event.quantity),
            at=rfc3339(event.at),
            unit_price=None if event.unit_price is None else plain(event.unit_price),
            properties=dict(event.properties),
        )


class PricedQuantity(BaseModel):
    unit_price: Number | None
    quantity: Number


class UsageShown(BaseModel):
    """`by_price` splits the quantity by the price that events carried; null: none."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    customer: str
    meter: str
    since: str = Field(alias="from")
    until: str
    quantity: Number
    events: int
    by_price: list[PricedQuantity]

    @classmethod
    def of(cls, customer: str, period: Period, usage: Usage) -> Self:
        priced = [
            PricedQuantity(unit_price=None if price is None else plain(price), quantity=plain(quantity))
            for price, quantity in usage.priced
        ]
        return cls(
            customer=customer,
            meter=usage.meter_key,
            since=rfc3339(period.start),
            until=rfc3339(period.end),
            quantity=plain(usage.quantity),
            events=usage.count,
            by_price=priced,
        )


class CollectionBody(Sent):
    """How the invoice is to be paid: on the provider's hosted page, or by an intent that a page of ours confirms."""

    method: Literal["hosted", "intent"] = "hosted"
    automatic: bool = True
    payment_method: Key | None = None
    carry: bool = Field(default=True, description="A sum below the provider's minimum goes to the next invoice; else 422.")

    def to_domain(self) -> Collection:
        return Collection(Method(self.method), self.automatic, self.payment_method, self.carry)


class PreviewBody(Sent):
    customer: Key
    until: Moment | None = None

    @property
    def until_at(self) -> datetime | None:
        return None if self.until is None else instant(self.until, field="until")


class InvoiceBody(PreviewBody):
    charges: list[Key] | None = Field(default=None, min_length=1, max_length=100, description="Null: every charge.")
    collection: CollectionBody = CollectionBody()


class VoidBody(Sent):
    reason: Reason


class ReleaseBody(Sent):
    reason: Reason


class ApiKeyBody(Sent):
    name: Key
    scopes: list[Literal["events:write", "usage:read", "quota:consume", "billing:read", "billing:write", "admin"]] = Field(
        min_length=1, max_length=len(Scope)
    )
    expires_in_days: int = Field(default=365, ge=1, le=3650)

    @property
    def life(self) -> timedelta:
        return timedelta(days=self.expires_in_days)


class ApiKeyShown(BaseModel):
    key_id: str
    name: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        return cls(
            key_id=key.key_id,
            name=key.name,
            scopes=sorted(key.scopes),
            created_at=rfc3339(key.created_at),
            expires_at=moment(key.expires_at),
            revoked_at=moment(key.revoked_at),
            last_used_at=moment(key.last_used_at),
        )


class IssuedKeyShown(ApiKeyShown):
    """`token` is shown once: null in a replay, since it is kept nowhere."""

    token: str | None

    @classmethod
    def issued(cls, issued: IssuedKey) -> Self:
        return cls(**ApiKeyShown.of(issued.key).model_dump(), token=issued.token)


def moment(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
