"""The engine's calls about what a customer may use."""

from datetime import timedelta
from decimal import Decimal

from tallystick import flows
from tallystick.app.engine import Engine
from tallystick.app.lease import Number
from tallystick.app.leases import Leases
from tallystick.domain.customers import checked_key
from tallystick.domain.entitlements import (
    TTL_DEFAULT,
    Decision,
    Entitlement,
    Policy,
    Quota,
    checked_operation_id,
    checked_quantity,
)
from tallystick.domain.leases import SIZE_DEFAULT
from tallystick.domain.leases import TTL_DEFAULT as LEASE_TTL_DEFAULT
from tallystick.domain.spend_caps import Spend, SpendCap
from tallystick.flows._quota import Use
from tallystick.flows.cap_spend import Cap
from tallystick.flows.list_entitlements import Entitled
from tallystick.flows.list_quotas import QuotaStanding
from tallystick.flows.reserve import Reserved
from tallystick.values.errors import Conflict
from tallystick.values.ids import CustomerId, MeterKey, OperationId, ReservationId
from tallystick.values.money import Money


class QuotaCalls(Engine):
    """Check, consume, reserve, commit, release."""

    def grant(self, customer_id: str, meter_key: str, quota: Quota, *, actor: str = "system") -> Entitlement:
        """What the customer may use of the meter, from now on; made if there was no such customer. A limit of 0 takes it away."""
        customer = CustomerId(checked_key(customer_id, field="customer"))
        return flows.grant_entitlement.grant_entitlement(self.context, customer, MeterKey(meter_key), quota, actor=actor)

    def check(self, customer_id: str, meter_key: str, quantity: str | int | Decimal = 1) -> Decision:
        """Whether so much may be used now; nothing is taken. Whoever means to use it calls `consume` or `reserve`."""
        return flows.check_quota.check_quota(self.context, _use(customer_id, meter_key, quantity))

    def consume(self, customer_id: str, meter_key: str, quantity: str | int | Decimal = 1, *, op: str) -> Decision:
        """The decision; where it allows, the quantity is taken and recorded as usage, once for `op`: do not `record` it too."""
        return flows.consume.consume(self.context, _use(customer_id, meter_key, quantity, op))

    def reserve(
        self, customer_id: str, meter_key: str, quantity: str | int | Decimal = 1, *, op: str, ttl: timedelta = TTL_DEFAULT
    ) -> "Reservation":
        """A part of the quota, held until `ttl` from now; nothing of it is usage before it is committed."""
        return Reservation(self, flows.reserve.reserve(self.context, _use(customer_id, meter_key, quantity, op), ttl=ttl))

    def entitlements(self, customer_id: str) -> Entitled:
        """What the customer may use now: the features of their plans, and each quota as it stands. Raises NotFound."""
        return flows.list_entitlements.list_entitlements(self.context, CustomerId(customer_id))

    def has_feature(self, customer_id: str, feature: str) -> bool:
        """Whether a plan that the customer is on has the feature; unknown customers and features are a plain no."""
        return flows.list_entitlements.has_feature(self.context, CustomerId(customer_id), feature)

    def leases(self, *, size: Number = SIZE_DEFAULT, ttl: timedelta = LEASE_TTL_DEFAULT, background: bool = True) -> Leases:
        """Answers most uses from memory, out of the parts of quotas that this process holds; recorded within a second."""
        return Leases(self, size=size, ttl=ttl, background=background)

    def quotas(self, customer_id: str) -> list[QuotaStanding]:
        """What the customer may use, by meter, and how each quota stands."""
        return flows.list_quotas.list_quotas(self.context, CustomerId(checked_key(customer_id, field="customer")))

    def cap_spend(
        self, customer_id: str, limit: Money | None, *, policy: Policy = Policy.HARD, zone: str = "UTC", actor: str = "system"
    ) -> SpendCap | None:
        """How much the customer's usage may come to in a calendar month, rated live; None takes the cap away."""
        cap = Cap(CustomerId(checked_key(customer_id, field="customer")), limit, policy, zone)
        return flows.cap_spend.cap_spend(self.context, cap, actor=actor)

    def spend(self, customer_id: str) -> Spend | None:
        """How the customer's spend cap stands; None where there is none."""
        return flows.check_spend.check_spend(self.context, CustomerId(checked_key(customer_id, field="customer")))

    def commit(self, reservation_id: str, actual: str | int | Decimal | None = None) -> Decision:
        """What was really used of a reservation (None: all of it), taken and recorded; the rest is given back."""
        quantity = None if actual is None else checked_quantity(actual, field="actual", zero=True)
        return flows.commit_reservation.commit_reservation(self.context, ReservationId(reservation_id), quantity)

    def release(self, reservation_id: str) -> None:
        """Gives back what was reserved; released twice, or after its time, is released once."""
        flows.release.release(self.context, ReservationId(reservation_id))


def _use(customer_id: str, meter_key: str, quantity: str | int | Decimal, op: str | None = None) -> Use:
    named = OperationId("") if op is None else checked_operation_id(op)
    return Use(CustomerId(customer_id), MeterKey(meter_key), checked_quantity(quantity), named)


class Reservation:
    """A part of a quota that is held for one operation; where `decision` denied it, nothing is, and `id` is None."""

    def __init__(self, billing: QuotaCalls, reserved: Reserved) -> None:
        operation = reserved.operation
        self.decision = reserved.decision
        self.id = None if operation is None else operation.reservation_id
        self.expires_at = None if operation is None else operation.expires_at
        self._billing = billing

    def commit(self, actual: str | int | Decimal | None = None) -> Decision:
        """What was really used (None: all of it), taken and recorded; the rest is given back."""
        return self._billing.commit(self._held(), actual)

    def release(self) -> None:
        """Gives it back; nothing is recorded."""
        self._billing.release(self._held())

    def _held(self) -> ReservationId:
        if self.id is None:
            raise Conflict(f"reservation: was denied ({self.decision.reason}); look at `decision` first", code="not_reserved")
        return self.id
