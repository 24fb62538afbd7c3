"""The payment that takes the place of one which can no longer be paid: how much of what that one was goes on in it."""

from dataclasses import replace
from datetime import datetime

from tallystick.domain import safety
from tallystick.domain.pages import Page
from tallystick.domain.payments import Payment, PaymentStatus, payment_id
from tallystick.domain.withdrawals import Why
from tallystick.values.ids import PaymentId, derived
from tallystick.values.money import Money


def renewed(payment: Payment, amount: Money, *, nth: int, now: datetime) -> Payment:
    """The payment of what is left of an invoice."""
    again = _begun(payment, payment_id(payment.invoice_id, nth=nth), now=now)
    again = replace(again, automatic=payment.automatic, payment_method=payment.payment_method)
    return replace(again, amount=amount, held=safety.anew(payment.held, for_less=True))


def sent_to_page(canceled: Payment, page: Page, *, now: datetime) -> Payment:
    """The payment by that page of the provider's. It counts on where that one was: should the page come to nothing, the next one
    does not begin anew.
    """
    again = _begun(canceled, PaymentId(derived("pay", "page", canceled.id)), now=now)
    return _as_it_was(replace(again, page=page), canceled)


def reopened(canceled: Payment, *, now: datetime) -> Payment:
    """The payment for as much, by another object; without a page.

    Whoever else canceled it at the provider may have meant it, so nothing is charged by itself any more; the customer may pay it.
    A page whose time is over nobody has canceled, and what we took back ourselves, and came no further, nobody else has: all is
    as it was before. Where the customer is gone there, so are their cards: it is charged by the one they have then.
    """
    again = _begun(canceled, PaymentId(derived("pay", "after", canceled.id)), now=now)
    withdrawal = canceled.withdrawal
    if withdrawal is not None and withdrawal.why is Why.GONE:
        return replace(again, automatic=canceled.automatic, held=safety.anew(canceled.held))
    return again if withdrawal is None and canceled.page is None else _as_it_was(again, canceled)


def _begun(canceled: Payment, new_id: PaymentId, *, now: datetime) -> Payment:
    assert canceled.status is PaymentStatus.CANCELED, "one live payment per invoice"
    return Payment(
        id=new_id,
        invoice_id=canceled.invoice_id,
        customer_id=canceled.customer_id,
        method=canceled.method,
        amount=canceled.amount,
        status=PaymentStatus.PENDING,
        created_at=now,
        updated_at=now,
    )


def _as_it_was(again: Payment, before: Payment) -> Payment:
    charged = replace(again, automatic=before.automatic, payment_method=before.payment_method, charges=before.charges)
    return replace(charged, held=before.held)
