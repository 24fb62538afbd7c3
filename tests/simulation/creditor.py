"""Somebody credits invoices and gives money back, here and in the provider's dashboard, and does not rest before that is done."""

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tallystick import storage
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.values.errors import Busy, Conflict, InvalidInput, ProviderUnavailable
from tallystick.values.ids import InvoiceId
from tallystick.values.money import Money
from tests.simulation.weather import SWEEP, WEBHOOK
from tests.simulation.world import Actor

if TYPE_CHECKING:
    from tests.simulation.world import World

_TALLIED, _REFUND = "tallystick_invoice", "tallystick_refund"
_GIVEN_BACK = frozenset({"pending", "succeeded"})


class Creditor(Actor):
    """Credits, keeps and refunds; the same order is given again until it is answered."""

    name = "creditor"

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self.doing: tuple[InvoiceId, dict[str, Any]] | None = None
        self.is_done, self._orders = False, 0

    def step(self) -> timedelta | None:
        if self.doing is None and self.is_done:
            return None
        if self.doing is None and self.random.random() < self.world.weather["credit"]:
            self._choose()
        return self.about(24) if self.doing is None else self._credit(*self.doing)

    def _choose(self) -> None:
        status = self.random.choice((InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.PAID))
        with self.world.database.reading() as conn:
            issued = [each for each in storage.invoices.page(conn, status=status, limit=1000) if each.total.minor]
        if not issued:
            return
        invoice = self.random.choice(issued)
        if self._is_heard() and invoice.status is InvoiceStatus.PAID and self.random.random() < 0.25:
            self._in_the_dashboard(invoice)
            return
        self._orders += 1
        part = self.random.choice((None, 1, 9, invoice.total.minor - 7, self.random.randint(1, invoice.total.minor)))
        amount = None if part is None else Money(max(part, 1), invoice.currency)
        refund = self.random.choice((None, None, False)) if invoice.status is InvoiceStatus.PAID else None
        self.doing = invoice.id, {"amount": amount, "refund": refund, "op": f"order {self._orders}"}

    def _credit(self, invoice_id: InvoiceId, order: dict[str, Any]) -> timedelta:
        world = self.world
        try:
            note = world.app.credit_note(invoice_id, reason="simulated", **order)
            again = world.app.credit_note(invoice_id, reason="simulated", **order) if self.random.random() < 0.3 else note
            if again != note:
                raise world.wrong("credited once", f"{order}: {note} and then {again}")
            world.happened("credit", invoice_id)
        except Busy:
            return timedelta(seconds=5)
        except (ProviderUnavailable, Conflict) as later:
            world.trace(f"credit: {later.message}")
            if world.app.invoice(invoice_id).status is InvoiceStatus.OPEN:
                return self._ask_first(invoice_id)
        except InvalidInput as refusal:
            world.trace(f"credit: {refusal.message}")
        self.doing = None
        return self.about(24)

    def _ask_first(self, invoice_id: InvoiceId) -> timedelta:
        try:
            self.world.app.collect(invoice_id)
        except (Busy, Conflict):
            return timedelta(seconds=5)
        return timedelta(minutes=50)

    def _is_heard(self) -> bool:
        """Of what is done in the dashboard only news tells: it must come, though late, twice and out of order.

        A call that fails half way may have done it, and told nobody: then the night must find it.
        """
        weather = self.world.weather
        is_told = SWEEP not in weather.closed or not weather["stored_500"]
        return is_told and WEBHOOK not in weather.closed and not weather["webhook_drop"] and not weather["receiver_down"]

    def _in_the_dashboard(self, invoice: Invoice) -> None:
        paid = [charge for charge in _charges(self.world) if _holder(self.world, charge["payment_intent"]) == invoice.id]
        rest = sum(charge["amount"] - charge["amount_refunded"] for charge in paid)
        if rest <= 0:
            return
        said = {"payment_intent": paid[0]["payment_intent"], "amount": self.random.randint(1, rest)}
        made = self.world.in_the_dashboard("POST", "/v1/refunds", said)
        if made is not None:
            self.world.happened("dashboard_refund", made["id"])


def _charges(world: "World") -> list[Any]:
    with world.sandbox.state.transaction():
        return [charge for charge in world.sandbox.state.scan("charge") if charge["status"] == "succeeded"]


def _holder(world: "World", intent_id: str) -> str | None:
    return (held_for(world, intent_id).get("metadata") or {}).get(_TALLIED)


def held_for(world: "World", intent_id: str) -> dict[str, Any]:
    """What the intent collects: the invoice, or the page, that it was made for, else itself."""
    state = world.sandbox.state
    intent = state.get("payment_intent", intent_id) or {}
    for kind in ("invoice", "checkout.session"):
        name = intent.get("_invoice" if kind == "invoice" else "_checkout")
        if name:
            return state.get(kind, name) or {}
    return intent


def check_refunds(world: "World") -> None:
    """At the provider: of each refund of ours there is one, and no charge gives back more than it took."""
    named: Counter[str] = Counter()
    for doc in world.sandbox.state.scan("refund"):
        ours = (doc.get("metadata") or {}).get(_REFUND)
        if ours and doc["status"] in _GIVEN_BACK:
            named[ours] += 1
    twice = [refund for refund, count in named.items() if count > 1]
    if twice:
        raise world.wrong("given back once", f"{twice} were given back more than once")


def check_given_back(world: "World", ours: list[tuple[str, str | None, str, int]], *, settled: bool) -> None:
    """What went back at the provider = what our books say went back; `ours` are (invoice, ref, status, amount)."""
    docs = {doc["id"]: doc for doc in world.sandbox.state.scan("refund")}
    for invoice, ref, status, amount in ours:
        doc = docs.get(ref or "")
        if status == "succeeded" and (doc is None or doc["amount"] != amount):
            raise world.wrong("booked = given back", f"{invoice}: {amount} by {ref}, the provider has {doc}")
    if not settled:
        return
    booked = {ref: amount for _, ref, status, amount in ours if status in _GIVEN_BACK}
    there = {doc["id"]: doc["amount"] for doc in docs.values() if doc["status"] in _GIVEN_BACK and _is_ours(world, doc)}
    if booked != there:
        raise world.wrong("booked = given back", f"booked {booked}, given back {there}")


def _is_ours(world: "World", doc: Any) -> bool:
    return _holder(world, doc["payment_intent"]) is not None
