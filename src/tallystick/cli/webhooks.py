"""Webhooks on the shell: the endpoints that are told, the messages that were sent, and once more; what came in is beside."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tallystick.cli import deliveries
from tallystick.cli.engine import Json, engine, print_json, print_table, say, told

if TYPE_CHECKING:
    from tallystick.domain.messages import Dispatch, Endpoint, Message

group = typer.Typer(no_args_is_help=True, help="What the provider told us; who is told by us, and what they were told.")
endpoints = typer.Typer(no_args_is_help=True, help="The addresses that messages are sent to.")


def register(app: typer.Typer) -> None:
    deliveries.register(group)
    group.add_typer(endpoints, name="endpoints")
    app.add_typer(group, name="webhooks")


@endpoints.command("list")
def listed(as_json: Json = False) -> None:
    """Every endpoint, and how it does."""
    with engine() as billing:
        found = billing.endpoints()
    if as_json:
        print_json([_endpoint(endpoint) for endpoint in found])
        return
    rows = [(e.id, e.url, " ".join(e.types), e.only_for or "all", _state(e), e.delivered_at or "never") for e in found]
    print_table(("id", "url", "types", "customer", "state", "accepted last"), rows)


@endpoints.command("create")
def create(
    url: str,
    types: Annotated[list[str] | None, typer.Option("--type", help="Such as invoice.paid or alert.*; may be repeated.")] = None,
    customer: Annotated[str | None, typer.Option(help="Told of this customer alone.")] = None,
    as_json: Json = False,
) -> None:
    """Tell this address from now on; its secret is shown once."""
    with engine() as billing:
        issued = billing.create_endpoint(url, types or ["*"], customer_id=customer, actor="shell")
    _print_secret(issued.endpoint.id, issued.secret, as_json=as_json)


@endpoints.command("rotate")
def rotate(
    endpoint: str,
    overlap_hours: Annotated[int, typer.Option(min=0, max=720, help="So long the old secret is signed with too.")] = 24,
    as_json: Json = False,
) -> None:
    """A new secret; it is shown once."""
    from datetime import timedelta

    with engine() as billing:
        issued = billing.rotate_endpoint_secret(endpoint, overlap=timedelta(hours=overlap_hours), actor="shell")
    _print_secret(issued.endpoint.id, issued.secret, as_json=as_json)


@endpoints.command("enable")
def enable(endpoint: str, as_json: Json = False) -> None:
    """Send to it again; what it has missed is sent by `resend`."""
    with engine() as billing:
        billing.update_endpoint(endpoint, enabled=True, actor="shell")
    told(f"{endpoint}: enabled", {"id": endpoint, "enabled": True}, as_json=as_json)


@endpoints.command("disable")
def disable(endpoint: str, as_json: Json = False) -> None:
    """Send nothing to it for the time being."""
    with engine() as billing:
        billing.update_endpoint(endpoint, enabled=False, actor="shell")
    told(f"{endpoint}: disabled", {"id": endpoint, "enabled": False}, as_json=as_json)


@endpoints.command("test")
def send_test(endpoint: str, as_json: Json = False) -> None:
    """Send it a message of the type endpoint.test."""
    with engine() as billing:
        message = billing.test_endpoint(endpoint, actor="shell")
    shown = {"message": message.id, "endpoint": endpoint}
    told(f"{message.id}: on its way; see `tallystick webhooks messages`", shown, as_json=as_json)


@endpoints.command("remove")
def remove(endpoint: str, as_json: Json = False) -> None:
    """Send nothing to it any more, and forget it."""
    with engine() as billing:
        billing.remove_endpoint(endpoint, actor="shell")
    told(f"{endpoint}: removed", {"id": endpoint, "removed": True}, as_json=as_json)


@group.command("list")
def both(
    incoming: Annotated[bool, typer.Option("--in/--out", help="What the provider told us; or what we told others.")] = True,
    status: Annotated[str | None, typer.Option(help="Of what came in: new, settled, ignored or parked.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 20,
    as_json: Json = False,
) -> None:
    """What came in from the provider and what became of it, newest first; with --out, as `messages`."""
    if incoming:
        deliveries.print_deliveries(status, limit, as_json=as_json)
    else:
        messages(limit=limit, as_json=as_json)


@group.command("messages")
def messages(
    customer: Annotated[str | None, typer.Option(help="About this customer alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 20,
    as_json: Json = False,
) -> None:
    """What was sent out, and what became of it."""
    with engine() as billing:
        found = billing.messages(customer_id=customer, limit=limit)
    if as_json:
        print_json([as_json_of(message, dispatches) for message, dispatches in found])
        return
    rows = [
        (m.created_at.isoformat(), m.id, m.type, d.target, d.status.value, d.attempts, d.error or "")
        for m, dispatches in found
        for d in dispatches
    ]
    print_table(("at", "message", "type", "to", "status", "tries", "last error"), rows)


@group.command("resend")
def resend(
    message: str,
    endpoint: Annotated[str | None, typer.Option(help="To this one; else to each that it went to.")] = None,
    as_json: Json = False,
) -> None:
    """Send a message once more, under the same id."""
    with engine() as billing:
        sent = billing.resend_message(message, endpoint_id=endpoint, actor="shell")
    targets = [dispatch.target for dispatch in sent]
    told(f"{message}: on its way to {', '.join(targets)}", {"message": message, "targets": targets}, as_json=as_json)


def _print_secret(endpoint_id: str, secret: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": endpoint_id, "secret": secret})
    else:
        say(f"{endpoint_id}\n{secret}\nkeep the secret: it is not shown again")


def _state(endpoint: "Endpoint") -> str:
    if not endpoint.enabled:
        return f"disabled: {endpoint.disabled_reason or 'by hand'}"
    return "paused" if endpoint.paused_until is not None else "enabled"


def _endpoint(endpoint: "Endpoint") -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "types": list(endpoint.types),
        "customer": endpoint.only_for,
        "enabled": endpoint.enabled,
        "disabled_reason": endpoint.disabled_reason,
        "failures": endpoint.failures,
    }


def as_json_of(message: "Message", dispatches: "Sequence[Dispatch]") -> dict[str, Any]:
    went = [_dispatch(dispatch) for dispatch in dispatches]
    about = {"id": message.id, "type": message.type, "customer": message.customer_id, "created_at": message.created_at}
    return about | {"body": message.body, "dispatches": went}


def _dispatch(dispatch: "Dispatch") -> dict[str, Any]:
    return {
        "target": dispatch.target,
        "status": dispatch.status.value,
        "attempts": dispatch.attempts,
        "response_status": dispatch.response_status,
        "error": dispatch.error,
    }
