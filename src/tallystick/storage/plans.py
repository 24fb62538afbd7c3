"""Plans, version by version. What was sold is never written again: another content is another version."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, tuple_

from tallystick.domain.plan_documents import read_plan, write_plan
from tallystick.domain.plans import PlanVersion
from tallystick.storage import schema
from tallystick.storage.database import insert
from tallystick.values.fields import Fields

Named = tuple[str, int]


def put(conn: Connection, plan: PlanVersion, *, at: datetime) -> None:
    """Adds the version, or writes it again; ask `sold` first whether that may be."""
    row = {"document": write_plan(plan), "created_at": at}
    added = insert(conn, schema.plan_versions).values(plan_key=plan.key, version=plan.version, **row)
    conn.execute(added.on_conflict_do_update(index_elements=["plan_key", "version"], set_=row))


def latest(conn: Connection) -> dict[str, PlanVersion]:
    """The newest version of every plan, by key."""
    table = schema.plan_versions.c
    newest = select(table.plan_key, func.max(table.version).label("version")).group_by(table.plan_key).subquery()
    asked = select(schema.plan_versions).join(newest, (newest.c.plan_key == table.plan_key) & (newest.c.version == table.version))
    return {plan.key: plan for plan in map(_plan, conn.execute(asked.order_by(table.plan_key)))}


def versions(conn: Connection, named: Iterable[Named]) -> dict[Named, PlanVersion]:
    """These versions; those that do not exist are not among them."""
    table = schema.plan_versions.c
    asked = select(schema.plan_versions).where(tuple_(table.plan_key, table.version).in_(sorted(set(named))))
    return {(plan.key, plan.version): plan for plan in map(_plan, conn.execute(asked))}


def sold(conn: Connection, plan_key: str, version: int) -> bool:
    """Whether a subscription has, had or will have this version, as its plan or beside it."""
    table = schema.plan_sales.c
    asked = select(table.version).where(table.plan_key == plan_key, table.version == version).limit(1)
    return conn.execute(asked).one_or_none() is not None


def note_sale(conn: Connection, named: Iterable[Named], *, at: datetime) -> None:
    """Notes that these versions were sold: from now on they never change."""
    rows: list[Mapping[str, Any]] = [{"plan_key": key, "version": number, "first_at": at} for key, number in sorted(set(named))]
    conn.execute(insert(conn, schema.plan_sales).values(rows).on_conflict_do_nothing())


def _plan(row: Row[Any]) -> PlanVersion:
    return read_plan(Fields(row.document), version=row.version)
