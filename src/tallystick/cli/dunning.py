"""Dunning on the shell: which payments have failed, and what happens about each."""

from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.engine import Json, engine, facts, print_json, print_table

if TYPE_CHECKING:
    from tallystick.app.dunning import Dunned, Written

group = typer.Typer(no_args_is_help=True, help="What happens when a payment fails.")


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="dunning")


@group.command("list")
def listed(
    customer: Annotated[str | None, typer.Option(help="Of this customer alone.")] = None,
    state: Annotated[str | None, typer.Option(help="retrying, waiting, trying, given_up or over.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """Invoices whose payment has failed, newest first, and what happens next."""
    with engine() as billing:
        found = billing.dunnings(customer_id=customer, state=state, limit=limit)
    if as_json:
        print_json([_as_json(each) for each in found])
        return
    rows = [
        (each.invoice.number, each.invoice.customer_id, each.invoice.total, each.dunning.state, each.dunning.code,
         each.dunning.tries, each.dunning.next_at or "")
        for each in found
    ]  # fmt: skip
    print_table(("invoice", "customer", "amount", "state", "code", "tried again", "next"), rows)


@group.command("show")
def show(invoice: Annotated[str, typer.Argument(help="The id of the invoice.")], as_json: Json = False) -> None:
    """One of them, with every try of its payment and every letter."""
    with engine() as billing:
        found = billing.dunning(invoice)
    if as_json:
        print_json(_as_json(found))
        return
    facts({name: value for name, value in _as_json(found).items() if name not in {"attempts", "letters"}})
    rows = [(each.begun_at, each.cause, each.code or "", each.message or "") for each in found.tries]
    print_table(("tried", "why", "code", "the bank says"), rows)
    if found.letters:
        letters = [(each.message.created_at, each.message.type, _status(each) or "no address") for each in found.letters]
        print_table(("written", "letter", "status"), letters)


def _as_json(found: "Dunned") -> dict[str, object]:
    from tallystick.domain.dunning_letters import reason
    from tallystick.values.time import rfc3339

    dunning, invoice = found.dunning, found.invoice
    values: dict[str, object] = {
        "invoice": invoice.id,
        "number": invoice.number,
        "customer": invoice.customer_id,
        "subscription": invoice.subscription_id,
        "total": invoice.total.minor,
        "currency": invoice.currency.code,
        "state": dunning.state.value,
        "code": dunning.code,
        "reason": reason(dunning.code, "en"),
        "ask": found.ask.value,
        "tries": dunning.tries,
        "begun_at": rfc3339(dunning.begun_at),
        "failed_at": rfc3339(dunning.failed_at),
        "next_at": None if dunning.next_at is None else rfc3339(dunning.next_at),
    }
    tries = [{"at": rfc3339(each.begun_at), "cause": each.cause.value, "code": each.code} for each in found.tries]
    letters = [
        {"at": rfc3339(each.message.created_at), "type": each.message.type, "status": _status(each)} for each in found.letters
    ]
    return {**values, "attempts": tries, "letters": letters} if tries else values


def _status(written: "Written") -> str | None:
    return None if written.dispatch is None else written.dispatch.status.value
