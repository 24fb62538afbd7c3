"""Make the catalogue what a document says, or show what that would change."""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.catalog_documents import Catalogue, Change
from tallystick.domain.plans import PlanVersion
from tallystick.flows.context import Context
from tallystick.values.errors import Conflict
from tallystick.values.ids import MeterKey


def apply_catalogue(ctx: Context, wanted: Catalogue, *, dry_run: bool = False, actor: str = "system") -> list[Change]:
    """The changes that were made, or would be. Applied again, there are none.

    A version of a plan stays: another content is another version. Raises Conflict for a meter that has events, for the terms
    of a coupon that was redeemed, and where somebody else applies another catalogue at this moment.
    """
    now = ctx.clock.now()
    with ctx.database.reading() if dry_run else ctx.database.transaction("apply catalogue") as conn:
        there = Catalogue(
            storage.catalog.meters(conn),
            storage.catalog.charges(conn),
            storage.coupons.coupons(conn),
            storage.coupons.codes(conn),
            storage.plans.latest(conn),
        )
        changes = domain.catalog_documents.differences(wanted, there)
        _check_coupons(conn, wanted, there)
        if dry_run:
            return changes
        for change in changes:
            _put(conn, wanted, change, at=now)
            act = storage.audit.Act(actor, f"{change.kind}.put", change.key, before=change.before, after=change.after)
            storage.audit.append(conn, act, at=now)
    return changes


def _check_coupons(conn: Connection, wanted: Catalogue, there: Catalogue) -> None:
    """What was redeemed keeps its terms; a dry run says so too."""
    redemptions = storage.coupons.redemptions(conn)
    for key in sorted(wanted.coupons.keys() & there.coupons.keys()):
        domain.coupons.check_changeable(there.coupons[key], wanted.coupons[key], redemptions=redemptions[key])


def _put(conn: Connection, wanted: Catalogue, change: Change, *, at: datetime) -> None:
    match change.kind:
        case "meter":
            storage.catalog.put_meter(conn, wanted.meters[MeterKey(change.key)], at=at)
        case "charge":
            storage.catalog.put_charge(conn, wanted.charges[change.key], at=at)
        case "plan":
            _put_plan(conn, wanted.plans[change.key], at=at)
        case "coupon":
            storage.coupons.put_coupon(conn, wanted.coupons[change.key], at=at)
        case "promotion_code":
            storage.coupons.put_code(conn, wanted.codes[change.key], at=at)
        case _:
            assert_never(change.kind)


def _put_plan(conn: Connection, plan: PlanVersion, *, at: datetime) -> None:
    """As the newest version. Nobody can have bought it before it was there, so that no lock is needed."""
    stands = storage.plans.latest(conn).get(plan.key)
    following = replace(plan, version=1 if stands is None else stands.version + 1)
    if not storage.plans.add(conn, following, at=at):
        raise Conflict(
            f"plan {plan.key}: somebody else has just made version {following.version} of it; apply again", code="busy"
        )
