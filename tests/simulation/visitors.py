"""Those who are sent to pages of the provider's, to pay or to subscribe: they pay, are declined, leave, and come back late."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tallystick.domain.invoices import InvoiceStatus
from tallystick.domain.provider_subscriptions import End, FollowedSubscription, Standing
from tallystick.sandbox.layout import PAYING
from tallystick.values.errors import Busy, Conflict, ProviderError
from tallystick.values.ids import InvoiceId
from tests.simulation import checkers
from tests.simulation.actors import Payer, open_invoices
from tests.simulation.followers import PLAN, Follower

if TYPE_CHECKING:
    from tests.simulation.world import World

_CARDS = ("pm_card_visa", "pm_card_visa", *(card for card, _ in PAYING))
_OVER = frozenset({"canceled", "incomplete_expired"})
_PAYABLE = """
SELECT p.invoice_id FROM tallystick_payments p JOIN tallystick_invoices i ON i.id = p.invoice_id
WHERE i.status = 'open' AND p.method = 'intent' AND p.status <> 'canceled' ORDER BY p.invoice_id
"""


def _back(to: str) -> dict[str, str]:
    """Another `to` is another page."""
    return {"success_url": "https://shop.test/ok", "cancel_url": f"https://shop.test/{to}"}


class Visitor(Payer):
    """Pays invoices on pages: one page or a second one, open or not any more, and not always the invoice either."""

    name = "visitor"

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self.is_done = not world.weather["paged"]
        self._pages: list[str] = []
        self._sent: list[InvoiceId] = []

    def step(self) -> timedelta | None:
        if self.is_done:
            return None
        try:
            self._visit()
        except Busy:
            return timedelta(seconds=5)
        except (Conflict, ProviderError) as later:
            self.world.trace(f"visit: {later.message}")
        return self.about(10)

    def _visit(self) -> None:
        if self._pages and self.random.random() < 0.35:
            self._submit(self.random.choice(self._pages), self.random.choice(_CARDS))
            return
        invoice_id = self._choose()
        if invoice_id is None:
            return
        if self.random.random() < 0.15:
            self.world.app.close_page(invoice_id)
            return
        for _ in range(self.random.choice((1, 1, 2))):
            self._send(invoice_id)
        if self.random.random() < 0.6:
            self._submit(self._pages[-1], self.random.choice(_CARDS))

    def _choose(self) -> InvoiceId | None:
        """One that is open; now and then one that was, when its customer was sent to pay it, or one with a page of its own."""
        payable = [InvoiceId(row[0]) for row in checkers.rows(self.world, _PAYABLE)]
        if self._sent and (not payable or self.random.random() < 0.2):
            return self.random.choice(self._sent)
        if not payable or self.random.random() < 0.1:
            payable = [invoice.id for invoice in open_invoices(self.world)]
        return self.random.choice(payable) if payable else None

    def _send(self, invoice_id: InvoiceId) -> None:
        world = self.world
        is_over = world.app.invoice(invoice_id).status is not InvoiceStatus.OPEN
        payment = world.app.pay_on_page(invoice_id, **_back(self.random.choice(("a", "a", "b"))))
        if is_over or payment.url is None:
            raise world.wrong("only what is owed is paid", f"{invoice_id} is over ({is_over}), and led to {payment.url}")
        self._sent.append(invoice_id)
        self._pages.append(payment.url)


class Beginner(Follower):
    """Begins, on a page, what the provider bills from then on: on one page, or on a second one with other seats."""

    name = "beginner"
    customer = "paged"

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self.is_there = self.is_there and bool(world.weather["paged"])
        self.is_done = not self.is_there
        self._payer = Payer(world)
        self._payer.random = self.random
        self._pages: list[str] = []

    def _come_in(self) -> None:
        """What is sold there, the first of them has told."""

    def step(self) -> timedelta | None:
        try:
            return super().step()
        except ProviderError as later:
            self.world.trace(f"begin: {later.message}")
            return timedelta(minutes=self.random.choice((1, 30)))

    def _act(self) -> None:
        live = self._live()
        if self._pages and self.random.random() < 0.3:
            self._submit(self.random.choice(self._pages))
        elif self._beginning is None and live and all(each.is_on_page for each in live) and self.random.random() < 0.6:
            self._begin()
        else:
            super()._act()

    def _begin(self) -> None:
        """Perhaps on two pages, one behind the other: nobody can subscribe on the first one then."""
        for _ in range(self.random.choice((1, 1, 2))):
            self._open()
        for page in self._pages[-2:]:
            if self.random.random() < 0.5:
                self._submit(page)

    def _open(self) -> None:
        if self._beginning is None:
            self._beginning = self.random.choice("aab"), self.random.randint(1, 3), self.random.choice((0, 0, 0, 1))
        to, seats, trial_days = self._beginning
        try:
            begun = self.world.app.subscribe_on_page(self.customer, PLAN, seats=seats, trial_days=trial_days, **_back(to))
        except Conflict:
            self._beginning = None
            raise
        self._beginning = None
        assert begun.page_url is not None, "it is open"
        self.asked.add(begun.id)
        self._pages.append(begun.page_url)

    def _submit(self, url: str, card: str | None = None) -> None:
        self._payer._submit(url, card or self.random.choice(_CARDS))

    def leaves(self) -> None:
        """In calm weather: what still waits for its customer is begun, or no longer wanted, or left to its day."""
        for waiting in self._live() if self.is_there else ():
            way = self.random.choice((self._finish, self._give_up, lambda _: None))
            if waiting.is_on_page:
                way(waiting)
        super().leaves()

    def _finish(self, waiting: FollowedSubscription) -> None:
        if waiting.page_url is not None:
            self._submit(waiting.page_url, "pm_card_visa")

    def _give_up(self, waiting: FollowedSubscription) -> None:
        if waiting.end is not End.NOW:
            self._wish(waiting, End.NOW)

    def _check_once(self) -> None:
        """And at no instant are there two that somebody pays for, on how many pages they may have been."""
        super()._check_once()
        live = [doc["id"] for docs in self._there().values() for doc in docs if doc["status"] not in _OVER]
        if len(live) > 1:
            raise self.world.wrong("nobody pays for two", f"{self.customer} has begun {live}")

    def _check_asked(self, ours: dict[str, FollowedSubscription], there: dict[str, list[Any]]) -> None:
        """Of a page that is over nothing has come; whatever was begun on one is followed, and was asked for."""
        begun = {each.id for each in ours.values() if each.standing is not Standing.REFUSED}
        live = {name for name, docs in there.items() if any(doc["status"] not in _OVER for doc in docs)}
        if not self.asked <= ours.keys() or not live <= begun <= there.keys() or not there.keys() <= ours.keys():
            raise self.world.wrong("followed = begun on a page", f"asked for {self.asked}; {list(ours.values())}; {there} there")
        for page in self.world.sandbox.state.scan("checkout.session"):
            if page["status"] == "complete" and page["mode"] == "subscription" and page["subscription"] not in _refs(ours):
                raise self.world.wrong("followed = begun on a page", f"{page['id']} is complete, and not followed")


def _refs(ours: dict[str, FollowedSubscription]) -> set[str | None]:
    return {each.ref for each in ours.values()}


__all__ = ["Beginner", "Visitor"]
