"""List what a customer may use, and how each quota stands."""

from dataclasses import dataclass

from tallystick import storage
from tallystick.domain.entitlements import Decision, Entitlement
from tallystick.flows import _quota
from tallystick.flows._quota import Standing
from tallystick.flows.context import Context
from tallystick.values.ids import CustomerId


@dataclass(frozen=True, slots=True)
class QuotaStanding:
    """One entitlement, and how its quota stands now."""

    entitlement: Entitlement
    decision: Decision


def list_quotas(ctx: Context, customer_id: CustomerId) -> list[QuotaStanding]:
    """By meter, in one snapshot; what was withdrawn is left out."""
    listed = []
    with ctx.database.reading() as conn:
        for entitlement in storage.entitlements.of_customer(conn, customer_id, storage.catalog.meters(conn)):
            found = _quota.standing(ctx, conn, customer_id, entitlement.meter_key)
            if isinstance(found, Standing):
                listed.append(QuotaStanding(entitlement, found.again))
    return listed
