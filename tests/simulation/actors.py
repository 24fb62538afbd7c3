"""Those who bill, pay, work, deliver, void and turn clocks; each does over again what did not go through."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sqlalchemy import text

from tallystick import storage, worker
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Method
from tallystick.flows.bill_usage import Collection
from tallystick.flows.collect import Collected
from tallystick.sandbox import pages
from tallystick.sandbox.faults import Lost
from tallystick.sandbox.webhooks import signature
from tallystick.values.errors import Busy, Conflict, InvalidInput, ProviderUnavailable
from tallystick.values.ids import InvoiceId
from tests.simulation import shop
from tests.simulation.weather import RETRY, SWEEP, WEBHOOK
from tests.simulation.world import OLD_SECRET, PUBLISHABLE_KEY, Actor

if TYPE_CHECKING:
    from tests.simulation.world import World

_CARDS = (
    "pm_card_visa", "pm_card_pendingRefund", "pm_card_refundFail", "pm_card_chargeDeclined",
    "pm_card_visa_chargeDeclinedInsufficientFunds",
    "pm_card_authenticationRequired",
)  # fmt: skip
_SAVED = (
    None, "pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired", "pm_card_chargeDeclined",
)  # fmt: skip
_RETRIED = "('collect', 'provider_subscription')"


def open_invoices(world: "World") -> list[Invoice]:
    with world.database.reading() as conn:
        return storage.invoices.page(conn, status=InvoiceStatus.OPEN, limit=1000)


class Biller(Actor):
    """Bills somebody, now and then twice, and every kind of collection."""

    name = "biller"

    def __init__(self, world: "World", customers: list[str]) -> None:
        super().__init__(world)
        self._customers, self._again = customers, ""
        self.is_done = False

    def step(self) -> timedelta | None:
        if self.is_done:
            return None
        customer = self._again or self.random.choice(self._customers)
        self._again = customer if self.random.random() < 0.15 else ""
        self.bill(customer)
        return self.about(5) if not self._again else timedelta(seconds=2)

    def bill(self, customer: str) -> None:
        back = self.random.choice((timedelta(0), timedelta(0), timedelta(hours=1), timedelta(minutes=2)))
        until = self.world.clock.now() - back
        try:
            opened = self.world.app.bill(customer, until=until, collection=self._collection())
            if self.random.random() < 0.3:
                for invoice in opened:
                    if invoice.status is InvoiceStatus.OPEN:
                        self.world.app.collect(invoice.id)
        except (Busy, Conflict) as later:
            self.world.trace(f"bill {customer!r}: {later.code}")
            self._again = customer

    def _collection(self) -> Collection:
        method = self.random.choice((Method.INTENT, Method.HOSTED))
        automatic = self.random.random() < 0.5
        return Collection(method, automatic=automatic, payment_method=self.random.choice(_SAVED) if automatic else None)


class Payer(Actor):
    """Somebody with a card comes to the pay page, or to the hosted invoice, and clicks; perhaps twice, perhaps days later."""

    name = "payer"
    process = "web"

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._tabs: list[Collected] = []

    def step(self) -> timedelta | None:
        waiting = open_invoices(self.world)
        if self._tabs and self.random.random() < 0.3:
            self._click(self.random.choice(self._tabs), self.random.choice(_CARDS))
        elif waiting:
            self.pay(self.random.choice(waiting).id, self.random.choice(_CARDS))
        return self.about(7)

    def pay(self, invoice_id: InvoiceId, card: str) -> None:
        try:
            collected = self.world.app.collect(invoice_id)
        except (Busy, Conflict):
            return
        self._tabs.append(collected)
        if self.random.random() < 0.9:
            self._click(collected, card)

    def _click(self, collected: Collected, card: str) -> None:
        payment = collected.payment
        for _ in range(self.random.choice((1, 1, 2))):
            through_page = payment.method is Method.INTENT or self.random.random() < 0.4
            if through_page and collected.client_secret and collected.intent_ref:
                self._confirm(collected.intent_ref, collected.client_secret, card)
            elif payment.url and (payment.method is Method.HOSTED or payment.page is not None):
                self._submit(payment.url, card)

    def _submit(self, url: str, card: str) -> None:
        """The button on a page of the provider's."""
        path = url.removeprefix(self.world.sandbox.public_url)
        status, _, headers = pages.answer(self.world.sandbox, "POST", path, urlencode({"card": card}).encode())
        self.world.trace(f"pays {path[:24]}… with {card}: {status}")
        if "/3ds/" in headers.get("Location", ""):
            self._authenticate(headers["Location"].rpartition("/")[2])

    def _confirm(self, ref: str, secret: str, card: str) -> None:
        body = urlencode({"client_secret": secret, "payment_method": card})
        headers = {"Authorization": f"Bearer {PUBLISHABLE_KEY}"}
        try:
            reply = self.world.sandbox.handle("POST", f"/v1/payment_intents/{ref}/confirm", body=body.encode(), headers=headers)
        except Lost:
            return
        self.world.trace(f"pays {ref[:8]}… with {card}: {reply.status}")
        if json.loads(reply.body).get("status") == "requires_action":
            self._authenticate(ref)

    def _authenticate(self, intent: str) -> None:
        if self.random.random() < 0.8:
            self.world.sandbox.authenticate(intent, success=self.random.random() < 0.7)


class Worker(Actor):
    """One of two processes that work off jobs."""

    def __init__(self, world: "World", process: str) -> None:
        super().__init__(world, process)
        self.process = process

    def step(self) -> timedelta | None:
        try:
            ran = worker.loop.run_due(self.world.context, limit=self.random.choice((1, 3, 50)))
        except Busy:
            return timedelta(seconds=1)
        finally:
            if RETRY in self.world.weather.closed:
                self.lose_retries()
        return self._until_due(timedelta(seconds=1 if ran else 5))

    def _until_due(self, least: timedelta) -> timedelta:
        with self.world.database.reading() as conn:
            due = storage.jobs.next_due_at(conn)
        longest = timedelta(minutes=50)
        return longest if due is None else min(max(due - self.world.clock.now(), least), longest)

    def lose_retries(self) -> None:
        with self.world.database._writer.begin() as conn:
            lost = conn.execute(
                text(f"DELETE FROM tallystick_jobs WHERE name IN {_RETRIED} AND leased_until IS NULL AND attempt > 0")
            ).rowcount
        self.world.counts["lost_retry"] += lost

    def crashed(self) -> timedelta:
        return timedelta(seconds=self.random.choice((1, 30, 400)))


class Sweeper(Actor):
    """Asks what is due, as a worker process does beside its jobs."""

    name = "sweeper"
    process = "worker 1"

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._sweeps = worker.schedule.Sweeps()

    def step(self) -> timedelta | None:
        if SWEEP in self.world.weather.closed:
            return None
        try:
            self._sweeps.run_due(self.world.context)
        except Busy:
            return timedelta(seconds=9)
        return self.about(6)

    def crashed(self) -> timedelta:
        self._sweeps = worker.schedule.Sweeps()
        return timedelta(seconds=40)


class Deliverer(Actor):
    """Stripe's side of webhooks: what is due is posted; and strangers post as well."""

    name = "deliverer"
    process = "stripe"

    def step(self) -> timedelta | None:
        if WEBHOOK in self.world.weather.closed:
            return None
        world = self.world
        if not world.is_calm and world.deaf is not None:
            world.sandbox.faults.set("webhook_drop", 1.0 if world.is_deaf() else world.weather["webhook_drop"])
        world.sandbox.webhooks.deliver_due(self.post)
        return timedelta(minutes=self.random.choice((1, 10, 45)))

    def post(self, _url: str, headers: dict[str, str], body: bytes) -> int:
        world, at = self.world, int(self.world.at.timestamp())
        if world.receiver_is_down():
            world.happened("receiver_down", "post")
            return 503
        if not world.is_calm and self.random.random() < world.weather["forged"]:
            self._forge(body, at)
        if not world.is_calm and self.random.random() < world.weather["old_secret"]:
            world.happened("old_secret", "post")
            headers = {**headers, "Stripe-Signature": signature(body, OLD_SECRET, at)}
        return world.received(headers, body)

    def _forge(self, body: bytes, at: int) -> None:
        world = self.world
        real = signature(body, world.secret, at)
        attempts = (
            (body, signature(body, "whsec_stranger_0123456789abcd", at)),
            (body.replace(b'"id": "evt_', b'"id": "evt_x', 1), real),
            (body, signature(body, world.secret, at - 3600)),
            (body, ""),
        )
        forged, header = self.random.choice(attempts)
        world.happened("forged", "post")
        try:
            world.app.receive(forged, {"Stripe-Signature": header})
        except InvalidInput:
            return
        raise world.wrong("authentic", f"a forged delivery was accepted: {header}")


class Receiver(Actor):
    """Our endpoint, for the time of one delivery."""

    name = "receiver"
    process = "web"

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self.body, self.headers, self.status = b"", dict[str, str](), 0

    def step(self) -> timedelta | None:
        try:
            self.world.app.receive(self.body, self.headers)
            self.status = 204
        except Busy:
            self.status = 503
        except InvalidInput as refusal:
            # A pause between the signature and its check may be longer than the five minutes that it is good for.
            self.world.trace(f"refused: {refusal.message}")
            self.status = 400
        return None


class Operator(Actor):
    """Voids an invoice now and then, and does not rest before that is done; changes prices and names."""

    name = "operator"

    def __init__(self, world: "World", customers: list[str]) -> None:
        super().__init__(world)
        self._customers = customers
        self.voiding: InvoiceId | None = None
        self.is_done = False

    def step(self) -> timedelta | None:
        weather, world = self.world.weather, self.world
        if self.voiding is None and self.is_done:
            return None
        if self.voiding is None and self.random.random() < weather["void"]:
            waiting = open_invoices(world)
            self.voiding = self.random.choice(waiting).id if waiting else None
        if self.voiding is not None:
            return self._void(self.voiding)
        try:
            if self.random.random() < weather["price_change"]:
                world.app.put_charge(shop.charge("tokens", self.random))
                world.counts["price_change"] += 1
            if self.random.random() < 0.15:
                customer = self.random.choice(self._customers)
                world.app.put_customer(customer, name=f"N{self.random.randint(1, 99)}", email="who@example.com")
        except Busy:
            pass
        return self.about(5)

    def _void(self, invoice_id: InvoiceId) -> timedelta:
        world = self.world
        try:
            world.app.collect(invoice_id)
            world.app.void(invoice_id, reason="simulated")
            world.happened("void", invoice_id)
        except Busy:
            return timedelta(seconds=5)
        except ProviderUnavailable as unknown:
            world.trace(f"void: {unknown.message}")
            if world.app.invoice(invoice_id).status is InvoiceStatus.OPEN:
                return timedelta(minutes=50)
        except Conflict as moved:
            world.trace(f"void: {moved.message}")
            if moved.code != "given_back" and world.app.invoice(invoice_id).status is InvoiceStatus.OPEN:
                return timedelta(minutes=50)
        self.voiding = None
        return self.about(10)


class ClockTurner(Actor):
    """Somebody, or NTP, sets the clock of our machines."""

    name = "clock"
    process = "clock"

    def step(self) -> timedelta | None:
        world = self.world
        if world.is_calm:
            return None
        if self.random.random() < world.weather["clock_step"]:
            world.skew = max(-_SKEW, min(_SKEW, world.skew + timedelta(seconds=self.random.randint(-300, 300))))
            world.happened("clock_step", str(world.skew))
        return self.about(5)


_SKEW = timedelta(seconds=280)  # beyond five minutes no signature of Stripe's would be believed
__all__ = ["Biller", "ClockTurner", "Deliverer", "Operator", "Payer", "Receiver", "Sweeper", "Worker", "open_invoices"]
