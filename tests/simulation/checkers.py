"""What must hold, judged from outside: by what clients know they sent, by the provider's own ledger, and by every invariant."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import TextClause, text

from tallystick.domain.usage import Aggregation, Event, Meter
from tallystick.storage.invariants import INVARIANTS
from tallystick.values.decimals import from_steps, to_steps
from tallystick.values.time import to_micros
from tests.simulation import creditor, vitals
from tests.simulation.clients import Truth, name_of, uptime_told
from tests.simulation.shop import SERVER

if TYPE_CHECKING:
    from tests.simulation.world import World

_TALLIED = "tallystick_invoice"
_LIVE_INTENT = frozenset({"requires_payment_method", "requires_confirmation", "requires_action", "processing", "succeeded"})
_LIVE_INVOICE = frozenset({"draft", "open", "paid", "uncollectible"})
_MOVES_MONEY = frozenset({
    "answer", "settle", "bill usage", "void invoice", "credit note", "answer refund", "settle refund",
})  # fmt: skip
_ASKED = """
SELECT i.id, i.total - COALESCE((SELECT SUM(n.reduced) FROM tallystick_credit_notes n WHERE n.invoice_id = i.id), 0)
FROM tallystick_invoices i
"""

_OFF = "SELECT transaction_id FROM tallystick_ledger_entries GROUP BY 1, currency HAVING SUM(amount) <> 0"
_SUCCEEDED = "SELECT id FROM tallystick_payments WHERE status = 'succeeded'"


class Watch:
    """The cheap checks, after every commit and every answer of the provider."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._succeeded: set[str] = set()
        world.after_commit.append(self.committed)
        world.after_call.append(self.answered)

    def committed(self, name: str) -> None:
        """No transaction out of balance, no paid payment that is paid no more, no two live ones for an invoice."""
        if name.partition(":")[0] not in _MOVES_MONEY:
            return
        off, succeeded = rows_of(self._world, _OFF, _SUCCEEDED)
        if off:
            raise self._world.wrong("ledger", f"{off} do not balance")
        paid = {row[0] for row in succeeded}
        if not self._succeeded <= paid:
            raise self._world.wrong("monotonic", f"{sorted(self._succeeded - paid)} regressed after {name}")
        self._succeeded = paid

    def answered(self) -> None:
        """At the provider: one object per invoice that can still be paid or was, and money for it once."""
        state = self._world.sandbox.state
        live: Counter[str] = Counter()
        for kind, statuses in (("payment_intent", _LIVE_INTENT), ("invoice", _LIVE_INVOICE)):
            for doc in state.scan(kind):
                ours = (doc.get("metadata") or {}).get(_TALLIED)
                if ours and doc["status"] in statuses:
                    live[ours] += 1
        live.update(invoice for invoice, _ in _live_pages(self._world))
        twice = [invoice for invoice, count in live.items() if count > 1]
        if twice:
            raise self._world.wrong("one live object per invoice", f"{twice} have several at the provider")
        creditor.check_refunds(self._world)


def _live_pages(world: "World") -> Iterator[tuple[str, str]]:
    """Those on which an invoice of ours can still be paid, or was; one is over where its money has not come after all."""
    state = world.sandbox.state
    for page in state.scan("checkout.session") if world.weather["paged"] else ():
        ours = page["metadata"].get(_TALLIED)
        if ours and (page["status"] == "open" or _has_money(state.get("payment_intent", page["payment_intent"] or ""))):
            yield ours, page["id"]


def _has_money(intent: Any) -> bool:
    return intent is not None and intent["status"] in {"processing", "succeeded"}


def rows(world: "World", statement: str) -> list[Any]:
    return rows_of(world, statement)[0]


def rows_of(world: "World", *statements: str) -> list[list[Any]]:
    """The rows of each, of one moment."""
    with world.database.reading() as conn:
        return [[tuple(row) for row in conn.execute(_said(statement))] for statement in statements]


@cache
def _said(statement: str) -> TextClause:
    return text(statement)


def invariants(world: "World") -> None:
    """Every promise, over everything that is stored."""
    with world.database.snapshot() as conn:
        for invariant in INVARIANTS:
            finding = invariant.check(conn, 3)
            if finding.violations:
                raise world.wrong(f"invariant {invariant.number}, {invariant.name}", str(finding.violations))


def charges(world: "World") -> dict[str, list[int]]:
    """What the provider took, for which of our invoices: from its own ledger. Its own invoices are not among them."""
    state, found = world.sandbox.state, defaultdict(list)
    for charge in state.scan("charge", ascending=True):
        held = creditor.held_for(world, charge["payment_intent"])
        if charge["status"] == "succeeded" and not held.get("_subscription"):
            ours = (held.get("metadata") or {}).get(_TALLIED, f"nobody ({charge['payment_intent']})")
            found[str(ours)].append(charge["amount"])
    return found


def money(world: "World", *, settled: bool) -> None:
    """Taken at the provider = booked here, invoice by invoice; before everything is settled, never less than booked."""
    taken = charges(world)
    for invoice, amounts in taken.items():
        if len(amounts) > 1:
            raise world.wrong("no two successful charges", f"{invoice} was charged {amounts}")
    totals = {row[0]: row[1] for row in rows(world, _ASKED)}
    booked = {
        row[0]: row[1] for row in rows(world, "SELECT invoice_id, amount FROM tallystick_payments WHERE status = 'succeeded'")
    }
    for invoice, amounts in taken.items():
        if amounts[0] != totals.get(invoice):
            raise world.wrong("charged = invoice total", f"{invoice}: charged {amounts[0]}, total {totals.get(invoice)}")
    missing = {invoice: amount for invoice, amount in booked.items() if taken.get(invoice) != [amount]}
    if missing:
        raise world.wrong("booked = charged", f"booked without money: {missing}")
    if settled and taken.keys() != booked.keys():
        raise world.wrong("booked = charged", f"charged, not booked: {sorted(taken.keys() - booked.keys())}")
    refunds = rows(world, "SELECT invoice_id, ref, status, amount FROM tallystick_refunds")
    creditor.check_given_back(world, refunds, settled=settled)


def events(world: "World", truth: Truth, meters: dict[str, Meter]) -> None:
    """Acknowledged = stored, to the digit; nothing is stored that nobody sent."""
    stored = {}
    statement = (
        "SELECT customer_id, source, id, meter_key, at, quantity FROM tallystick_events WHERE meter_key <> 'uptime_seconds'"
    )
    for customer, source, number, *said in rows(world, statement):
        stored[customer, source, number] = tuple(said)
    for name, event in truth.acked.items():
        said = (event.meter_key, to_micros(event.at), to_steps(event.quantity, meters[event.meter_key].decimals))
        if stored.get(name) != said:
            raise world.wrong("durable", f"{name} was acknowledged as {said}, stored is {stored.get(name)}")
    strangers = stored.keys() - truth.acked.keys() - truth.tried.keys()
    if strangers:
        raise world.wrong("durable", f"nobody sent {sorted(strangers)}")
    for name in stored.keys() - truth.acked.keys():
        truth.acked[name] = truth.tried[name]


def billed(world: "World", truth: Truth, meters: dict[str, Meter]) -> None:
    """Each event that clients know of is in exactly one period of each charge on its meter, and the quantities say so."""
    lines: dict[tuple[str, str], dict[tuple[int, int], Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for customer, charge, meter, start, end, quantity in _lines(world):
        lines[customer, f"{meter}/{charge}"][start, end] += Decimal(quantity)
    by_charge = {charge.key: charge.meter_key for charge in world.app.charges().values()}
    for charge, meter in by_charge.items():
        if meter not in meters:
            continue
        for customer in sorted({event.customer_id for event in truth.acked.values()}):
            mine = [e for e in truth.counting() if e.customer_id == customer and e.meter_key == meter]
            _check_periods(world, f"{customer}/{charge}", lines[customer, f"{meter}/{charge}"], mine, meters[meter])


def _lines(world: "World") -> Iterator[Any]:
    yield from rows(
        world, "SELECT customer_id, charge_key, meter_key, period_start, period_end, quantity FROM tallystick_invoice_lines"
    )


def _check_periods(
    world: "World", subject: str, periods: dict[tuple[int, int], Decimal], mine: list[Event], meter: Meter
) -> None:
    left = {name_of(event) for event in mine}
    for (start, end), quantity in periods.items():
        within = [event for event in mine if start <= to_micros(event.at) < end]
        is_level = meter.aggregation is Aggregation.TIME_WEIGHTED
        truth = _held(meter, mine, start, end) if is_level else _measured(meter, within)
        if truth != quantity:
            raise world.wrong("billed once", f"{subject}: {quantity} billed for {start}/{end}, sent were {truth}")
        again = {name_of(event) for event in within} - left
        if again:
            raise world.wrong("billed once", f"{subject}: {sorted(again)} are billed twice")
        left -= {name_of(event) for event in within}
    if left:
        raise world.wrong("billed once", f"{subject}: {sorted(left)} were never billed")


def _measured(meter: Meter, mine: list[Event]) -> Decimal:
    """Said anew here, in the simplest way, so that it cannot share a mistake."""
    if not mine:
        return Decimal(0)
    match meter.aggregation:
        case Aggregation.SUM:
            return sum((event.quantity for event in mine), Decimal(0))
        case Aggregation.COUNT:
            return Decimal(len(mine))
        case Aggregation.MAX:
            return max(event.quantity for event in mine)
        case Aggregation.LATEST:
            return max(mine, key=lambda event: (event.at, event.source, event.id)).quantity
        case Aggregation.UNIQUE:
            return Decimal(len({event.properties["user"] for event in mine}))
        case Aggregation.TIME_WEIGHTED:
            raise AssertionError("a level is held over a period")


def _held(meter: Meter, mine: list[Event], start: int, end: int) -> Decimal:
    """Level by level, each from its own event to the next one, as whole fractions."""
    ordered = sorted(mine, key=lambda event: (event.at, event.source, event.id))
    moments = [to_micros(event.at) for event in ordered[1:]] + [end]
    steps = 0
    for event, until in zip(ordered, moments, strict=False):
        lasts = min(until, end) - max(to_micros(event.at), start)
        steps += max(lasts, 0) * to_steps(event.quantity, meter.decimals)
    return from_steps((2 * steps + end - start) // (2 * (end - start)), meter.decimals)


def uptime(world: "World", truth: Truth) -> None:
    """A server's hours: each moment that it was seen running, once; none that it was off."""
    recorded = rows(world, "SELECT SUM(quantity) FROM tallystick_events WHERE meter_key = 'uptime_seconds'")[0][0] or 0
    told = uptime_told(truth)
    if recorded != told // (told.resolution):
        raise world.wrong("uptime", f"{SERVER}: {recorded} microseconds recorded, {told // told.resolution} told")


def at_rest(world: "World") -> None:
    """Faults are over, and time was given: nothing waits, is locked, dead, unknown, or left behind at the provider."""
    waiting = {
        "dead jobs": "SELECT key, error FROM tallystick_jobs WHERE dead = 1",
        "jobs": "SELECT key, run_at, error FROM tallystick_jobs WHERE dead = 0",
        "unsettled news": "SELECT id, outcome, reason FROM tallystick_provider_events WHERE outcome IN ('new', 'parked')",
        "open invoices": "SELECT id, total FROM tallystick_invoices WHERE status NOT IN ('paid', 'void')",
        "unfinished payments": "SELECT id, status, ref FROM tallystick_payments WHERE status NOT IN ('succeeded', 'canceled')",
        "unknown outcomes": "SELECT id, asked_at FROM tallystick_payments WHERE charging = 1 AND status <> 'canceled'",
        "unfinished refunds": "SELECT id, status, ref, asked_at FROM tallystick_refunds WHERE status = 'pending'",
        "late marks": "SELECT customer_id, charge_key FROM tallystick_late_usage",
    }
    for what, statement in waiting.items():
        found = rows(world, statement)
        if found:
            raise world.wrong("liveness", f"{what}: {found[:5]}")
    _no_orphans(world)
    vitals.observed(world)


def _no_orphans(world: "World") -> None:
    refs = dict(rows(world, "SELECT ref, status FROM tallystick_payments WHERE ref IS NOT NULL"))
    for kind, statuses in (("payment_intent", _LIVE_INTENT), ("invoice", _LIVE_INVOICE)):
        for doc in world.sandbox.state.scan(kind):
            ours = (doc.get("metadata") or {}).get(_TALLIED)
            if ours and doc["status"] in statuses and refs.get(doc["id"]) != "succeeded":
                known = refs.get(doc["id"], "unknown")
                raise world.wrong("no orphan at rest", f"{doc['id']} for {ours} is {doc['status']} at the provider, {known} here")
    for ours, page in _live_pages(world):
        if refs.get(page) != "succeeded":
            raise world.wrong("no orphan at rest", f"the page {page} for {ours} is not over, {refs.get(page, 'unknown')} here")
