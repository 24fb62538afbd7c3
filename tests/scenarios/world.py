"""A small business on a calendar: the real engine, the real sandbox behind the real SDK, and a clock that waits for us."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from tallystick import wiring
from tallystick.app import Tallystick
from tallystick.domain.catalog import Charge, Price
from tallystick.domain.invoices import Invoice
from tallystick.domain.ledger import Account
from tallystick.domain.payments import Collection, Payment
from tallystick.domain.price_documents import read_price
from tallystick.domain.usage import Answer, Event, Meter, Verdict
from tallystick.flows.context import Context
from tallystick.providers.protocol import Outcome
from tallystick.storage import ledger, payments
from tallystick.storage.database import Database
from tallystick.testing import FakeClock, SeededIds
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.money import Currency, Money
from tallystick.worker import loop

WEBHOOKS = "http://world/webhooks/stripe"


def day(text: str) -> datetime:
    """2026-01-15, or with a time behind it; UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class World:
    """What happens is said in the words of the business; `times=2` is how the network really behaves."""

    def __init__(self, url: str, *, at: str = "2026-01-01") -> None:
        self.url = url
        self.clock = FakeClock(day(at))
        self.sandbox_state = None
        self.events = 0
        self._start()

    def _start(self) -> None:
        database = Database.from_url(self.url, clock=self.clock)
        database.migrate()
        wired = wiring.sandboxed(None, clock=self.clock, before_call=wiring.outside(database), webhook_url=WEBHOOKS)
        assert wired.sandbox is not None
        self.sandbox = wired.sandbox
        self.billing = Tallystick(Context(database, self.clock, SeededIds(), wired.provider), sandbox=wired.sandbox)

    def on(self, text: str) -> "World":
        """Moves the clock to that day; webhooks and jobs that were due on the way are worked off."""
        self.clock.set(day(text))
        return self

    def later(self, **by: float) -> "World":
        self.clock.advance(timedelta(**by))
        return self

    def sells(self, meter: str, price: Mapping[str, object] | Price, *, decimals: int = 6) -> None:
        self.billing.put_meter(Meter(MeterKey(meter), decimals=decimals))
        self.billing.put_charge(Charge(meter, MeterKey(meter), read_price(price) if isinstance(price, Mapping) else price))

    def uses(
        self, customer: str, meter: str, quantity: int | str, *, at: str | None = None, name: str | None = None, times: int = 1
    ) -> Verdict:
        """One event, sent so many times; the first verdict. Each further one is a duplicate."""
        self.events += 1
        event = Event(
            CustomerId(customer),
            EventId(name or f"event-{self.events}"),
            MeterKey(meter),
            Decimal(quantity),
            self.clock.now() if at is None else day(at),
        )
        verdicts = [self.send(event).verdict for _ in range(times)]
        assert all(verdict is Verdict.DUPLICATE for verdict in verdicts[1:]) or verdicts[0] is Verdict.REFUSED
        return verdicts[0]

    def send(self, event: Event) -> Answer:
        return self.billing.record([event])[0]

    def bills(self, customer: str, *, times: int = 1, until: str | None = None, **how: object) -> list[Invoice]:
        """The invoices that the first run opened; every further run finds nothing."""
        collection = Collection(**how)  # type: ignore[arg-type]
        runs = [
            self.billing.bill(customer, until=None if until is None else day(until), collection=collection) for _ in range(times)
        ]
        assert not any(runs[1:]), "what is billed is billed"
        return runs[0]

    def bill(self, customer: str, **how: object) -> Invoice:
        """The one invoice that this run opened."""
        (invoice,) = self.bills(customer, **how)
        return invoice

    def works(self) -> int:
        """The worker catches up: sweeps, and every job that is due."""
        return loop.catch_up(self.billing.context)

    def delivers(self, *, times: int = 1) -> list[int]:
        """The sandbox's webhooks arrive, each so many times; the answers. What they mean is settled by `works`."""
        answers = []

        def post(url: str, headers: dict[str, str], body: bytes) -> int:
            for _ in range(times):
                try:
                    self.billing.receive(body, headers)
                except InvalidInput:
                    answers.append(400)
                else:
                    answers.append(200)
            return answers[-1]

        self.sandbox.webhooks.deliver_due(post)
        return answers

    def pays(self, invoice: Invoice, card: str = "pm_card_visa", *, attempt: int = 1) -> Outcome:
        """The customer pays at the provider, without telling us."""
        payment = self.payment(invoice)
        assert payment.ref is not None, "the provider has it"
        provider = self.billing.context.provider
        return provider.charge(payment.ref, payment.method, key=f"customer:{invoice.id}:{attempt}", payment_method=card)

    def sandbox_call(self, method: str, path: str, **fields: object) -> dict[str, Any]:
        """What somebody does at the provider who is not us, such as in its dashboard; "__" is for a field within."""
        named = {name.replace("__", "[", 1) + ("]" if "__" in name else ""): str(value) for name, value in fields.items()}
        said, headers = urlencode(named), {"Authorization": "Bearer sk_test_dashboard"}
        if method == "GET":
            reply = self.sandbox.handle(method, path, query=said, headers=headers)
        else:
            reply = self.sandbox.handle(method, path, body=said.encode(), headers=headers)
        assert reply.status == 200, reply.body
        answer: dict[str, Any] = json.loads(reply.body)
        return answer

    def payment(self, invoice: Invoice) -> Payment:
        with self.billing.context.database.reading() as conn:
            found = payments.of_invoice(conn, invoice.id)
        assert found is not None
        return found

    def now(self, invoice: Invoice) -> Invoice:
        """The invoice as it stands."""
        return self.billing.invoice(invoice.id)

    def balance(self, account: Account, currency: Currency, customer: str | None = None) -> Money:
        with self.billing.context.database.reading() as conn:
            who = None if customer is None else CustomerId(customer)
            return ledger.balance(conn, account, customer_id=who, currency=currency)

    def proves(self) -> None:
        """Every invariant holds."""
        report = self.billing.verify()
        assert report.clean, report.violations
