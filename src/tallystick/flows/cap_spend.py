"""Say how much money a customer's usage may come to in a month, from now on; or that nothing caps it any more."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from tallystick import storage
from tallystick.domain.entitlements import Policy
from tallystick.domain.periods import time_zone
from tallystick.domain.spend_caps import SpendCap
from tallystick.flows.context import Context
from tallystick.values.ids import CustomerId
from tallystick.values.money import Money


@dataclass(frozen=True, slots=True)
class Cap:
    """What is asked for; a limit of None takes the cap away."""

    customer_id: CustomerId
    limit: Money | None
    policy: Policy = Policy.HARD
    zone: str = "UTC"


def cap_spend(ctx: Context, cap: Cap, *, actor: str = "system") -> SpendCap | None:
    """The cap, in force for whoever asks next; what was spent stays spent. A change of it is audited."""
    time_zone(cap.zone)
    return ctx.database.run("cap spend", lambda conn: _capped(ctx, conn, cap, actor))


def _capped(ctx: Context, conn: Connection, asked: Cap, actor: str) -> SpendCap | None:
    now = ctx.clock.now()
    wanted = None if asked.limit is None else SpendCap(asked.customer_id, asked.limit, now, asked.policy, asked.zone)
    storage.customers.ensure(conn, [asked.customer_id], at=now)
    stood = storage.spend_caps.locked(conn, asked.customer_id)
    if _same(stood, wanted):
        return stood
    if wanted is None:
        storage.spend_caps.remove(conn, asked.customer_id)
    else:
        storage.spend_caps.put(conn, wanted)
    what = "spend_cap.removed" if wanted is None else "spend_cap.set"
    act = storage.audit.Act(actor, what, asked.customer_id, before=_document(stood), after=_document(wanted))
    storage.audit.append(conn, act, at=now)
    return wanted


def _same(stood: SpendCap | None, wanted: SpendCap | None) -> bool:
    if stood is None or wanted is None:
        return stood is wanted
    return replace(stood, updated_at=wanted.updated_at) == wanted


def _document(cap: SpendCap | None) -> dict[str, object] | None:
    if cap is None:
        return None
    return {"limit": cap.limit.minor, "currency": cap.limit.currency.code, "policy": cap.policy.value, "zone": cap.zone}
