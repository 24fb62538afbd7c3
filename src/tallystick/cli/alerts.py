"""Alerts on the shell."""

from typing import Annotated

import typer

from tallystick.cli.engine import Json, engine, print_json, print_table, say
from tallystick.cli.webhooks import as_json_of

group = typer.Typer(no_args_is_help=True, help="What was worth telling.")


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="alerts")


@group.command("list")
def listed(
    customer: Annotated[str | None, typer.Option(help="Of this customer alone.")] = None,
    kind: Annotated[str | None, typer.Option(help="Such as quota.threshold or usage.spike.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """Alerts, newest first, with their figures."""
    with engine() as billing:
        found = billing.alerts(customer_id=customer, kind=kind, limit=limit)
    if as_json:
        print_json([alert.document for alert in found])
        return
    rows = [
        (alert.at.isoformat(), alert.kind.value, alert.customer_id, alert.subject, alert.threshold or "", _facts(alert.facts))
        for alert in found
    ]
    print_table(("at", "kind", "customer", "about", "%", "figures"), rows)


@group.command("test")
def try_out(
    endpoint: Annotated[str | None, typer.Option(help="To the endpoint of this id.")] = None,
    mail: Annotated[bool, typer.Option("--mail", help="To the operator, by mail.")] = False,
    as_json: Json = False,
) -> None:
    """Send an alert to try it out: to this endpoint, to the operator by mail, or both; else to whoever is told of alerts."""
    with engine() as billing:
        sent, dispatches = billing.message(billing.test_alert(endpoint_id=endpoint, mail=mail, actor="shell").id)
    if as_json:
        print_json(as_json_of(sent, dispatches))
    else:
        to = ", ".join(dispatch.target for dispatch in dispatches)
        say(f"{sent.id}: on its way to {to}; see `tallystick webhooks messages`")


def _facts(facts: object) -> str:
    assert hasattr(facts, "items"), "facts are named"
    return ", ".join(f"{name} {value}" for name, value in facts.items() if value is not None)
