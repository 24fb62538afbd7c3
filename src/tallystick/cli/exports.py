"""Exports of usage on the shell: what nobody can tell of, and a person's word on it."""

from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.engine import WOULD_ACT, DryRun, Json, engine, print_json, print_table, say

if TYPE_CHECKING:
    from tallystick.app import Tallystick
    from tallystick.domain.usage_exports import Export
    from tallystick.flows.clear_usage import UnclearUsage

group = typer.Typer(no_args_is_help=True, help="Usage at the provider's meters, event by event.")


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="exports")


@group.command("unclear")
def unclear(
    customer: Annotated[str | None, typer.Option(help="Only of this customer.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    as_json: Json = False,
) -> int:
    """What the provider may count or not, with what it counts in that minute now. Exit 2 where there is any.

    It should have the figure under "without", or the one under "with"; any other comes of something else at the provider.
    """
    with engine() as billing:
        found = billing.unclear_usage(customer, limit=limit)
    if as_json:
        print_json([_unclear_json(each) for each in found])
    else:
        _print(found)
    return WOULD_ACT if found else 0


@group.command("clear")
def clear(
    customer: Annotated[str, typer.Argument(help="Whose event.")],
    event: Annotated[str, typer.Argument(help="The event's id.")],
    reason: Annotated[str, typer.Option(prompt=True, help="How you know; kept in the audit log.")],
    delivered: Annotated[
        bool | None, typer.Option("--delivered/--send-again", help="The provider counts it; or it does not, and is told again.")
    ] = None,
    source: Annotated[str, typer.Option(help="The event's source.")] = "api",
    reversal: Annotated[bool, typer.Option("--reversal", help="Its reversal, and not its usage.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Say of an unclear export whether the provider counts it.

    What is sent again keeps its identifier, so that one which came after all counts once. Run again, it is said once.
    """
    if delivered is None:
        raise typer.BadParameter("say which of the two is so", param_hint="--delivered/--send-again")
    said, part = "delivered" if delivered else "send_again", "reversal" if reversal else "usage"

    def act(billing: "Tallystick") -> "Export":
        return billing.clear_usage(customer, source, event, said, reason=reason, part=part, actor="shell")

    with engine() as billing:
        stands = billing.usage_exports(customer, source, event)
        row = billing.rehearse(lambda: act(billing)) if dry_run else act(billing)
    if as_json:
        print_json(_json(row))
    else:
        say(f"{'would be: ' if dry_run else ''}{row.customer_id}: {row.event_id} is {row.status}  [{row.identifier}]")
    return WOULD_ACT if dry_run and row not in stands else 0


def _print(found: "list[UnclearUsage]") -> None:
    from tallystick.values.decimals import plain
    from tallystick.values.time import rfc3339

    if not found:
        say("nothing is unclear")
        return
    rows = []
    for each in found:
        row, provider = each.row, "" if each.provider is None else plain(each.provider)
        name = (row.customer_id, row.meter_key, row.source, row.event_id, row.part, rfc3339(row.at))
        figures = (plain(row.quantity), plain(each.without), plain(each.with_it), provider)
        rows.append((*name, *figures, each.problem or row.reason or row.code or ""))
    headings = ("customer", "meter", "source", "event", "part", "at", "quantity", "without", "with", "provider", "why")
    print_table(headings, rows)


def _unclear_json(found: "UnclearUsage") -> dict[str, object]:
    from tallystick.values.decimals import plain

    figures = {"without": plain(found.without), "with": plain(found.with_it)}
    provider = None if found.provider is None else plain(found.provider)
    return _json(found.row) | figures | {"provider": provider, "problem": found.problem}


def _json(row: "Export") -> dict[str, object]:
    from tallystick.values.decimals import plain
    from tallystick.values.time import rfc3339

    return {
        "customer": row.customer_id,
        "meter": row.meter_key,
        "source": row.source,
        "event": row.event_id,
        "part": row.part.value,
        "identifier": row.identifier,
        "at": rfc3339(row.at),
        "quantity": plain(row.quantity),
        "status": row.status.value,
        "amended": row.amended,
        "code": row.code,
        "reason": row.reason,
    }
