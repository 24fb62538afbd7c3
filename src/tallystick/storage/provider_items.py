"""What the provider was asked to hold of our catalogue: written down before it is asked, and after it has answered."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, select

from tallystick.domain.provider_catalogue import CatalogueItem, ItemKind
from tallystick.storage import schema
from tallystick.storage.database import insert


class Holding(StrEnum):
    """ASKED: whether the provider holds it is not known; it is looked for before it is asked again."""

    ASKED = "asked"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Kept:
    """`round` is part of the key: a failure that the provider has stored is asked past. `ref` may be of the content before."""

    fingerprint: str
    status: Holding
    round: int
    ref: str | None

    def ref_of(self, item: CatalogueItem) -> str | None:
        """The provider's id, where it is held with this very content."""
        return self.ref if self.status is Holding.HELD and self.fingerprint == item.fingerprint else None


def kept(conn: Connection) -> dict[tuple[ItemKind, str], Kept]:
    """Every item that was ever asked for, of the kinds that this version knows."""
    table = schema.provider_items
    rows = conn.execute(select(table).where(table.c.kind.in_(sorted(ItemKind))))
    return {(ItemKind(row.kind), row.key): _kept(row) for row in rows}


def put(conn: Connection, item: CatalogueItem, kept: Kept, *, at: datetime) -> None:
    """How it stands from now on."""
    table, name = schema.provider_items, {"kind": item.kind.value, "key": item.key}
    row = {
        "fingerprint": kept.fingerprint,
        "status": kept.status.value,
        "round": kept.round,
        "ref": kept.ref,
        "updated_at": at,
    }
    asked = {"asked_at": at} if kept.status is Holding.ASKED else {}
    put = insert(conn, table).values(**name, **row, asked_at=at)
    conn.execute(put.on_conflict_do_update(index_elements=list(name), set_=row | asked))


def _kept(row: Row[Any]) -> Kept:
    return Kept(row.fingerprint, Holding(row.status), row.round, row.ref)
