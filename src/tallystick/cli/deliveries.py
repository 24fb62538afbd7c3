"""What came in from the provider, on the shell: seen, and settled once more. Beside what went out, under `webhooks`."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tallystick.cli.engine import Json, engine, facts, print_json, print_table, say, told
from tallystick.values.errors import InvalidInput

if TYPE_CHECKING:
    from tallystick.storage.provider_events import Stored


def register(webhooks: typer.Typer) -> None:
    webhooks.command("show")(show)
    webhooks.command("replay")(replay)


def print_deliveries(status: str | None, limit: int, *, as_json: bool) -> None:
    """Newest first, and what became of each."""
    with engine() as billing:
        found = billing.deliveries(settlement=status, limit=limit)
    if as_json:
        print_json([_delivery(stored) for stored in found])
        return
    rows = [
        (s.received_at.isoformat(), s.delivery.id, s.delivery.kind, _about(s), s.settlement.value, s.reason or "") for s in found
    ]
    print_table(("at", "delivery", "kind", "about", "status", "because"), rows)


def show(delivery: str, as_json: Json = False) -> None:
    """One delivery as it came, and what became of it."""
    with engine() as billing:
        stored = billing.delivery(delivery)
    document = _delivery(stored)
    if as_json:
        print_json(document | {"body": json.loads(stored.delivery.body)})
        return
    facts({name: value or "" for name, value in document.items()})
    say(json.dumps(json.loads(stored.delivery.body), ensure_ascii=False, indent=2))


def replay(
    deliveries: Annotated[list[str] | None, typer.Argument(help="The ids of deliveries.")] = None,
    parked: Annotated[bool, typer.Option("--parked", help="All that are parked, once what was wrong is mended.")] = False,
    as_json: Json = False,
) -> None:
    """Settle deliveries once more, by how things stand at the provider now; twice is once."""
    if bool(deliveries) == parked:
        raise InvalidInput("replay: name deliveries, or say --parked", field="deliveries")
    with engine() as billing:
        ids = deliveries or [stored.delivery.id for stored in billing.deliveries(settlement="parked", limit=1000)]
        for delivery_id in ids:
            billing.replay_delivery(delivery_id, actor="shell")
    told(f"{len(ids)} to be settled by the worker", {"deliveries": ids}, as_json=as_json)


def _delivery(stored: "Stored") -> dict[str, Any]:
    return {
        "id": stored.delivery.id,
        "kind": stored.delivery.kind,
        "about": _about(stored),
        "created_at": stored.delivery.created_at.isoformat(),
        "received_at": stored.received_at.isoformat(),
        "status": stored.settlement.value,
        "reason": stored.reason,
    }


def _about(stored: "Stored") -> str:
    return str(json.loads(stored.delivery.body).get("data", {}).get("object", {}).get("id", ""))
