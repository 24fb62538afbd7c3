"""Corrections and retractions of events on the shell; each can be looked at before it is done."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tallystick.cli.engine import WOULD_ACT, DryRun, Json, engine, facts, print_json

if TYPE_CHECKING:
    from tallystick.app import Tallystick
    from tallystick.domain.amendments import Amendment
    from tallystick.domain.usage import Event

_Customer = Annotated[str, typer.Argument(help="Whose event.")]
_Id = Annotated[str, typer.Argument(help="The event's id.")]
_Source = Annotated[str, typer.Option(help="The event's source.")]
_Reason = Annotated[str, typer.Option(prompt=True, help="Why; kept in the audit log.")]


def register(group: typer.Typer) -> None:
    group.command("correct")(correct)
    group.command("retract")(retract)


def correct(
    customer: _Customer,
    event: _Id,
    reason: _Reason,
    quantity: Annotated[str | None, typer.Option(help="What is right; as it was if not given.")] = None,
    at: Annotated[str | None, typer.Option(help="When it was, RFC 3339; as it was if not given.")] = None,
    unit_price: Annotated[str | None, typer.Option(help="The price that it carries; as it was if not given.")] = None,
    source: _Source = "api",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Let another event count in the place of a wrong one; both stay as they were recorded.

    What that changes in periods that were billed is on the next invoice. Run again, it is the same correction.
    """
    with engine() as billing:
        first = billing.event(customer, source, event)
        right = _right(first, quantity=quantity, at=at, unit_price=unit_price)
        if dry_run:
            return _would(billing, first, right, as_json=as_json)
        done = billing.correct(customer, source, event, replacement=right, reason=reason, actor="shell")
    _print(done, as_json=as_json)
    return 0


def retract(
    customer: _Customer,
    event: _Id,
    reason: _Reason,
    source: _Source = "api",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Let an event count no longer; it stays as it was recorded.

    What was billed of it is given back on the next invoice. Run again, it is the same retraction.
    """
    with engine() as billing:
        if dry_run:
            return _would(billing, billing.event(customer, source, event), None, as_json=as_json)
        done = billing.retract(customer, source, event, reason=reason, actor="shell")
    _print(done, as_json=as_json)
    return 0


def _right(first: "Event", *, quantity: str | None, at: str | None, unit_price: str | None) -> "Event":
    from tallystick.values.decimals import exact_decimal
    from tallystick.values.time import instant

    said: dict[str, Any] = {}
    if quantity is not None:
        said["quantity"] = exact_decimal(quantity, field="quantity")
    if at is not None:
        said["at"] = instant(at, field="at")
    if unit_price is not None:
        said["unit_price"] = exact_decimal(unit_price, field="unit_price")
    return replace(first, **said)


def _would(billing: "Tallystick", first: "Event", right: "Event | None", *, as_json: bool) -> int:
    """Shows the event as it is and as it would be; 2 where it was not amended yet."""
    stands = billing.amendment(first.customer_id, first.source, first.id)
    if stands is not None:
        _print(stands, as_json=as_json)
        return 0
    shown = {"customer": first.customer_id, "event": f"{first.source} {first.id}", "counts": _said(first)}
    shown["would count"] = "nothing" if right is None else _said(right)
    print_json(shown) if as_json else facts(shown)
    return WOULD_ACT


def _said(event: "Event") -> str:
    from tallystick.values.decimals import plain
    from tallystick.values.time import rfc3339

    price = "" if event.unit_price is None else f" at {plain(event.unit_price)} each"
    return f"{plain(event.quantity)} {event.meter_key}{price}, {rfc3339(event.at)}"


def _print(amendment: "Amendment", *, as_json: bool) -> None:
    from tallystick.values.time import rfc3339

    by = amendment.replacement
    shown = {
        "customer": amendment.event.customer_id,
        "source": amendment.event.source,
        "id": amendment.event.id,
        "status": amendment.word,
        "at": rfc3339(amendment.at),
        "reason": amendment.reason,
        "replacement": None if by is None else {"source": by.source, "id": by.id},
    }
    print_json(shown) if as_json else facts({**shown, "replacement": "none" if by is None else f"{by.source} {by.id}"})
