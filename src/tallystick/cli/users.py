"""Accounts of those who log in, on the shell: the first admin is made here."""

from typing import Annotated

import typer

from tallystick.cli.engine import Json, engine, facts, print_json, print_table, say, told

group = typer.Typer(no_args_is_help=True, help="Accounts that log in to the dashboards.")
Role = Annotated[str, typer.Option(help="user or admin.")]


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="users")


@group.command("add")
def add(email: str, role: Role = "user", as_json: Json = False) -> None:
    """Make an account; its password is made up, and shown once."""
    with engine() as billing:
        password = billing.made_up_password()
        account = billing.register(email, password, role=role, actor="shell")
    if as_json:
        print_json({"id": account.id, "email": account.email, "role": account.role.value, "password": password})
    else:
        facts({"id": account.id, "email": account.email, "role": account.role.value, "password": password})
        say("keep the password: it is not shown again")


@group.command("list")
def listed(
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    after: Annotated[str | None, typer.Option(help="Start behind this id.")] = None,
    as_json: Json = False,
) -> None:
    """Accounts in the order of their ids."""
    with engine() as billing:
        found = billing.accounts(after=after, limit=limit)
    rows = [(account.id, account.email, account.role.value, account.created_at) for account in found]
    headings = ("id", "email", "role", "since")
    print_json([dict(zip(headings, row, strict=True)) for row in rows]) if as_json else print_table(headings, rows)


@group.command("set-role")
def set_role(email: str, role: Annotated[str, typer.Argument(help="user or admin.")], as_json: Json = False) -> None:
    """Give an account another role; whoever is logged in under it has to do so again. The last admin stays one."""
    with engine() as billing:
        account = billing.set_role(email, role, actor="shell")
    shown = {"email": account.email, "role": account.role.value}
    told(f"{account.email}: is {account.role.value}", shown, as_json=as_json)


@group.command("reset-password")
def reset_password(email: str, as_json: Json = False) -> None:
    """Give an account another password, made up and shown once; whoever is logged in under it has to do so again."""
    with engine() as billing:
        password = billing.reset_password(email, actor="shell")
    print_json({"email": email, "password": password}) if as_json else say(f"{password}\nkeep it: it is not shown again")
