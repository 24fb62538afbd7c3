"""Those whose payments fail: they save other cards, good ones and bad ones, come back by the link in a letter, or do nothing."""

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tallystick import domain, storage
from tallystick.domain.dunning import Ask, Policy, Rule
from tallystick.values.errors import Busy, NotFound
from tallystick.values.ids import InvoiceId
from tests.simulation import checkers
from tests.simulation.world import Actor

if TYPE_CHECKING:
    from tests.simulation.world import World

_HOURS = timedelta(hours=1)
_SOON, _LATER = 5 * _HOURS, 9 * _HOURS
# The rules of a world whose days are short.
POLICY = Policy(
    {
        "soft": Rule("soft", Ask.PATIENCE, (_SOON, _LATER)),
        "card": Rule("card", Ask.NEW_CARD, give_up_after=20 * _HOURS),
        "confirm": Rule("confirm", Ask.CONFIRM, give_up_after=20 * _HOURS),
    },
    {"no_payment_method": "card", "resource_missing": "card", "authentication_required": "confirm"},
    "soft",
)
CARDS = ("pm_card_visa", "pm_card_visa", "pm_card_chargeCustomerFail")


class Debtor(Actor):
    """One customer after the other, as chance will have it."""

    name = "debtor"
    process = "web"

    def __init__(self, world: "World", customers: list[str]) -> None:
        super().__init__(world)
        self._customers, self.is_done = customers, False

    def step(self) -> timedelta | None:
        if self.is_done:
            return None
        if self.random.random() < 0.6:
            self._save_card(self.random.choice(self._customers))
        else:
            self._come_back()
        return self.about(3)

    def _save_card(self, customer: str) -> None:
        ref = dict(checkers.rows(self.world, "SELECT id, provider_ref FROM tallystick_customers")).get(customer)
        if ref is not None:
            self.world.saves_card(ref, self.random.choice(CARDS))

    def _come_back(self) -> None:
        owed = [row[0] for row in checkers.rows(self.world, "SELECT invoice_id FROM tallystick_dunning ORDER BY invoice_id")]
        if not owed:
            return
        token = self._token(InvoiceId(self.random.choice(owed)))
        try:
            if token is not None:
                self.world.app.come_back(token)
        except (Busy, NotFound) as later:
            self.world.trace(f"come back: {later.code}")

    def _token(self, invoice_id: InvoiceId) -> str | None:
        with self.world.database.reading() as conn:
            key = storage.settings.get(conn, "webhook_key")
        return None if key is None else domain.dunning.link_token(bytes.fromhex(key), invoice_id)


def dunned(world: "World", *, settled: bool) -> None:
    """Judged by the rules of this world: no try before its time, no more of them than the rules have, no card twice."""
    tries: dict[str, list[Any]] = defaultdict(list)
    for invoice, *said in checkers.rows(world, _TRIES):
        tries[invoice].append(said)
    for invoice, found in tries.items():
        _in_time(world, invoice, found)
        cards = [method for cause, _, _, method in found if cause == "new_card" and method is not None]
        if len(cards) > len(set(cards)):
            raise world.wrong("dunning", f"{invoice}: a new card is new once, and not {cards}")
    ours = (doc for doc in world.sandbox.state.scan("invoice") if not doc.get("_subscription"))
    owner = [doc["id"] for doc in ours if doc["auto_advance"]]
    if owner:
        raise world.wrong("one owner of retries", f"{owner} would be collected by the provider as well")
    left = checkers.rows(world, "SELECT invoice_id, state FROM tallystick_dunning WHERE state <> 'over'")
    if settled and left:
        raise world.wrong("liveness", f"dunned for at rest: {left[:5]}")


_TRIES = """
SELECT invoice_id, cause, begun_at, failed_at, payment_method FROM tallystick_dunning_tries
ORDER BY invoice_id, begun_at, payment_id, charge
"""


def _in_time(world: "World", invoice: str, found: list[Any]) -> None:
    scheduled = [begun for cause, begun, _, _ in found if cause == "schedule"]
    if len(scheduled) > POLICY.tries_max:
        raise world.wrong("dunning", f"{invoice} was tried {len(scheduled)} times by the calendar")
    soonest = _SOON // timedelta(microseconds=1)
    for place, (cause, begun, _, _) in enumerate(found):
        before = [failed for _, _, failed, _ in found[:place] if failed is not None]
        if cause == "schedule" and before and begun - max(before) < soonest:
            raise world.wrong("dunning", f"{invoice} was tried at {begun}, {begun - max(before)} after it had failed")
