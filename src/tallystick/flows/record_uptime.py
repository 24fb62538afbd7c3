"""Turn one reading of a server into usage: its boot, and the uptime since it was last read, in one transaction."""

from tallystick import domain, storage
from tallystick.domain.uptime import METER, Boot, Reading
from tallystick.flows.context import Context
from tallystick.values.ids import CustomerId


def record_uptime(ctx: Context, server: CustomerId, reading: Reading) -> Boot:
    """The boot, read through `reading.at`. The same reading twice records nothing twice."""
    now = ctx.clock.now()
    with ctx.database.transaction("record uptime") as conn:
        storage.customers.ensure(conn, [server], at=now)
        storage.customers.lock(conn, server)  # two readings at once would both record the time since the one before them
        boots = storage.boots.of_server(conn, server)
        boot, events = domain.uptime.read_on(server, boots, reading)
        storage.usage.append(conn, [(event, METER) for event in events], at=now)
        storage.boots.put(conn, boot)
    return boot
