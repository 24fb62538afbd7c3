"""Saved payment methods: for users of their own, and for programs under a key; seen, chosen from, and saved by a browser."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from tallystick.web.billing_schemas import DefaultMethodBody, MethodsShown, SavingShown
from tallystick.web.door import Billing, Caller, Scope
from tallystick.web.door import router as engine_router
from tallystick.web.embedding import Embedding, TheEmbedding, TheVisitor, Visitor, router
from tallystick.web.schemas import Key
from tallystick.web.security import SIGNED_IN, needs

_READS, _WRITES = [needs(Scope.BILLING_READ)], [needs(Scope.BILLING_WRITE)]
_Id = Annotated[Key, Path(description="Your own id of the customer.")]
_METHODS = "/v1/customers/{customer_id:tallystick_key}/payment-methods"
_UNKNOWN: dict[int | str, dict[str, Any]] = {503: {"description": "The provider's answer is not known; ask again."}}

routes = engine_router("customers")


@routes.get(_METHODS, dependencies=_READS, summary="What a customer has saved to pay with", responses=_UNKNOWN)
def list_payment_methods(billing: Billing, customer_id: _Id) -> MethodsShown:
    """As the provider holds them now, the newest first; nothing of them is kept here."""
    return MethodsShown.of(billing.payment_methods(billing.customer(customer_id).id))


@routes.put(_METHODS + "/default", dependencies=_WRITES, summary="Choose the one that is charged", responses=_UNKNOWN)
def put_default_payment_method(billing: Billing, caller: Caller, customer_id: _Id, body: DefaultMethodBody) -> MethodsShown:
    """What is open and was declined is tried by it at once. 404 for one that the customer has not saved."""
    customer = billing.customer(customer_id)
    return MethodsShown.of(billing.set_default_payment_method(customer.id, body.payment_method, actor=caller.actor))


def own_method_routes(embedding: Embedding | None = None) -> APIRouter:
    """The routes; of this embedding, or of the one that their application has."""
    own = router("billing", embedding)
    mine, place = [SIGNED_IN], "/billing/payment-methods"
    own.get(place, dependencies=mine, summary="What one has saved to pay with", responses=_UNKNOWN)(list_own_payment_methods)
    own.post(place, dependencies=mine, summary="Save another in the browser", responses=_UNKNOWN)(save_own_payment_method)
    own.put(
        place + "/default", dependencies=mine, summary="Choose the one that is charged", responses=_UNKNOWN
    )(put_own_default_payment_method)  # fmt: skip
    return own


def list_own_payment_methods(embedding: TheEmbedding, visitor: TheVisitor) -> MethodsShown:
    """The newest first, as the provider holds them now."""
    return MethodsShown.of(embedding.billing.payment_methods(visitor.customer_id))


def save_own_payment_method(embedding: TheEmbedding, visitor: TheVisitor) -> SavingShown:
    """A secret for this browser alone, with which a Payment Element on your page saves it. The portal needs no such page."""
    return SavingShown.of(embedding.billing.save_payment_method(visitor.customer_id))


def put_own_default_payment_method(embedding: TheEmbedding, visitor: TheVisitor, body: DefaultMethodBody) -> MethodsShown:
    """What is open and was declined is tried by it at once. 404 for one that is not there, or somebody else's."""
    chosen = embedding.billing.set_default_payment_method(visitor.customer_id, body.payment_method, actor=_actor(visitor))
    return MethodsShown.of(chosen)


def _actor(visitor: Visitor) -> str:
    return f"customer:{visitor.customer_id}" if visitor.account is None else f"account:{visitor.account.id}"
