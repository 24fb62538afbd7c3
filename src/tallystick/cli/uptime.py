"""This machine's uptime and its bill, once."""

from typing import Annotated

import typer

from tallystick.cli.engine import WOULD_ACT, DryRun, Json, engine, facts, money_json, print_json, say


def register(app: typer.Typer) -> None:
    app.command("uptime")(uptime)


def uptime(
    invoice: Annotated[
        bool, typer.Option("--invoice", help="Make an invoice for the unpaid time, to be paid on its page.")
    ] = False,
    pay: Annotated[bool, typer.Option("--pay", help="Make a payment intent for the unpaid time.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """How long this machine has been up, and what that costs; with --invoice or --pay, ask for the money.

    Asked twice, it is one invoice: hours that are on one are never put on another.
    """
    from tallystick.collectors.uptime import Tariff, UptimeBilling
    from tallystick.settings import read_settings
    from tallystick.values.errors import InvalidInput
    from tallystick.values.time import rfc3339

    if invoice and pay:
        raise InvalidInput("uptime: give --invoice or --pay, not both")
    settings = read_settings()
    with engine() as billing:
        server = UptimeBilling(billing, Tariff(settings.server_name, settings.hourly_rate, settings.currency))
        server.prepare()
        asked = (server.invoice() if invoice else server.pay()) if (invoice or pay) and not dry_run else None
        status, reading = server.status(), server.reading()
    up = reading.at - reading.boot_at
    found: dict[str, object] = {
        "server": settings.server_name,
        "up": str(up).split(".")[0],
        "since": rfc3339(reading.boot_at.replace(microsecond=0)),
        "hourly rate": f"{settings.hourly_rate} {settings.currency.code.upper()}",
        "due": status.due,
        "paid": status.paid,
        "total": status.total,
        "paid through": "-" if status.paid_through is None else rfc3339(status.paid_through),
    }
    if asked is not None:
        found["invoice"] = asked[0].number
        found["pay at" if invoice else "payment intent"] = asked[1].payment.url if invoice else asked[1].intent_ref
    if as_json:
        amounts = {
            name: money_json(value) for name, value in (("due", status.due), ("paid", status.paid), ("total", status.total))
        }
        print_json(found | amounts | {"uptime_seconds": int(up.total_seconds())})
    else:
        facts(found)
    if dry_run and (invoice or pay):
        say(f"{status.due} would be asked for")
        return WOULD_ACT
    return 0
