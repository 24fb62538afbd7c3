"""What customers may use: granted, asked for, taken, and held for a while."""

from typing import Annotated

from fastapi import Path, Query

from tallystick.app import Tallystick
from tallystick.domain.entitlements import Policy
from tallystick.values.errors import NotFound
from tallystick.web.door import Billing, Caller, Scope, router
from tallystick.web.quota_schemas import (
    CheckBody,
    CommitBody,
    ConsumeBody,
    DecisionShown,
    EntitlementBody,
    EntitlementShown,
    QuotaShown,
    QuotasShown,
    ReleasedShown,
    ReservationShown,
    ReserveBody,
    SpendCapBody,
    SpendShown,
    UncappedShown,
)
from tallystick.web.schemas import Key
from tallystick.web.security import needs

routes = router("quotas")
_CONSUMES = [needs(Scope.QUOTA_CONSUME)]
_Id = Annotated[Key, Path()]
_Customer = Annotated[Key, Query(description="Your own id of the customer.")]


@routes.put("/v1/entitlements", dependencies=[needs(Scope.BILLING_WRITE)], summary="Say what a customer may use of a meter")
def put_entitlement(billing: Billing, caller: Caller, body: EntitlementBody) -> EntitlementShown:
    """In force for whoever asks next; what was used stays used. A limit of 0 takes it away."""
    return EntitlementShown.of(billing.grant(body.customer, body.meter, body.to_domain(), actor=caller.actor))


@routes.get("/v1/quotas", dependencies=[needs(Scope.BILLING_READ)], summary="What a customer may use, and how it stands")
def list_quotas(billing: Billing, customer: _Customer) -> QuotasShown:
    """By meter, as of one instant; there are as many as there are meters."""
    return QuotasShown(data=[QuotaShown.of(found) for found in billing.quotas(customer)])


@routes.get("/v1/quotas/caps", dependencies=[needs(Scope.BILLING_READ)], summary="How a customer's spend cap stands")
def get_cap(billing: Billing, customer: _Customer) -> SpendShown:
    """What the usage of this month comes to, rated live. 404 where nothing caps it."""
    return _spend(billing, customer)


@routes.put("/v1/quotas/caps", dependencies=[needs(Scope.BILLING_WRITE)], summary="Cap what a customer may spend in a month")
def put_cap(billing: Billing, caller: Caller, body: SpendCapBody) -> SpendShown:
    """In force for whoever asks next; what was spent stays spent. Nothing is leased to any process under a cap."""
    billing.cap_spend(body.customer, body.money, policy=Policy(body.policy), zone=body.zone, actor=caller.actor)
    return _spend(billing, body.customer)


@routes.delete("/v1/quotas/caps", dependencies=[needs(Scope.BILLING_WRITE)], summary="Take a spend cap away")
def delete_cap(billing: Billing, caller: Caller, customer: _Customer) -> UncappedShown:
    """Taken away twice, it is taken away once."""
    billing.cap_spend(customer, None, actor=caller.actor)
    return UncappedShown(customer=customer)


@routes.post("/v1/quotas/check", dependencies=_CONSUMES, summary="May so much be used now?")
def check_quota(billing: Billing, body: CheckBody) -> DecisionShown:
    """Nothing is taken. A no is an answer, with the reason: 200, here and below."""
    return DecisionShown.of(billing.check(body.customer, body.meter, body.quantity))


@routes.post("/v1/quotas/consume", dependencies=_CONSUMES, summary="Use so much, if it is allowed")
def consume_quota(billing: Billing, body: ConsumeBody) -> DecisionShown:
    """Taken and recorded as usage in one step, once per `op`: no `Idempotency-Key` is kept. Send no event for it too."""
    return DecisionShown.of(billing.consume(body.customer, body.meter, body.quantity, op=body.op))


@routes.post("/v1/quotas/reserve", dependencies=_CONSUMES, summary="Hold so much until it is known what was used")
def reserve_quota(billing: Billing, body: ReserveBody) -> ReservationShown:
    """Held once per `op`; it ends by commit, by release, or by itself."""
    return ReservationShown.of(billing.reserve(body.customer, body.meter, body.quantity, op=body.op, ttl=body.ttl))


@routes.post("/v1/reservations/{reservation_id}/commit", dependencies=_CONSUMES, summary="Take what was really used")
def commit_reservation(billing: Billing, reservation_id: _Id, body: CommitBody) -> DecisionShown:
    """The rest is given back. More than was reserved only where there is room; once the reservation has ended, 409."""
    return DecisionShown.of(billing.commit(reservation_id, body.actual))


@routes.post("/v1/reservations/{reservation_id}/release", dependencies=_CONSUMES, summary="Give back what will not be used")
def release_reservation(billing: Billing, reservation_id: _Id) -> ReleasedShown:
    """Released twice, or after its time, is released once; what was committed stays used, 409."""
    billing.release(reservation_id)
    return ReleasedShown(id=reservation_id)


def _spend(billing: Tallystick, customer: str) -> SpendShown:
    spend = billing.spend(customer)
    if spend is None:
        raise NotFound("customer: nothing caps what this customer spends", field="customer")
    return SpendShown.of(spend)
