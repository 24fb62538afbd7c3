"""Plans, version by version. A version is never written again: another content is another version."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, tuple_

from tallystick.domain.plan_documents import read_plan, write_plan
from tallystick.domain.plans import PlanVersion
from tallystick.storage import schema
from tallystick.storage.database import insert_new
from tallystick.values.fields import Fields

Named = tuple[str, int]


def add(conn: Connection, plan: PlanVersion, *, at: datetime) -> bool:
    """False where this version is there already; then that one stands."""
    table = schema.plan_versions
    row = {"plan_key": plan.key, "version": plan.version, "document": write_plan(plan), "created_at": at}
    return bool(insert_new(conn, table, [row], [table.c.version]))


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


def _plan(row: Row[Any]) -> PlanVersion:
    return read_plan(Fields(row.document), version=row.version)
