"""Make the catalogue what a document says, or show what that would change."""

from tallystick import domain, storage
from tallystick.domain.catalog_documents import Catalogue, Change
from tallystick.flows.context import Context


def apply_catalogue(ctx: Context, wanted: Catalogue, *, dry_run: bool = False, actor: str = "system") -> list[Change]:
    """The changes that were made, or would be. Applied again, there are none. Raises Conflict for a meter that has events."""
    now = ctx.clock.now()
    with ctx.database.reading() if dry_run else ctx.database.transaction("apply catalogue") as conn:
        there = Catalogue(storage.catalog.meters(conn), storage.catalog.charges(conn))
        changes = domain.catalog_documents.differences(wanted, there)
        if dry_run:
            return changes
        for change in changes:
            if change.kind == "meter":
                storage.catalog.put_meter(conn, next(m for m in wanted.meters.values() if m.key == change.key), at=now)
            else:
                storage.catalog.put_charge(conn, wanted.charges[change.key], at=now)
            act = storage.audit.Act(actor, f"{change.kind}.put", change.key, before=change.before, after=change.after)
            storage.audit.append(conn, act, at=now)
    return changes
