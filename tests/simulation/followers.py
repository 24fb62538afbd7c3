"""Somebody on a plan that the provider bills: begins, ends, changes their mind, seats and card; and both sides must agree."""

from collections import Counter, defaultdict
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tallystick.domain.provider_subscriptions import FINAL, End, FollowedSubscription, Standing
from tallystick.values.errors import Busy, Conflict
from tallystick.values.time import to_micros
from tests.simulation import checkers
from tests.simulation.world import Actor

if TYPE_CHECKING:
    from tests.simulation.world import World

CUSTOMER, PLAN, FEATURE = "hosted", "there", "sso"
_OURS, _WHOSE = "tallystick_subscription", "tallystick_customer"
_CARDS = ("pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_chargeCustomerFail")
_GRANTING = frozenset({"trialing", "active", "past_due"})
_SEAT: dict[str, object] = {"currency": "usd", "model": "per_unit", "unit_amount": "7", "lookup_key": "a seat there"}
_CATALOGUE: dict[str, object] = {
    "meters": [{"key": "work", "decimals": 2}],
    "plans": [{
        "key": PLAN, "billed_by": "provider", "features": [FEATURE], "intervals": ["day"],
        "charges": [{"key": "base", "kind": "seats", "prices": [_SEAT]}],
        "quotas": [{"meter": "work", "limit": "5", "reset": "period"}],
    }],
}  # fmt: skip
_NEWS_IS_YOUNG = 660  # seconds; of what is younger, whoever compares says nothing yet


class Follower(Actor):
    """The same wish is sent until it is answered. `asked` is what was acknowledged, and `wished` the end that was, of each."""

    name = "follower"
    process = "web"
    customer = CUSTOMER

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self.is_there = bool(world.weather["followed"])
        self.is_done, self._begun = not self.is_there, 0
        self._beginning: tuple[str, int, int] | None = None
        self.asked, self.wished = set[str](), dict[str, End]()
        if self.is_there:
            self._come_in()
            world.after_call.append(self._check_once)

    def _come_in(self) -> None:
        world = self.world
        world.app.apply_catalogue(_CATALOGUE)
        world.in_the_dashboard("POST", "/v1/products", {"id": PLAN, "name": "A plan of the provider's"})
        price = {"product": PLAN, "currency": "usd", "unit_amount": 700, "recurring[interval]": "day"}
        world.in_the_dashboard("POST", "/v1/prices", {**price, "lookup_key": _SEAT["lookup_key"]})

    def step(self) -> timedelta | None:
        if self.is_done:
            return None
        try:
            with suppress(Conflict):
                self._act()
        except Busy:
            return timedelta(seconds=5)
        return self.about(10)

    def _act(self) -> None:
        live = self._live()
        if self._beginning is not None or not live or self.random.random() < 0.05:
            self._begin()
            return
        chosen = self.random.choice(live)
        self.random.choice((self._save_card, self._save_card, self._end, self._end, self._end_there, self._seats_there))(chosen)

    def _live(self) -> list[FollowedSubscription]:
        return [each for each in self._ours().values() if each.standing not in FINAL]

    def _ours(self) -> dict[str, FollowedSubscription]:
        return {each.id: each for each in self.world.app.provider_subscriptions(self.customer, limit=1000)}

    def _begin(self) -> None:
        """Perhaps twice, under one name: it is one subscription."""
        if self._beginning is None:
            self._begun += 1
            self._beginning = f"begin {self._begun}", self.random.randint(1, 4), self.random.choice((0, 0, 0, 1))
        op, seats, trial_days = self._beginning
        for _ in range(self.random.choice((1, 1, 2))):
            begun = self.world.app.subscribe_at_provider(self.customer, PLAN, seats=seats, trial_days=trial_days, op=op)
            self.asked.add(begun.id)
        self._beginning = None

    def _end(self, live: FollowedSubscription) -> None:
        self._wish(live, self.random.choice((End.PERIOD_END, End.PERIOD_END, End.GO_ON, End.NOW)))

    def _wish(self, live: FollowedSubscription, end: End) -> None:
        self.wished.pop(live.id, None)  # until it is answered, it may stand or not
        self.world.app.end_at_provider(live.id, end)
        self.wished[live.id] = end

    def _end_there(self, live: FollowedSubscription) -> None:
        if live.ref is not None and self.random.random() < 0.4:
            self.world.in_the_dashboard("DELETE", f"/v1/subscriptions/{live.ref}")

    def _seats_there(self, live: FollowedSubscription) -> None:
        for item in self._there()[live.id][0]["items"]["data"] if live.ref is not None else ():
            self.world.in_the_dashboard("POST", f"/v1/subscription_items/{item['id']}", {"quantity": self.random.randint(1, 4)})

    def _save_card(self, _live: FollowedSubscription) -> None:
        ref = dict(checkers.rows(self.world, "SELECT id, provider_ref FROM tallystick_customers")).get(self.customer)
        if ref is not None:
            self.world.saves_card(ref, self.random.choice(_CARDS))

    def leaves(self) -> None:
        """In calm weather: what runs is ended by half of them; the others stay, and are followed on."""
        if not self.is_there or self.random.random() < 0.5:
            return
        for live in self._live():
            if live.end is not End.NOW:
                self._wish(live, self.random.choice((End.PERIOD_END, End.NOW)))

    def is_about_to_hear(self) -> bool:
        """Whether the provider has news that is too young to be missed."""
        newest = next(iter(self.world.sandbox.state.scan("event")), None)
        return self.is_there and newest is not None and newest["_at"] > self.world.at.timestamp() - _NEWS_IS_YOUNG

    def _check_once(self) -> None:
        """At no instant are there two at the provider for what was asked for once."""
        twice = [name for name, docs in self._there().items() if len(docs) > 1]
        if twice:
            raise self.world.wrong("one subscription for what was asked for once", f"{twice} have several at the provider")

    def _there(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = defaultdict(list)
        for doc in self.world.sandbox.state.scan("subscription"):
            if doc["metadata"].get(_WHOSE, self.customer) == self.customer:
                found[doc["metadata"].get(_OURS, "nobody")].append(doc)
        return found

    def compare(self) -> None:
        """At rest: what was acknowledged is there, as it was wished, and stands here as it stands there, to the last invoice."""
        if not self.is_there:
            return
        there, ours = self._there(), self._ours()
        self._check_asked(ours, there)
        for followed in ours.values():
            if followed.standing is not Standing.REFUSED:
                self._check_standing(followed, there[followed.id][0])
        grants = any(doc["status"] in _GRANTING for docs in there.values() for doc in docs)
        given = self.world.app.has_feature(self.customer, FEATURE), self.world.app.check(self.customer, "work", "0.01").allowed
        if given != (grants, grants):
            raise self.world.wrong("followed = entitled", f"the feature and the quota are {given}; {list(ours.values())}")
        self._check_invoices()

    def _check_asked(self, ours: dict[str, FollowedSubscription], there: dict[str, list[Any]]) -> None:
        if not self.asked <= ours.keys() or ours.keys() != there.keys():
            raise self.world.wrong("followed = asked for", f"{self.asked} were asked for: {ours.keys()}, {there.keys()} there")

    def _check_standing(self, followed: FollowedSubscription, doc: Any) -> None:
        is_over = doc["status"] in {"canceled", "incomplete_expired"}
        until = min(item["current_period_end"] for item in doc["items"]["data"])
        seats = sum(item["quantity"] for item in doc["items"]["data"])
        said = (followed.ref, followed.standing.value, followed.terms.seats, followed.ends_with_period)
        shown = (doc["id"], "canceled" if is_over else doc["status"], seats, doc["cancel_at_period_end"])
        if said != shown or followed.period is None or to_micros(followed.period.end) != until * 10**6:
            raise self.world.wrong("followed = there", f"{followed} stands as {shown} until {until}")
        match self.wished.get(followed.id):
            case None:
                is_kept = True
            case End.NOW:
                is_kept = is_over
            case wish:
                is_kept = is_over or doc["cancel_at_period_end"] == (wish is End.PERIOD_END)
        if not is_kept or not (is_over or followed.told == followed.wishes):
            raise self.world.wrong("a wish is carried out", f"{followed}: {self.wished.get(followed.id)} was wished; {shown}")

    def _check_invoices(self) -> None:
        """Each is mirrored as it is, charged once at most, and none is ours."""
        world, state = self.world, self.world.sandbox.state
        mine = {doc["id"] for docs in self._there().values() for doc in docs}
        docs = {doc["id"]: doc for doc in state.scan("invoice") if doc.get("_subscription") in mine}
        shown = {ref: (doc["status"], doc["total"], doc["amount_paid"]) for ref, doc in docs.items()}
        mirrored = {
            each.invoice.ref: (each.invoice.standing.value, each.invoice.total.minor, each.invoice.amount_paid.minor)
            for each in world.app.provider_invoices(self.customer, limit=1000)
        }
        if mirrored != shown:
            raise world.wrong("mirrored = there", f"mirrored {mirrored}, there are {shown}")
        taken: Counter[str] = Counter()
        for charge in state.scan("charge"):
            intent = state.get("payment_intent", charge["payment_intent"]) or {}
            if charge["status"] == "succeeded" and intent.get("_invoice") in docs:
                taken[intent["_invoice"]] += charge["amount"]
        paid = {ref: doc["amount_paid"] for ref, doc in docs.items() if doc["amount_paid"]}
        if dict(taken) != paid:
            raise world.wrong("no two successful charges", f"charged {dict(taken)}, paid {paid}")
        ours = checkers.rows(world, f"SELECT id FROM tallystick_invoices WHERE customer_id = '{self.customer}'")
        if ours:
            raise world.wrong("who bills decides", f"{ours} are asked for by us, too")


__all__ = ["CUSTOMER", "PLAN", "Follower"]
