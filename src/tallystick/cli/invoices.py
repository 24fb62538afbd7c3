"""Invoices on the shell: listed, explained down to their events, paid, voided, credited."""

from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli import bill, credit_notes, documents, pages
from tallystick.cli.engine import WOULD_ACT, DryRun, Json, engine, facts, money_json, print_json, print_table, say

if TYPE_CHECKING:
    from tallystick.domain.invoices import Invoice
    from tallystick.domain.lines import Line
    from tallystick.domain.payments import Payment
    from tallystick.domain.usage import Event
    from tallystick.flows.explain_invoice import Explanation

Named = Annotated[str, typer.Argument(help="Its number or id, or the provider's id.")]
Why = Annotated[str, typer.Option("--reason", prompt=True, help="Why; kept in the audit log.")]

group = typer.Typer(no_args_is_help=True, help="What was billed, and why.")


def register(app: typer.Typer) -> None:
    group.command("credit")(credit_notes.credit)
    group.command("refund")(credit_notes.refund)
    group.command("page")(pages.pay)
    group.command("close-page")(pages.close)
    group.command("pdf")(documents.pdf)
    group.command("html")(documents.html)
    group.command("csv")(documents.csv)
    app.add_typer(group, name="invoices")


@group.command("list")
def listed(
    customer: Annotated[str | None, typer.Option(help="Only of this customer.")] = None,
    status: Annotated[str | None, typer.Option(help="open, paid, void or uncollectible.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    as_json: Json = False,
) -> None:
    """Invoices, newest first."""
    with engine() as billing:
        found = billing.invoices(customer_id=customer, status=status, limit=limit)
    if as_json:
        print_json([_as_json(invoice) for invoice in found])
    else:
        rows = [(i.number, i.id, i.customer_id, i.total, i.status, i.period) for i in found]
        print_table(("number", "id", "customer", "total", "status", "period"), rows)


@group.command("show")
def show(
    invoice: Named,
    events: Annotated[int, typer.Option(min=0, max=200, help="How many events to show of each line.")] = 5,
    as_json: Json = False,
) -> None:
    """One invoice: each line down to its tiers, and the events that made it."""
    with engine() as billing:
        explained = billing.explain(billing.find_invoice(invoice).id, events_max=events)
    if as_json:
        lines = zip(explained.invoice.lines, explained.events, strict=True)
        print_json(_reduced_json(explained) | {"lines": [_line_json(explained, line, listed) for line, listed in lines]})
    else:
        _print(explained)


@group.command("pay")
def pay(invoice: Named, dry_run: DryRun = False, as_json: Json = False) -> int:
    """Ask the provider how the invoice's payment stands, and take it as far as it goes."""
    with engine() as billing:
        found = billing.find_invoice(invoice)
        if dry_run:
            payment = billing.explain(found.id, events_max=0).payment
            asks = found.status.value == "open" and payment is not None
            return _would(found, asks, "its money would be asked for", as_json=as_json)
        collected = billing.collect(found.id)
        stands, payment = billing.invoice(found.id), collected.payment
    if as_json:
        print_json(bill.as_json_of(stands, collected) | {"payment": payment.status.value})
    else:
        say(f"{stands.number}: {stands.status}; payment {payment.status} {payment.url or ''}".rstrip())
        problem = bill.problem(collected)
        if problem is not None and stands.status.value == "open":
            say(problem)
    return 1 if collected.refusal is not None else 0


@group.command("void")
def void(invoice: Named, reason: Why, dry_run: DryRun = False, as_json: Json = False) -> int:
    """Take an open invoice back, here and at the provider."""
    from tallystick.domain.invoices import TRANSITIONS, InvoiceStatus

    with engine() as billing:
        found = billing.find_invoice(invoice)
        if dry_run:
            can_be_void = InvoiceStatus.VOID in TRANSITIONS[found.status]
            return _would(found, can_be_void, "it would be taken back", as_json=as_json)
        stands = billing.void(found.id, reason=reason, actor="shell")
    if as_json:
        print_json(_as_json(stands))
    else:
        say(f"{stands.number}: {stands.status}")
    return 0


@group.command("release")
def release(invoice: Named, reason: Why, dry_run: DryRun = False, as_json: Json = False) -> int:
    """Let a payment that is held, for it is beyond a safety bound, be charged as usual."""
    with engine() as billing:
        found = billing.find_invoice(invoice)
        if dry_run:
            held = billing.explain(found.id, events_max=0).payment
            is_held = held is not None and held.is_held and found.status.value == "open"
            return _would(found, is_held, "it would be charged as usual", as_json=as_json)
        payment = billing.release_payment(found.id, reason=reason, actor="shell")
    if as_json:
        print_json({"invoice": found.id, "number": found.number, "payment": payment.status.value, "held": payment.is_held})
    else:
        say(f"{found.number}: payment {payment.status}, {payment.amount}; it is charged as usual")
    return 0


def _would(invoice: "Invoice", acts: bool, said: str, *, as_json: bool) -> int:
    """What a dry run says, and its exit status."""
    if as_json:
        print_json(_as_json(invoice) | {"would_act": acts})
    else:
        say(f"{invoice.number}: {invoice.status}, {invoice.total}; {said if acts else 'nothing would be done'}")
    return WOULD_ACT if acts else 0


def _as_json(invoice: "Invoice") -> dict[str, object]:
    return {
        "id": invoice.id,
        "number": invoice.number,
        "customer": invoice.customer_id,
        "status": invoice.status.value,
        "period": str(invoice.period),
        "total": money_json(invoice.total),
        "discount": money_json(invoice.discount),
        "carried_in": money_json(invoice.carried_in),
        "credits_applied": money_json(invoice.credits_applied),
        "carried_out": money_json(invoice.carried_out),
    }


def _reduced_json(explained: "Explanation") -> dict[str, object]:
    from tallystick.domain.credit_notes import due

    notes = [credit_notes.as_json_of(note) for note in explained.credit_notes]
    amount_due = money_json(due(explained.invoice, explained.credit_notes))
    return _as_json(explained.invoice) | {"amount_due": amount_due, "credit_notes": notes}


def _line_json(explained: "Explanation", line: "Line", events: "tuple[Event, ...]") -> dict[str, object]:
    from tallystick.domain.rating_documents import write_detail
    from tallystick.values.decimals import plain
    from tallystick.values.time import rfc3339

    return {
        "charge": line.charge_key,
        "meter": line.meter_key,
        "description": line.description,
        "period": str(line.period),
        "part": line.part,
        "quantity": plain(line.quantity),
        "amount": money_json(line.amount),
        "exact": plain(line.rating.exact.amount),
        "details": [write_detail(detail) for detail in line.rating.details],
        "events": [
            {
                "id": e.id,
                "source": e.source,
                "at": rfc3339(e.at),
                "quantity": plain(e.quantity),
                "amended": _amended(explained, e),
            }
            for e in events
        ],
    }


def _amended(explained: "Explanation", event: "Event") -> str | None:
    """What became of an event that counts no longer."""
    amendment = explained.amendment(event)
    return None if amendment is None else f"{amendment.word}: {amendment.reason}"


def _payment(payment: "Payment | None") -> str:
    if payment is None:
        return "none needed"
    held = f"held: {payment.held.reason}" if payment.is_held and payment.held is not None else ""
    return " ".join(part for part in (payment.status, held, payment.ref, payment.url) if part)


def _print(explained: "Explanation") -> None:
    from tallystick.domain.rating_documents import write_detail
    from tallystick.values.decimals import plain

    invoice, payment = explained.invoice, explained.payment
    facts(
        {
            "invoice": f"{invoice.number} ({invoice.id})",
            "customer": invoice.customer_id,
            "status": invoice.status,
            "period": invoice.period,
            "discount": invoice.discount,
            "carried in": invoice.carried_in,
            "credits applied": invoice.credits_applied,
            "carried out": invoice.carried_out,
            "total": invoice.total,
            "payment": _payment(payment),
        }
    )
    for note in explained.credit_notes:
        say(f"{note.number}: {credit_notes.in_words(note)}  [{note.reason}]")
    for applied in invoice.discounts:
        say(f"{applied.description}: -{applied.amount}")
    for line, events in zip(invoice.lines, explained.events, strict=True):
        late = f", part {line.part + 1}: what came late" if line.part else ""
        say(f"\n{line.description}: {plain(line.quantity)} = {line.amount}  [{line.period}{late}]")
        for detail in line.rating.details:
            say("    " + "  ".join(f"{name} {value}" for name, value in write_detail(detail).items()))
        say(f"    exact {plain(line.rating.exact.amount)}, rounded once to {line.rating.total}")
        for event in events:
            amended = _amended(explained, event)
            said = "" if amended is None else f"  ({amended})"
            say(f"      {event.at.isoformat()}  {plain(event.quantity)}  {event.source} {event.id}{said}")
