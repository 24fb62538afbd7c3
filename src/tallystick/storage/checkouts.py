"""Checkouts: one row per visit to the provider's page; who saves one must have read how it stands."""

from typing import Any

from sqlalchemy import Connection, Row, select

from tallystick.domain.checkouts import Checkout, CheckoutStatus, Choice
from tallystick.domain.periods import read_cadence
from tallystick.storage import schema
from tallystick.storage.database import insert_new
from tallystick.values.ids import CheckoutId, CustomerId
from tallystick.values.money import currency


def add(conn: Connection, checkout: Checkout) -> bool:
    """False where it is there already: somebody else has begun the same one."""
    choice = checkout.choice
    row = _row(checkout) | {
        "customer_id": choice.customer_id,
        "id": checkout.id,
        "plan_key": choice.plan_key,
        "plan_version": choice.plan_version,
        "currency": choice.currency.code,
        "interval": str(choice.cadence),
        "success_url": choice.success_url,
        "cancel_url": choice.cancel_url,
        "fingerprint": choice.fingerprint,
        "number": checkout.number,
        "created_at": checkout.created_at,
    }
    return bool(insert_new(conn, schema.checkouts, [row], [schema.checkouts.c.id]))


def get(conn: Connection, checkout_id: CheckoutId) -> Checkout | None:
    row = conn.execute(select(schema.checkouts).where(schema.checkouts.c.id == checkout_id)).one_or_none()
    return None if row is None else _checkout(row)


def find(conn: Connection, reference: str) -> Checkout | None:
    """The one of that id, or whose page at the provider has it."""
    table = schema.checkouts.c
    row = conn.execute(select(schema.checkouts).where((table.id == reference) | (table.ref == reference))).one_or_none()
    return None if row is None else _checkout(row)


def newest(conn: Connection, choice: Choice) -> Checkout | None:
    """The last that was begun for an equal choice of this customer."""
    table = schema.checkouts.c
    asked = select(schema.checkouts).where(table.customer_id == choice.customer_id, table.fingerprint == choice.fingerprint)
    row = conn.execute(asked.order_by(table.number.desc()).limit(1)).one_or_none()
    return None if row is None else _checkout(row)


def move(conn: Connection, before: Checkout, after: Checkout) -> bool:
    """Saves `after`. False, and nothing written, where it no longer stands as `before`."""
    table = schema.checkouts
    moved = (
        table.update()
        .where(
            table.c.customer_id == before.customer_id,
            table.c.id == before.id,
            table.c.status == before.status.value,
            table.c.ref.is_not_distinct_from(before.ref),
            table.c.subscription_id.is_not_distinct_from(before.subscription_id),
        )
        .values(_row(after))
        .returning(table.c.id)
    )
    return conn.execute(moved).one_or_none() is not None


def _row(checkout: Checkout) -> dict[str, Any]:
    """What changes in the life of a checkout."""
    return {
        "status": checkout.status.value,
        "expires_at": checkout.expires_at,
        "ref": checkout.ref,
        "url": checkout.url,
        "payment_method": checkout.payment_method,
        "subscription_id": checkout.subscription_id,
    }


def _checkout(row: Row[Any]) -> Checkout:
    return Checkout(
        id=CheckoutId(row.id),
        choice=Choice(
            CustomerId(row.customer_id),
            row.plan_key,
            row.plan_version,
            currency(row.currency),
            read_cadence(row.interval),
            row.success_url,
            row.cancel_url,
        ),
        number=row.number,
        status=CheckoutStatus(row.status),
        created_at=row.created_at,
        expires_at=row.expires_at,
        ref=row.ref,
        url=row.url,
        payment_method=row.payment_method,
        subscription_id=row.subscription_id,
    )
