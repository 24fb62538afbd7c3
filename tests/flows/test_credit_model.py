"""Any order of paying, voiding, crediting, refunding, failing and news: no more goes back than came, and the books are whole."""

from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tallystick.domain.invoices import InvoiceStatus
from tallystick.domain.payments import Method
from tallystick.flows.bill_usage import Collection
from tallystick.storage import payments
from tallystick.values.errors import Conflict, InvalidInput, ProviderUnavailable
from tallystick.values.money import USD, Money
from tests.flows.crowd import charges
from tests.flows.test_credit_notes import balances
from tests.flows.test_refunds import elsewhere
from tests.scenarios.world import World

NO = (Conflict, InvalidInput, ProviderUnavailable)
CARDS = ("pm_card_visa", "pm_card_visa", "pm_card_pendingRefund", "pm_card_refundFail")
cents = st.sampled_from((1, 50, 999, 3000, 4960, 5000, 9960, 9999, 10000, 12000))


class Business(RuleBasedStateMachine):
    """One customer with invoices of a hundred dollars, a few at most."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World("sqlite://")
        self.world.sells("calls", {"model": "per_unit", "currency": "usd", "unit_amount": "1"})
        self.invoices: list = []
        self.ops = 0

    def teardown(self) -> None:
        self.world.billing.close()

    @precondition(lambda self: len(self.invoices) < 3)
    @rule(method=st.sampled_from(Method), card=st.none() | st.sampled_from(CARDS))
    def bill(self, method: Method, card: str | None) -> None:
        self.world.uses("ada", "calls", 100)
        self.world.later(minutes=1)
        how = Collection(method, automatic=card is not None, payment_method=card)
        self.invoices += self.world.billing.bill("ada", collection=how)

    @precondition(lambda self: self.invoices)
    @rule(which=st.integers(0, 2), card=st.sampled_from(CARDS))
    def pay(self, which: int, card: str) -> None:
        invoice = self._one(which)
        payment = self._payment(invoice)
        if payment is not None and payment.ref is not None:
            self.ops += 1
            self.world.pays(invoice, card, attempt=self.ops)

    @precondition(lambda self: self.invoices)
    @rule(which=st.integers(0, 2))
    def void(self, which: int) -> None:
        self._try(lambda: self.world.billing.void(self._one(which).id, reason="a test"))

    @precondition(lambda self: self.invoices)
    @rule(
        which=st.integers(0, 2),
        amount=st.none() | cents,
        refund=st.sampled_from((None, None, True, False)),
        times=st.integers(1, 2),
    )
    def credit(self, which: int, amount: int | None, refund: bool | None, times: int) -> None:
        self.ops += 1
        money = None if amount is None else Money(amount, USD)
        for _ in range(times):
            self._try(
                lambda: self.world.billing.credit_note(
                    self._one(which).id, amount=money, refund=refund, reason="a test", op=f"op-{self.ops}"
                )
            )

    @precondition(lambda self: self.invoices)
    @rule(which=st.integers(0, 2), amount=cents)
    def refund_in_the_dashboard(self, which: int, amount: int) -> None:
        invoice = self._one(which)
        taken, back = sum(charges(self.world.sandbox).get(invoice.id, [])), self._back(invoice)
        if taken - back >= amount:
            elsewhere(self.world, invoice, amount)

    @rule(fault=st.sampled_from(("lost_request", "lost_reply", "timeout_after_success", "stored_500", "rate_limited")))
    def something_is_lost(self, fault: str) -> None:
        self.world.sandbox.faults.next(fault, on="POST /v1/*")

    @rule(times=st.integers(1, 2))
    def news_comes(self, times: int) -> None:
        self.world.delivers(times=times)

    @rule(hours=st.sampled_from((0, 1, 25)))
    def the_worker_works(self, hours: int) -> None:
        self.world.later(hours=hours).works()

    @invariant()
    def what_is_credited_was_asked_for_and_what_goes_back_was_paid(self) -> None:
        for invoice in self.invoices:
            notes = self.world.billing.credit_notes_of([invoice]).get(invoice.id, [])
            asked = invoice.total.minor - sum(note.reduced.minor for note in notes)
            taken = charges(self.world.sandbox).get(invoice.id, [])
            assert 0 <= sum(note.amount.minor for note in notes) <= invoice.total.minor
            assert len(taken) <= 1
            assert self._back(invoice) <= sum(taken)
            if self.world.now(invoice).status is InvoiceStatus.PAID and taken:
                assert taken == [asked]

    @invariant()
    def the_books_are_whole(self) -> None:
        balances(self.world)
        self.world.proves()

    def _one(self, which: int):
        return self.invoices[which % len(self.invoices)]

    def _payment(self, invoice):
        with self.world.billing.context.database.reading() as conn:
            return payments.of_invoice(conn, invoice.id)

    def _try(self, act) -> None:
        with suppress(NO):
            act()

    def _back(self, invoice) -> int:
        payment = self._payment(invoice)
        if payment is None or payment.ref is None:
            return 0  # nothing was to be paid, or the provider has nothing of it yet
        with self.world.sandbox.state.transaction():
            docs = [doc for doc in self.world.sandbox.state.scan("refund") if doc["status"] in {"pending", "succeeded"}]
            of = {doc["id"]: doc for doc in self.world.sandbox.state.scan("payment_intent")}
        mine = [d for d in docs if payment.ref in {d["payment_intent"], of[d["payment_intent"]]["_invoice"]}]
        return sum(doc["amount"] for doc in mine)


TestBusiness = Business.TestCase
TestBusiness.settings = settings(
    max_examples=25, stateful_step_count=14, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
