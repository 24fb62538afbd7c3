"""Send a customer to a page of the provider's to pay an invoice: what would collect it otherwise is canceled there first."""

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.pages import Page
from tallystick.domain.payments import Method, Payment, PaymentStatus
from tallystick.domain.withdrawals import Why, Withdrawal
from tallystick.flows import _settlement, _unpayable
from tallystick.flows.context import Context
from tallystick.storage.jobs import JobName
from tallystick.values.errors import Conflict, NotFound
from tallystick.values.ids import InvoiceId

_ROUNDS_MAX = 3


def pay_on_page(ctx: Context, invoice_id: InvoiceId, page: Page | None, *, actor: str = "system") -> Payment:
    """The payment by that page, which collecting it opens; None: by what can be paid on our own page. Twice is once.

    One that is collected by a hosted invoice has a page of its own already. Raises Conflict for what is not open any more, and
    while a charge is on its way; ProviderUnavailable while nobody knows whether the other object can still be paid.
    """
    for _ in range(_ROUNDS_MAX):
        with ctx.database.reading() as conn:
            payment = _payable(storage.invoices.get(conn, invoice_id), storage.payments.of_invoice(conn, invoice_id))
        if payment.method is Method.HOSTED or payment.page == page:
            return payment
        withdrawn = _unpayable.withdrawn(ctx, payment, Withdrawal(Why.PAGE, actor=actor))
        canceled = None if withdrawn is None else _unpayable.canceled(ctx, withdrawn)
        if withdrawn is not None and canceled is not None:
            with ctx.database.transaction("pay on page") as conn:
                if (saved := _settlement.save(ctx, conn, withdrawn, canceled, via="page")) is not None:
                    return _taken_over(ctx, conn, saved, page, actor)
        ctx.faults.mark("page.lost_race")
    raise Conflict(f"{invoice_id}: its payment moves all the time; ask again", code="changed_meanwhile")


def _payable(invoice: Invoice | None, payment: Payment | None) -> Payment:
    if invoice is None:
        raise NotFound("invoice: there is no such invoice", field="invoice")
    if invoice.status is not InvoiceStatus.OPEN or payment is None:
        raise Conflict(f"{invoice.number or invoice.id}: is {invoice.status}; nothing is left to be paid", code="not_open")
    if payment.charging or payment.status is PaymentStatus.PROCESSING:
        raise Conflict(f"{invoice.number}: a payment is on its way; wait for what becomes of it", code="payment_on_its_way")
    if domain.payments.is_to_be_void(payment):
        raise Conflict(f"{invoice.number}: is being voided; nothing is to be paid", code="to_be_void")
    return payment


def _taken_over(ctx: Context, conn: Connection, canceled: Payment, page: Page | None, actor: str) -> Payment:
    now = ctx.clock.now()
    replacements = domain.replacements
    again = replacements.reopened(canceled, now=now) if page is None else replacements.sent_to_page(canceled, page, now=now)
    added = storage.payments.add(conn, again)
    assert added, f"{again.id}: the one before it is canceled, once"
    storage.jobs.enqueue(conn, JobName.COLLECT, again.id, run_at=now)
    action = "payment.taken_off_page" if page is None else "payment.sent_to_page"
    storage.audit.append(conn, storage.audit.Act(actor, action, again.id, after={"instead_of": canceled.id}), at=now)
    ctx.faults.mark(action)
    return again
