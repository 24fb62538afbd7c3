"""Customers on the shell."""

from typing import Annotated

import typer

from tallystick.cli import pages, payment_methods
from tallystick.cli.engine import Json, engine, facts, print_json, print_table

group = typer.Typer(no_args_is_help=True, help="Who is billed.")


def register(app: typer.Typer) -> None:
    group.command("portal")(pages.portal)
    payment_methods.register(group)
    app.add_typer(group, name="customers")


@group.command("list")
def listed(
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    after: Annotated[str | None, typer.Option(help="Start behind this customer.")] = None,
    as_json: Json = False,
) -> None:
    """Customers in the order of their ids."""
    with engine() as billing:
        found = billing.customers(after=after, limit=limit)
    if as_json:
        print_json([{"id": c.id, "email": c.email, "name": c.name, "provider_ref": c.provider_ref} for c in found])
    else:
        rows = [(c.id, c.email or "", c.name or "", c.provider_ref or "") for c in found]
        print_table(("id", "email", "name", "at the provider"), rows)


@group.command("put")
def put(
    customer: str,
    email: Annotated[str | None, typer.Option()] = None,
    name: Annotated[str | None, typer.Option()] = None,
    language: Annotated[str | None, typer.Option(help="Of letters: en or ja. Default: that of the business.")] = None,
    as_json: Json = False,
) -> None:
    """Create a customer, or change its email, name and language."""
    with engine() as billing:
        kept = billing.put_customer(customer, email=email, name=name, language=language)
    values = {"id": kept.id, "email": kept.email, "name": kept.name, "language": kept.language}
    print_json(values) if as_json else facts(values)
