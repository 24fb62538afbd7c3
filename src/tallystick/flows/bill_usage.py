"""Invoice one customer for its usage so far: each event on one invoice, once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.invoices import Invoice, Reductions
from tallystick.domain.lines import Billable
from tallystick.domain.payments import Collection
from tallystick.flows import _billables, _issue
from tallystick.flows.context import Context
from tallystick.values.errors import AmountBelowMinimum, InvalidInput
from tallystick.values.ids import CustomerId
from tallystick.values.time import rfc3339


@dataclass(frozen=True, slots=True)
class Order:
    """Whom to bill, for usage before when (None: now; a bill never looks ahead), and for which charges (None: all)."""

    customer_id: CustomerId
    until: datetime | None = None
    charges: tuple[str, ...] | None = None


Draft = tuple[Invoice, Sequence[Billable]]


def bill_usage(ctx: Context, order: Order, collection: Collection, *, actor: str = "system") -> list[Invoice]:
    """The invoices opened now, one per currency; run again it finds nothing more to bill.

    Each is numbered and booked, and its payment and the job to collect it are written down in the same transaction.
    Raises AmountBelowMinimum where the collection does not carry.
    """
    until = _until(ctx, order)
    with ctx.database.transaction("bill usage") as conn:
        if not storage.customers.lock(conn, order.customer_id):
            return []
        drafts = _drafts(ctx, conn, order, until)
        if not collection.carry:
            for invoice, _ in drafts:
                _check_minimum(invoice)
        opened = [_issue.issue(ctx, conn, invoice, collection, actor) for invoice, _ in drafts]
        for _, billed in drafts:
            _billables.advance(conn, order.customer_id, billed)
        _billables.clear_late(conn, order.customer_id, only=order.charges)
    return opened


def preview_usage(ctx: Context, order: Order) -> list[Invoice]:
    """What `bill_usage` would open if it ran at `until`, drafted by the same function; nothing is kept."""
    with ctx.database.reading() as conn:
        return [invoice for invoice, _ in _drafts(ctx, conn, order, order.until or ctx.clock.now())]


def _until(ctx: Context, order: Order) -> datetime:
    now = ctx.clock.now()
    if order.until is not None and order.until > now:
        raise InvalidInput(f"until: is after now, {rfc3339(now)}; usage that has not happened cannot be billed", field="until")
    return order.until or now


def _drafts(ctx: Context, conn: Connection, order: Order, until: datetime) -> list[Draft]:
    found = _billables.billables(conn, order.customer_id, until=until, only=order.charges)
    drafts: list[Draft] = []
    for currency, billables in sorted(found.items(), key=lambda item: item[0].code):
        now = ctx.clock.now()
        lines = [domain.lines.usage_line(order.customer_id, billable) for billable in billables]
        reductions = _not_twice(_issue.reductions(conn, order.customer_id, currency, now=now), drafts)
        invoice = domain.invoices.draft(order.customer_id, currency, lines, reductions=reductions, now=now)
        if invoice is not None:
            drafts.append((invoice, billables))
    return drafts


def _not_twice(found: Reductions, drafts: Sequence[Draft]) -> Reductions:
    """What is for one invoice reduces the first of those that are drafted together, and not one in each currency."""
    taken = {applied.discount_id for invoice, _ in drafts for applied in invoice.discounts}
    return replace(found, discounts=[each for each in found.discounts if each.id not in taken or not each.once])


def _check_minimum(invoice: Invoice) -> None:
    minimum = invoice.currency.minimum_charge_minor or 1
    if invoice.carried_out.minor or invoice.total.minor < minimum:
        due = invoice.subtotal + invoice.carried_in
        raise AmountBelowMinimum(
            f"{due} is due, and the provider charges no less than {minimum} minor units; it adds up until then",
            amount=due.minor,
            minimum=minimum,
            currency=invoice.currency.code,
        )
