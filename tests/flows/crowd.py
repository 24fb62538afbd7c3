"""Many at once: threads that start together, and what the books must say after them."""

import threading
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from tallystick.app import Tallystick
from tallystick.domain.invoices import Invoice
from tallystick.sandbox.server import Sandbox
from tallystick.storage import usage
from tallystick.values.errors import Busy
from tallystick.values.ids import CustomerId, MeterKey

Result = TypeVar("Result")
PATIENCE_S = 60.0


def at_once(threads: int, work: Callable[[int], Result], *, patience_s: float = PATIENCE_S) -> list[Result]:
    """What each thread's `work` returned, in the order of their numbers; all start together. Raises the first error."""
    start, results, errors = threading.Barrier(threads), dict[int, Result](), list[BaseException]()

    def run(number: int) -> None:
        try:
            start.wait(PATIENCE_S)
            results[number] = work(number)
        except BaseException as error:
            errors.append(error)

    crowd = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join(patience_s)
        assert not thread.is_alive(), "stuck"
    if errors:
        raise errors[0]
    return [results[number] for number in range(threads)]


def patiently(work: Callable[[], Result], tries: int = 20) -> Result:
    """As a client does who is told that the database is busy: nothing was done, and it asks again."""
    for _ in range(tries - 1):
        try:
            return work()
        except Busy:
            pass
    return work()


def invoices(billing: Tallystick, customer: str) -> list[Invoice]:
    return billing.invoices(customer_id=customer, limit=200)


def billed(billing: Tallystick, customer: str, charge: str) -> Decimal:
    """What all lines of this charge add up to."""
    lines = (line for invoice in invoices(billing, customer) for line in invoice.lines if line.charge_key == charge)
    return sum((line.quantity for line in lines), Decimal(0))


def unbilled(billing: Tallystick, customer: str, charge: str) -> Decimal:
    """What the next bill would add: behind the position, and late before it."""
    lines = (line for invoice in billing.preview(customer) for line in invoice.lines if line.charge_key == charge)
    return sum((line.quantity for line in lines), Decimal(0))


def late(billing: Tallystick, customer: str, charge: str) -> list[Any]:
    with billing.context.database.reading() as conn:
        return usage.late_hours(conn, CustomerId(customer), charge)


def recorded(billing: Tallystick, customer: str, meter: str) -> int:
    with billing.context.database.reading() as conn:
        asked = "SELECT COUNT(*) FROM tallystick_events WHERE customer_id = '{}' AND meter_key = '{}'"
        count: int = conn.exec_driver_sql(asked.format(customer, MeterKey(meter))).scalar_one()
        return count


def charges(sandbox: Sandbox | None) -> dict[str, list[int]]:
    """What was taken, for which of our invoices: from the sandbox's own ledger."""
    assert sandbox is not None
    taken = defaultdict[str, list[int]](list)
    with sandbox.state.transaction():
        for charge in sandbox.state.scan("charge"):
            if charge["status"] == "succeeded":
                intent = sandbox.state.get("payment_intent", charge["payment_intent"]) or {}
                holder = sandbox.state.get("invoice", intent["_invoice"]) if intent["_invoice"] else intent
                taken[((holder or {}).get("metadata") or {})["tallystick_invoice"]].append(charge["amount"])
    return taken


def intents(sandbox: Sandbox | None) -> list[str]:
    """Every payment intent that exists there."""
    assert sandbox is not None
    with sandbox.state.transaction():
        return [intent["id"] for intent in sandbox.state.scan("payment_intent")]
