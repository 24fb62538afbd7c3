"""Take an open invoice back: first the provider's object, so that nobody can pay it, then ours."""

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Payment
from tallystick.domain.withdrawals import Why, Withdrawal
from tallystick.flows import _given_back, _settlement, _unpayable
from tallystick.flows.context import Context
from tallystick.values.errors import Conflict, NotFound
from tallystick.values.ids import InvoiceId

_ROUNDS_MAX = 3


def void_invoice(ctx: Context, invoice_id: InvoiceId, *, reason: str, actor: str = "system") -> Invoice:
    """The invoice, void, its booking taken back. Voided twice is voided once; what is paid cannot be voided: Conflict.

    Raises ProviderUnavailable while it is unknown whether the provider's object can still be paid: it is void once that is
    known, by itself or by asking again.
    """
    for _ in range(_ROUNDS_MAX):
        with ctx.database.reading() as conn:
            invoice = _found(storage.invoices.get(conn, invoice_id))
            payment = storage.payments.of_invoice(conn, invoice_id)
            given_back = _given_back.numbers(conn, invoice)
        if invoice.status is InvoiceStatus.VOID:
            return invoice
        _check_kept(invoice, given_back)
        domain.invoices.moved(invoice, InvoiceStatus.VOID, at=ctx.clock.now())
        voided = _voided(ctx, invoice, payment, Withdrawal(Why.VOID, reason, actor))
        if voided is not None:
            return voided
        ctx.faults.mark("void.lost_race")
    raise Conflict(f"{invoice_id}: its payment has just moved; look at it again before it is voided")


def _voided(ctx: Context, invoice: Invoice, payment: Payment | None, withdrawal: Withdrawal) -> Invoice | None:
    """None where somebody else has moved the payment meanwhile."""
    before = None if payment is None else _unpayable.withdrawn(ctx, payment, withdrawal)
    if payment is not None and before is None:
        return None
    canceled = None if before is None else _unpayable.canceled(ctx, before)

    def save(conn: Connection) -> Invoice | None:
        # The payment first, as where one succeeds: two that lock the same rows in two orders would wait for each other.
        if before is not None and canceled is not None and _settlement.save(ctx, conn, before, canceled, via="void") is None:
            return None
        return _settlement.void(ctx, conn, invoice, reason=withdrawal.reason, actor=withdrawal.actor)

    return ctx.database.run("void invoice", save)


def _check_kept(invoice: Invoice, given_back: list[str]) -> None:
    """Of what was never asked for nothing can have been given back. Raises Conflict."""
    if given_back:
        raise Conflict(
            f"{invoice.number}: {', '.join(given_back)} gives back a part of it; void that first, or credit the rest of this one",
            code="given_back",
        )


def _found(invoice: Invoice | None) -> Invoice:
    if invoice is None:
        raise NotFound("invoice: there is no such invoice", field="invoice")
    return invoice
