"""Credit notes and refunds on the shell: taken off an invoice, or given back of one."""

from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.engine import WOULD_ACT, DryRun, Json, engine, money_json, print_json, say

if TYPE_CHECKING:
    from tallystick.app import Tallystick
    from tallystick.domain.credit_notes import CreditNote
    from tallystick.values.money import Currency, Money

_Invoice = Annotated[str, typer.Argument(help="Its number or id, or the provider's id.")]
_Amount = Annotated[str | None, typer.Option(help="In major units, such as 10.00; all that is left if not given.")]
_Reason = Annotated[str, typer.Option(help="Why; kept in the audit log.")]
_Op = Annotated[str, typer.Option(help="Your own name for this: given again, it is done once.")]
_Refund = Annotated[
    bool | None, typer.Option("--refund/--keep", help="What was paid goes back, or stays as the customer's balance.")
]


def credit(
    invoice: _Invoice,
    reason: _Reason,
    op: _Op,
    amount: _Amount = None,
    refund: _Refund = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Make an issued invoice smaller, once: before it is paid, or after."""
    with engine() as billing:
        return _issued(billing, invoice, amount, refund=refund, reason=reason, op=op, dry_run=dry_run, as_json=as_json)


def refund(
    invoice: _Invoice, reason: _Reason, op: _Op, amount: _Amount = None, dry_run: DryRun = False, as_json: Json = False
) -> int:
    """Give back what was paid of an invoice, once; the worker asks the provider for it."""
    with engine() as billing:
        return _issued(billing, invoice, amount, refund=True, reason=reason, op=op, dry_run=dry_run, as_json=as_json)


def _issued(
    billing: "Tallystick", invoice: str, amount: str | None, *, refund: bool | None, reason: str, op: str, dry_run: bool,
    as_json: bool,
) -> int:  # fmt: skip
    found = billing.find_invoice(invoice)
    money = _money(amount, found.currency)
    if dry_run:
        note = billing.preview_credit_note(found.id, amount=money, refund=refund, reason=reason, op=op)
    else:
        note = billing.credit_note(found.id, amount=money, refund=refund, reason=reason, op=op, actor="shell")
    if as_json:
        print_json(as_json_of(note))
    else:
        say(f"{note.number or 'would be issued'}: {in_words(note)} of {found.number}")
    return WOULD_ACT if dry_run and not note.number else 0


def _money(amount: str | None, currency: "Currency") -> "Money | None":
    from tallystick.values.money import exact_money

    return None if amount is None else exact_money(amount, currency, field="amount")


def in_words(note: "CreditNote") -> str:
    """What the note takes off, and what becomes of it."""
    parts = (
        (note.reduced, "no longer asked for"),
        (note.refunded, "goes back"),
        (note.credited, "kept as the customer's balance"),
        (note.carried, "on the next invoice"),
    )
    return f"{note.amount}: " + ", ".join(f"{money} {said}" for money, said in parts if money.minor)


def as_json_of(note: "CreditNote") -> dict[str, object]:
    """The note as other programs read it."""
    from tallystick.values.time import rfc3339

    return {
        "id": note.id,
        "number": note.number or None,
        "invoice": note.invoice_id,
        "customer": note.customer_id,
        "amount": money_json(note.amount),
        "reduced": money_json(note.reduced),
        "refunded": money_json(note.refunded),
        "credited": money_json(note.credited),
        "carried": money_json(note.carried),
        "reason": note.reason,
        "created_at": rfc3339(note.created_at),
    }
