"""Every order of the news of short lives, some of it again, some not at all: we end with how things stand at the provider."""

import itertools
import json
import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from math import factorial
from pathlib import Path

import pytest

from tallystick.domain import provider_subscriptions
from tallystick.providers.stripe.client import StripeProvider
from tallystick.providers.stripe.subscriptions import subscription as told_of
from tallystick.storage import provider_events
from tallystick.storage.provider_events import Settlement
from tallystick.worker import loop
from tests.flows.test_news_orders import Posted, resigned, undelivered
from tests.flows.test_provider_subscriptions import Business

MOST = 6  # orders of one life


class Shop(Business):
    """A business whose books can be set back to where they were, while the provider stays as it is."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"sqlite:///{folder / 'shop.db'}")
        self.news: list[Posted] = []
        self._live, self._kept = folder / "shop.db", folder / "kept.db"
        self.opens()
        self.hears()

    def keeps(self) -> None:
        self._copy(self._live, self._kept)

    def sets_back(self) -> None:
        self._copy(self._kept, self._live)

    def _copy(self, source: Path, target: Path) -> None:
        with sqlite3.connect(source) as read, sqlite3.connect(target) as written:
            read.backup(written)
        read.close()
        written.close()

    def keeps_quiet(self) -> None:
        """What happened until now is news that nobody has heard yet."""
        self.news += [news for news in undelivered(self) if json.loads(news[1])["type"] in StripeProvider.events]

    def hears_of(self, number: int) -> None:
        headers, body = self.news[number]
        self.billing.receive(body, resigned(self, headers, body))
        loop.run_until_idle(self.billing.context)

    def subscribes(self, trial_days: int = 0) -> str:
        """On the plan there, and known here as no more than asked for."""
        asked = self.billing.subscribe_at_provider("ada", "pro", trial_days=trial_days)
        self.works()
        return str(self.stands(asked).ref)


def paid_and_ended(shop: Shop) -> None:
    ref = shop.subscribes()
    shop.sandbox_call("POST", f"/v1/subscriptions/{ref}", cancel_at_period_end="true")
    shop.sandbox_call("DELETE", f"/v1/subscriptions/{ref}")


def declined_and_mended(shop: Shop) -> None:
    ref, ada = shop.subscribes(), shop.ref_of_ada()
    bad = shop.sandbox_call("POST", "/v1/payment_methods/pm_card_chargeCustomerFail/attach", customer=ada)["id"]
    shop.sandbox_call("POST", f"/v1/subscriptions/{ref}", default_payment_method=bad)
    shop.keeps_quiet()
    shop.on("2026-02-01").later(hours=2)
    shop.sandbox.catch_up()
    (unpaid,) = shop.sandbox_call("GET", "/v1/invoices", subscription=ref, status="open")["data"]
    good = shop.sandbox_call("POST", "/v1/payment_methods/pm_card_visa/attach", customer=ada)["id"]
    shop.sandbox_call("POST", f"/v1/invoices/{unpaid['id']}/pay", payment_method=good)


def declined_and_left_so(shop: Shop) -> None:
    ref, ada = shop.subscribes(), shop.ref_of_ada()
    bad = shop.sandbox_call("POST", "/v1/payment_methods/pm_card_chargeCustomerFail/attach", customer=ada)["id"]
    shop.sandbox_call("POST", f"/v1/subscriptions/{ref}", default_payment_method=bad)
    shop.keeps_quiet()
    shop.on("2026-02-01").later(hours=2)
    shop.sandbox.catch_up()


def paused_and_resumed(shop: Shop) -> None:
    ref = shop.subscribes()
    shop.sandbox_call("POST", f"/v1/subscriptions/{ref}/pause", type="subscription")
    shop.sandbox_call("POST", f"/v1/subscriptions/{ref}/resume")


def tried_and_paused(shop: Shop) -> None:
    ref = shop.subscribes(trial_days=7)
    shop.keeps_quiet()
    shop.on("2026-01-08").later(hours=2)
    shop.sandbox.catch_up()
    shop.sandbox_call("POST", f"/v1/subscriptions/{ref}/pause", type="subscription")


def with_other_seats(shop: Shop) -> None:
    shop.subscribes()
    (followed,) = shop.billing.provider_subscriptions("ada")
    for seats in (5, 2):
        shop.seats_there(followed, seats)


def gone_with_its_customer(shop: Shop) -> None:
    shop.subscribes()
    shop.sandbox_call("DELETE", f"/v1/customers/{shop.ref_of_ada()}")


LIVES: Sequence[Callable[[Shop], None]] = (
    paid_and_ended,
    declined_and_mended,
    declined_and_left_so,
    paused_and_resumed,
    tried_and_paused,
    with_other_seats,
    gone_with_its_customer,
)


def orders(news: Sequence[Posted]) -> Iterator[list[int]]:
    """All of it in some order; and then, of each object one piece, in every order where these are few, with some of it again."""
    chance = random.Random(len(news))  # the same orders in each run
    yield chance.sample(range(len(news)), len(news))
    about: dict[str, list[int]] = {}
    for number, (_, body) in enumerate(news):
        about.setdefault(json.loads(body)["data"]["object"]["id"], []).append(number)
    objects = list(about)
    found: list[Sequence[str]] = list(itertools.permutations(objects)) if factorial(len(objects)) <= MOST else []
    for order in found or [chance.sample(objects, len(objects)) for _ in range(MOST)]:
        told = [chance.choice(about[each]) for each in order]
        yield [*told, *chance.choices(told, k=chance.randrange(3))]


def check(shop: Shop) -> None:
    """What we know of the one subscription and its invoices is what the provider says of them, and so is what it grants."""
    (doc,) = shop.sandbox_call("GET", "/v1/subscriptions", status="all")["data"]
    (ours,) = shop.billing.provider_subscriptions("ada")
    told = told_of(doc)
    assert (ours.ref, ours.standing, ours.period) == (told.ref, told.standing, told.period)
    assert (ours.ends_with_period, ours.ended_at) == (told.ends_with_period, told.ended_at)
    assert [ours.terms.seats] == [item.quantity for item in told.items if item.lookup_key == "pro_seat"]
    assert shop.billing.has_feature("ada", "sso") == (told.standing in provider_subscriptions.ENTITLED)
    theirs = {each["id"]: (each["status"], each["amount_paid"]) for each in shop.sandbox_call("GET", "/v1/invoices")["data"]}
    mirrored = [each.invoice for each in shop.billing.provider_invoices("ada", limit=100)]
    assert {each.ref: (each.standing.value, each.amount_paid.minor) for each in mirrored} == theirs


def settlements(shop: Shop) -> set[Settlement]:
    with shop.billing.context.database.reading() as conn:
        return {each.settlement for each in provider_events.page(conn, limit=1000)}


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
def test_some_news_of_each_object_in_any_order_ends_in_the_providers_truth(life: Callable[[Shop], None], tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    life(shop)
    shop.keeps_quiet()
    shop.keeps()
    for order in orders(shop.news):
        shop.sets_back()
        for number in order:
            shop.hears_of(number)
        check(shop)
        assert settlements(shop) <= {Settlement.SETTLED, Settlement.IGNORED}, f"{order}: nobody has to look"
    shop.proves()
    shop.billing.close()
