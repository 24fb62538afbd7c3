"""Say what a customer may use of a meter, from now on."""

from dataclasses import replace
from decimal import Decimal

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.alerts import Filling
from tallystick.domain.entitlements import Entitlement, Quota
from tallystick.domain.usage import Meter
from tallystick.flows import _alerts
from tallystick.flows.context import Context
from tallystick.values.decimals import plain
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId, MeterKey


def grant_entitlement(
    ctx: Context, customer_id: CustomerId, meter_key: MeterKey, quota: Quota, *, actor: str = "system"
) -> Entitlement:
    """The entitlement, in force for whoever asks next; what was used stays used. A change of it is audited.

    Raises InvalidInput for an unknown meter, or one that does not sum.
    """
    wanted = Entitlement(customer_id, meter_key, quota, ctx.clock.now())
    return ctx.database.run("grant entitlement", lambda conn: _granted(ctx, conn, wanted, actor))


def _granted(ctx: Context, conn: Connection, wanted: Entitlement, actor: str) -> Entitlement:
    customer_id, now = wanted.customer_id, wanted.updated_at
    meter = storage.catalog.held_meter(conn, wanted.meter_key)
    if meter is None:
        raise InvalidInput("meter: there is no such meter; create it first", field="meter", code="unknown_meter")
    granted = replace(wanted, quota=domain.entitlements.checked_quota(wanted.quota, meter))
    storage.customers.ensure(conn, [customer_id], at=now)
    stood = storage.entitlements.stands(conn, customer_id, meter)
    if stood == replace(granted, updated_at=stood.updated_at if stood else granted.updated_at):
        return stood
    storage.entitlements.put(conn, granted, meter)
    before = None if stood is None else _document(stood)
    act = storage.audit.Act(actor, "entitlement.granted", customer_id, before=before, after=_document(granted))
    if stood is not None:
        _watch(ctx, conn, granted, meter)
    storage.audit.append(conn, act, at=now)
    return granted


def _watch(ctx: Context, conn: Connection, granted: Entitlement, meter: Meter) -> None:
    """With a lower limit what was used before may be enough for a threshold, and nothing more may be used to reach it."""
    period = granted.quota.period(granted.updated_at)
    start, resets_at = domain.entitlements.counts_from(period), None if period is None else period.end
    used, _ = storage.quotas.counted(conn, granted.customer_id, meter, start, now=granted.updated_at)
    filling = Filling(granted.customer_id, meter.key, granted.quota.limit, Decimal(0), used, start, resets_at)
    _alerts.watch(ctx, conn, filling)


def _document(entitlement: Entitlement) -> dict[str, object]:
    quota = entitlement.quota
    limit = None if quota.limit is None else plain(quota.limit)
    said: dict[str, object] = {"meter": entitlement.meter_key, "limit": limit, "policy": quota.policy.value}
    return said | {"reset": quota.reset.value, "zone": quota.zone}
