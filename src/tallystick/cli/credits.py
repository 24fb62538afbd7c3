"""Credit grants on the shell: what a customer holds, and giving more."""

from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.engine import WOULD_ACT, DryRun, Json, engine, money_json, print_json, print_table, say

if TYPE_CHECKING:
    from tallystick.domain.credits import CreditGrant

group = typer.Typer(no_args_is_help=True, help="What is used up before money is asked for.")


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="credits")


@group.command("list")
def listed(customer: str, as_json: Json = False) -> None:
    """All that a customer was ever granted, oldest first."""
    with engine() as billing:
        found = billing.credits(customer)
    if as_json:
        print_json([_as_json(grant) for grant in found])
    else:
        rows = [(g.name, g.kind, g.amount, g.remaining, g.granted_at, g.expires_at or "never") for g in found]
        print_table(("name", "kind", "amount", "remaining", "granted", "expires"), rows)


@group.command("grant")
def grant(
    customer: str,
    amount: Annotated[str, typer.Argument(help="In major units, such as 10.00.")],
    currency: Annotated[str, typer.Argument(help="Its code, such as eur.")],
    name: Annotated[str, typer.Option(help="What the customer reads.")],
    op: Annotated[str, typer.Option(help="Your own name for this grant: given again, it is given once.")],
    kind: Annotated[str, typer.Option(help="prepaid: you were paid for it; promotional: a present.")] = "prepaid",
    expires_at: Annotated[str | None, typer.Option(help="An RFC 3339 time; never if not given.")] = None,
    priority: Annotated[int, typer.Option(help="The lowest number is used up first.")] = 0,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Give a customer credit, once."""
    from tallystick.domain.credits import checked_kind
    from tallystick.values.money import currency as currency_of
    from tallystick.values.money import exact_money
    from tallystick.values.time import instant

    value = exact_money(amount, currency_of(currency), field="amount")
    ends_at = None if expires_at is None else instant(expires_at, field="expires_at")
    if dry_run:
        say(f"{customer}: {value} would be granted, {checked_kind(kind)}")
        return WOULD_ACT
    with engine() as billing:
        given = billing.grant_credit(
            customer, value, kind=kind, name=name, op=op, priority=priority, expires_at=ends_at, actor="shell"
        )
    print_json(_as_json(given)) if as_json else say(f"{customer}: {given.remaining} of {given.amount} remain of {given.name}")
    return 0


def _as_json(grant: "CreditGrant") -> dict[str, object]:
    from tallystick.values.time import rfc3339

    return {
        "id": grant.id,
        "name": grant.name,
        "kind": grant.kind.value,
        "amount": money_json(grant.amount),
        "remaining": money_json(grant.remaining),
        "granted_at": rfc3339(grant.granted_at),
        "expires_at": None if grant.expires_at is None else rfc3339(grant.expires_at),
    }
