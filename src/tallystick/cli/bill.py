"""Invoice and collect, for one customer or for all."""

import functools
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.engine import WOULD_ACT, DryRun, Json, Progress, engine, money_json, print_json, print_table, say
from tallystick.values.english import counted

if TYPE_CHECKING:
    from tallystick.app import Tallystick
    from tallystick.domain.invoices import Invoice
    from tallystick.domain.payments import Collection
    from tallystick.flows.collect import Collected

    Done = tuple[Invoice, Collected | None]


def register(app: typer.Typer) -> None:
    app.command("bill")(bill)


def bill(
    customer: Annotated[list[str] | None, typer.Option(help="Only this customer; may be given several times.")] = None,
    until: Annotated[str | None, typer.Option(help="Usage before this RFC 3339 time; now if not given.")] = None,
    test_card: Annotated[
        str | None, typer.Option(help="Test mode: charge this card where a customer has none, such as pm_card_visa.")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Draft, open and collect an invoice per customer for usage that was not billed before, and for periods that are over.

    Run again, it finds nothing more to bill. With --customer nothing of anybody else's is touched.
    A customer without a card gets a page to pay on; its address is printed.
    """
    from tallystick.domain.payments import Collection
    from tallystick.values.ids import CustomerId
    from tallystick.values.time import instant
    from tallystick.worker import loop

    through = None if until is None else instant(until, field="until")
    with engine() as billing:
        wanted: list[str] = [billing.customer(each).id for each in customer or ()] or [*billing.customers_with_usage()]
        due = _due(billing, customer)
        if dry_run:
            return _preview(billing, wanted, due, through, as_json=as_json)
        done = _bill(billing, wanted, due, through, Collection(payment_method=test_card))
        # Closes the jobs of what was just collected, and takes up what an earlier run left; of others only where all are billed.
        owners = None if customer is None else [CustomerId(each) for each in customer]
        loop.run_until_idle(billing.context, customers=owners)
    if as_json:
        print_json([as_json_of(invoice, collected) for invoice, collected in done])
    else:
        print_done(done)
    return 0 if all(collected is None or collected.refusal is None for _, collected in done) else 1


def _due(billing: "Tallystick", customers: list[str] | None) -> list[str]:
    """The subscriptions that are to be brought up."""
    if customers is None:
        return [*billing.due_subscriptions()]
    return [subscription.id for each in customers for subscription in billing.subscriptions(each, limit=1000)]


def _preview(billing: "Tallystick", customers: list[str], due: list[str], until: datetime | None, *, as_json: bool) -> int:
    drafts = [invoice for each in customers for invoice in billing.preview(each, until=until)]
    for subscription_id in due:
        drafts += billing.rehearse(functools.partial(billing.bill_subscription, subscription_id))
    if as_json:
        print_json([as_json_of(invoice, None) | {"number": None} for invoice in drafts])
    else:
        print_table(("customer", "lines", "total"), [(i.customer_id, len(i.lines), i.total) for i in drafts])
        say(f"{counted(len(drafts), 'invoice')} would be opened" if drafts else "nothing to bill")
    return WOULD_ACT if drafts else 0


def _bill(
    billing: "Tallystick", customers: list[str], due: list[str], until: datetime | None, collection: "Collection"
) -> "list[Done]":
    done: list[Done] = []
    with Progress("billing", len(customers) + len(due)) as progress:
        for customer_id in customers:
            opened = billing.bill(customer_id, until=until, collection=collection, actor="shell")
            done += collected_all(billing, opened)
            progress.advance(1)
        for subscription_id in due:
            done += collected_all(billing, billing.bill_subscription(subscription_id))
            progress.advance(1)
    return done


def collected_all(billing: "Tallystick", invoices: "Iterable[Invoice]") -> "list[Done]":
    """The invoices as they stand once their money was asked for."""
    from tallystick.domain.invoices import InvoiceStatus

    done: list[Done] = []
    for invoice in invoices:
        collected = billing.collect(invoice.id) if invoice.status is InvoiceStatus.OPEN else None
        done.append((billing.invoice(invoice.id), collected))
    return done


def as_json_of(invoice: "Invoice", collected: "Collected | None") -> dict[str, object]:
    return {
        "invoice": invoice.id,
        "number": invoice.number,
        "customer": invoice.customer_id,
        "status": invoice.status.value,
        "total": money_json(invoice.total),
        "carried_out": money_json(invoice.carried_out),
        "pay_at": None if collected is None else collected.payment.url,
        "problem": problem(collected),
    }


def problem(collected: "Collected | None") -> str | None:
    """What is in the way of the money, and what to do where that is not said elsewhere."""
    if collected is None:
        return None
    payment = collected.payment
    if collected.refusal is not None:
        return f"{collected.refusal.code}: {collected.refusal.message}"
    if payment.is_held and payment.held is not None:
        return f"held ({payment.held.reason}): beyond a safety bound; `tallystick invoices release` charges it"
    if payment.decline is not None:
        return f"declined ({payment.decline.code}): {payment.decline.message}"
    return None if collected.again_in is None else "not known yet; the worker asks again"


def print_done(done: "list[Done]") -> None:
    """A row for each invoice, with the page to pay on, or what is in the way."""
    rows = []
    for invoice, collected in done:
        carried = f"{invoice.carried_out} carried to the next invoice" if invoice.carried_out.minor else ""
        url = collected.payment.url if collected is not None and invoice.status.value == "open" else None
        rows.append((invoice.number, invoice.customer_id, invoice.total, invoice.status, problem(collected) or url or carried))
    if rows:
        print_table(("number", "customer", "total", "status", ""), rows)
    say(
        f"{counted(len(done), 'invoice')} opened, {sum(i.status.value == 'paid' for i, _ in done)} of them paid"
        if done
        else "nothing to bill"
    )
