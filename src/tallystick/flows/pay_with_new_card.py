"""A customer who owes something may have a new card: ask which one is charged now, and try it once on each open invoice."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.dunning import Cause, Try
from tallystick.domain.payments import Payment
from tallystick.flows import _dunning
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refused, Unknown
from tallystick.storage.subscriptions import Kept
from tallystick.values.errors import ProviderRefused
from tallystick.values.ids import CustomerId

_WHILE_CHARGING = timedelta(minutes=5)
_WHILE_ON_PAGE = timedelta(hours=1)


def pay_with_new_card(ctx: Context, customer_id: CustomerId, *, attempt: int = 0) -> timedelta | None:
    """None when nothing is left to be tried; else how long to wait before looking again.

    A card that was tried on an invoice is not tried on it again here, so that news of it may come any number of times.
    """
    with ctx.database.reading() as conn:
        customer, owed = storage.customers.get(conn, customer_id), storage.payments.owed(conn, customer_id)
    if customer is None or customer.provider_ref is None or not owed:
        return None
    method = ctx.provider.method_of(customer.provider_ref)
    match method:
        case Limited(after=after) | Unknown(after=after):
            return max(domain.retries.wait(customer_id, attempt), after)
        case Refused(unheard=True):
            return domain.retries.wait(customer_id, attempt)
        case Refused(code, message):
            raise ProviderRefused(f"{customer_id}: the provider does not say which card is charged: {code}: {message}")
        case None:
            return None
        case _:
            return ctx.database.run("pay with new card", lambda conn: _try_on_each(ctx, conn, customer_id, str(method)))


def _try_on_each(ctx: Context, conn: Connection, customer_id: CustomerId, method: str) -> timedelta | None:
    """How long to wait for another charge that is on its way, or for a page on which the customer may pay; None for neither."""
    for payment in storage.payments.owed(conn, customer_id):  # before the customer, as where one is voided
        storage.payments.lock(conn, payment)
    storage.customers.lock(conn, customer_id)
    waits = []
    for payment in storage.payments.owed(conn, customer_id):
        tried = {each.payment_method for each in storage.dunning.tries(conn, customer_id, payment.invoice_id)}
        if method in tried:
            continue
        if payment.charging or payment.withdrawal is not None:
            waits.append(_WHILE_CHARGING)
        elif payment.page is not None:
            waits.append(_WHILE_ON_PAGE)
        elif domain.dunning.can_be_tried(payment) and _try(ctx, conn, payment, method):
            _forget_old_card(ctx, conn, customer_id)
    return min(waits, default=None)


def _try(ctx: Context, conn: Connection, payment: Payment, method: str) -> bool:
    now = ctx.clock.now()
    key = (payment.customer_id, payment.invoice_id, payment.id, payment.charges + 1)
    begun = Try(*key, Cause.NEW_CARD, due_at=now, begun_at=now, payment_method=method)
    return _dunning.begin(ctx, conn, storage.dunning.get(conn, payment.invoice_id), payment, begun)


def _forget_old_card(ctx: Context, conn: Connection, customer_id: CustomerId) -> None:
    """Whichever payment method a subscription was to be paid by: from now on it is the customer's own, which is the new one."""
    for kept in storage.subscriptions.of_customer(conn, customer_id):
        if kept.collection.payment_method is not None:
            collection = replace(kept.collection, payment_method=None)
            storage.subscriptions.save(conn, kept.subscription, Kept(kept.subscription, collection, kept.due_at))
            said = {"payment_method": kept.collection.payment_method}
            act = storage.audit.Act("dunning", "subscription.card_replaced", kept.subscription.id, before=said)
            storage.audit.append(conn, act, at=ctx.clock.now())
