"""What a customer may use now: the features of their plans, and each quota as it stands."""

from dataclasses import dataclass

from sqlalchemy import Connection

from tallystick import storage
from tallystick.domain.entitlements import Decision, Entitlement
from tallystick.flows import _entitle, _quota
from tallystick.flows._quota import Standing
from tallystick.flows.context import Context
from tallystick.values.errors import NotFound
from tallystick.values.exact import ZERO
from tallystick.values.ids import CustomerId


@dataclass(frozen=True, slots=True)
class Entitled:
    """What one customer may use. Of each quota: what was said, and how it stands."""

    customer_id: CustomerId
    features: frozenset[str]
    quotas: tuple[tuple[Entitlement, Decision], ...]


def list_entitlements(ctx: Context, customer_id: CustomerId) -> Entitled:
    """By meter; what was withdrawn is not among them. Raises NotFound."""
    with ctx.database.reading() as conn:
        if storage.customers.get(conn, customer_id) is None:
            raise NotFound("customer: there is no such customer", field="customer")
        given = storage.entitlements.of_customer(conn, customer_id, storage.catalog.meters(conn))
        quotas = tuple((each, _stands(ctx, conn, each)) for each in given if each.withdrawn_at is None)
        return Entitled(customer_id, _entitle.features(conn, customer_id), quotas)


def has_feature(ctx: Context, customer_id: CustomerId, feature: str) -> bool:
    """Whether a plan of the customer's has the feature now; not where nobody knows the one or the other."""
    with ctx.database.reading() as conn:
        return feature in _entitle.features(conn, customer_id)


def _stands(ctx: Context, conn: Connection, entitlement: Entitlement) -> Decision:
    found = _quota.standing(ctx, conn, entitlement.customer_id, entitlement.meter_key)
    assert isinstance(found, Standing), f"{entitlement.meter_key}: is entitled to, and therefore stands"
    return found.decide(ZERO)
