"""Somebody at the provider, without us: cancels what is open, gives money back; and banks take back what was paid, and decide."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tallystick import worker
from tests.simulation import checkers, creditor
from tests.simulation.actors import Payer, open_invoices
from tests.simulation.weather import SWEEP

if TYPE_CHECKING:
    from tests.simulation.world import World

_DISPUTED = ("pm_card_createDispute", "pm_card_createDispute", "pm_card_createDisputeInquiry")
_DECIDED = frozenset({"won", "lost", "warning_closed"})
_WAITING = "SELECT method, ref FROM tallystick_payments WHERE status = 'open' AND ready = 1 AND ref IS NOT NULL"


class Dashboard(Payer):
    """Of what it does, webhooks tell, or nobody: then the night must find it."""

    name = "dashboard"
    process = "stripe"

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self.is_done = False
        self.canceled: set[str] = set()

    def step(self) -> timedelta | None:
        if self.is_done:
            return None
        if self.random.random() < self.world.weather["elsewhere"]:
            self.random.choice((self._cancel, self._give_back, self._pay_what_is_disputed, self._decide))()
        return self.about(10)

    def _cancel(self) -> None:
        waiting = checkers.rows(self.world, _WAITING)
        if waiting:
            method, ref = self.random.choice(waiting)
            self.canceled.add(ref)
            intent = f"/v1/checkout/sessions/{ref}/expire" if ref.startswith("cs_") else f"/v1/payment_intents/{ref}/cancel"
            self._post(intent if method == "intent" else f"/v1/invoices/{ref}/void")

    def _give_back(self) -> None:
        """Where its news may be lost, or never written, the night finds it; where nobody compares, it must be heard of."""
        weather = self.world.weather
        if SWEEP in weather.closed and any(weather[kind] for kind in ("webhook_drop", "receiver_down", "stored_500")):
            return
        paid = [each for each in creditor._charges(self.world) if creditor._holder(self.world, each["payment_intent"])]
        left = [each for each in paid if each["amount"] > each["amount_refunded"] and not each["disputed"]]
        if left:
            charge = self.random.choice(left)
            amount = self.random.randint(1, charge["amount"] - charge["amount_refunded"])
            self._post("/v1/refunds", charge=charge["id"], amount=amount)

    def _pay_what_is_disputed(self) -> None:
        waiting = open_invoices(self.world)
        if waiting:
            self.pay(self.random.choice(waiting).id, self.random.choice(_DISPUTED))

    def _decide(self) -> None:
        undecided = [dispute for dispute in _disputes(self.world) if dispute["status"] not in _DECIDED]
        if undecided:
            text = self.random.choice(("winning_evidence", "losing_evidence"))
            self._post(f"/v1/disputes/{self.random.choice(undecided)['id']}", **{"evidence[uncategorized_text]": text})

    def _post(self, path: str, **fields: object) -> None:
        done = self.world.in_the_dashboard("POST", path, fields)
        if done is not None:
            self.world.happened("elsewhere", f"{path.split('/')[2]} {done['id']}")


def alarmed(world: "World", dashboard: Dashboard) -> None:
    """Nobody is alarmed about a cancellation that was ours."""
    alerts = checkers.rows(world, "SELECT facts FROM tallystick_alerts WHERE kind = 'payment.canceled'")
    false = {json.loads(facts)["ref"] for (facts,) in alerts} - dashboard.canceled
    if false:
        raise world.wrong("alarms", f"said to be canceled by others, and by us it was: {sorted(false)}")


def check_disputes(world: "World") -> None:
    """What banks hold at the provider = what our books say that they hold."""
    ours = dict(checkers.rows(world, "SELECT ref, CASE WHEN withdrawn = 1 THEN amount ELSE 0 END FROM tallystick_disputes"))
    there = {
        doc["id"]: -sum(moved["amount"] for moved in doc["balance_transactions"])
        for doc in _disputes(world)
        if creditor._holder(world, doc["payment_intent"])
    }
    if ours != there:
        raise world.wrong("disputed = booked", f"booked {ours}, at the provider {there}")


def both_halves_match(world: "World") -> None:
    """Once they were compared and mended, nothing differs; and nothing is there that cannot be mended."""
    found = world.app.reconcile(repair=True)
    if found.beyond_repair:
        raise world.wrong("after reconcile both halves match", str(found.beyond_repair[:3]))
    worker.loop.run_until_idle(world.context)
    again = world.app.reconcile()
    if again.findings:
        raise world.wrong("after reconcile both halves match", str(again.findings[:3]))


def _disputes(world: "World") -> list[Any]:
    with world.sandbox.state.transaction():
        return list(world.sandbox.state.scan("dispute", ascending=True))


__all__ = ["Dashboard", "both_halves_match", "check_disputes"]
