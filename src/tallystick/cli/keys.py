"""API keys for `/v1`."""

from typing import Annotated

import typer

from tallystick.cli.engine import Json, engine, print_json, print_table, say, told

group = typer.Typer(no_args_is_help=True, help="Keys that open /v1.")


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="api-keys")


@group.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="events:write, usage:read, billing:read, billing:write or admin.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key; it is shown once, and only its hash is kept."""
    with engine() as billing:
        issued = billing.create_api_key(name, scope or ["admin"], actor="shell")
    if as_json:
        print_json({"key_id": issued.key_id, "key": issued.token, "scopes": list(issued.scopes)})
    else:
        say(f"{issued.token}\nkeep it: it is not shown again. Revoke it with: tallystick api-keys revoke {issued.key_id}")


@group.command("list")
def listed(as_json: Json = False) -> None:
    """Every key: what it is for, and when it was last used."""
    with engine() as billing:
        keys = billing.api_keys()
    rows = [
        (k.key_id, k.name, " ".join(k.scopes), k.expires_at, k.last_used_at or "never", "revoked" if k.revoked_at else "")
        for k in keys
    ]
    headings = ("key_id", "name", "scopes", "expires", "last used", "")
    print_json([dict(zip(headings[:-1], row, strict=False)) for row in rows]) if as_json else print_table(headings, rows)


@group.command("revoke")
def revoke(key_id: str, as_json: Json = False) -> None:
    """Close the door to a key, at once."""
    with engine() as billing:
        billing.revoke_api_key(key_id, actor="shell")
    told(f"{key_id}: revoked", {"id": key_id, "revoked": True}, as_json=as_json)
