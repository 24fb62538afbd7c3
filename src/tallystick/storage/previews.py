"""Previews: what an act upon a subscription was shown to cost, and whether it was accepted."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from tallystick.domain.plan_documents import read_terms, write_terms
from tallystick.domain.subscriptions import AT_PERIOD_END, Act, PlanTerms
from tallystick.storage import schema
from tallystick.storage.database import insert_new
from tallystick.values.ids import CustomerId, SubscriptionId
from tallystick.values.money import Currency, currency


@dataclass(frozen=True, slots=True)
class Preview:
    """`amount_due` is in minor units. The change is as of `at`, and can be accepted until `expires_at`."""

    id: str
    customer_id: CustomerId
    subscription_id: SubscriptionId
    act: Act
    terms: PlanTerms
    at: datetime
    expires_at: datetime
    currency: Currency
    amount_due: int
    fingerprint: str
    subscription_version: int
    accepted: bool = False

    @property
    def immediate(self) -> bool:
        """Whether it takes effect at `at`, and not at the end of the period."""
        return self.act not in AT_PERIOD_END


def add(conn: Connection, preview: Preview) -> None:
    row = {
        "customer_id": preview.customer_id,
        "id": preview.id,
        "subscription_id": preview.subscription_id,
        "terms": write_terms(preview.terms),
        "act": preview.act.value,
        "at": preview.at,
        "expires_at": preview.expires_at,
        "currency": preview.currency.code,
        "amount_due": preview.amount_due,
        "fingerprint": preview.fingerprint,
        "subscription_version": preview.subscription_version,
        "accepted": preview.accepted,
    }
    insert_new(conn, schema.subscription_previews, [row], [schema.subscription_previews.c.id])


def get(conn: Connection, preview_id: str) -> Preview | None:
    row = conn.execute(select(schema.subscription_previews).where(schema.subscription_previews.c.id == preview_id)).one_or_none()
    if row is None:
        return None
    return Preview(
        id=row.id,
        customer_id=CustomerId(row.customer_id),
        subscription_id=SubscriptionId(row.subscription_id),
        terms=read_terms(row.terms),
        act=Act(row.act),
        at=row.at,
        expires_at=row.expires_at,
        currency=currency(row.currency),
        amount_due=row.amount_due,
        fingerprint=row.fingerprint,
        subscription_version=row.subscription_version,
        accepted=row.accepted,
    )


def accepted(conn: Connection, preview: Preview) -> bool:
    """Whether somebody has accepted it already. Who asks holds the customer's lock."""
    stands = get(conn, preview.id)
    return stands is not None and stands.accepted


def accept(conn: Connection, preview: Preview) -> None:
    table = schema.subscription_previews
    named = table.update().where(table.c.customer_id == preview.customer_id, table.c.id == preview.id)
    conn.execute(named.values(accepted=True))
