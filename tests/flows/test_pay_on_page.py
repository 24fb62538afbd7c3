"""An open invoice is paid on a page of the provider's: by one object at a time, whatever is lost, late, twice, or given up."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tallystick import storage
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.ledger import Account
from tallystick.domain.payments import Collection, Method, Payment, PaymentChanged, PaymentStatus
from tallystick.flows import _follow
from tallystick.flows._news import News
from tallystick.sandbox import pages
from tallystick.values.errors import Conflict, InvalidInput, NotFound, ProviderUnavailable
from tallystick.values.faults import NoFaults
from tallystick.values.ids import CustomerId
from tallystick.values.money import EUR, USD, Money
from tallystick.worker import loop
from tests.flows.crowd import at_once, patiently
from tests.scenarios.world import World

OK, BACK = "https://shop.test/ok?session={CHECKOUT_SESSION_ID}", "https://shop.test/invoices"
FEE = {"key": "base", "kind": "recurring", "prices": [{"currency": "eur", "model": "flat", "amount": "99"}]}
PRICE = {"currency": "usd", "model": "per_unit", "unit_amount": "0.01"}


@pytest.fixture
def world() -> Iterator[World]:
    yield from opened("sqlite://")


@pytest.fixture
def any_world(database_url: str) -> Iterator[World]:
    """The same on either engine."""
    yield from opened(database_url)


def opened(url: str) -> Iterator[World]:
    made = World(url)
    made.sells("calls", PRICE)
    made.billing.apply_catalogue({"plans": [{"key": "pro", "charges": [FEE]}]})
    yield made
    made.proves()
    made.billing.close()


def owed(world: World, customer: str = "ada", *, method: Method = Method.INTENT, automatic: bool = False) -> Invoice:
    """An open invoice of 15.00 dollars, collected like that."""
    world.uses(customer, "calls", 1500)
    world.later(minutes=1)
    invoice = world.bill(customer, method=method, automatic=automatic)
    world.works()
    return invoice


def sent(world: World, invoice: Invoice, **more: Any) -> Payment:
    return world.billing.pay_on_page(invoice.id, **{"success_url": OK, "cancel_url": BACK, **more})


def on_page(world: World, payment: Payment, card: str = "pm_card_visa") -> int:
    """The customer, on the page; the status of what they then see."""
    assert payment.url is not None
    path = payment.url.removeprefix(world.sandbox.public_url)
    return pages.answer(world.sandbox, "POST", path, f"card={card}".encode())[0]


def held(world: World, kind: str) -> list[Any]:
    """What the sandbox has of them, oldest first."""
    with world.sandbox.state.transaction():
        return world.sandbox.call().list(kind)


def payable(world: World) -> list[str]:
    """Every object at the provider by which somebody could still pay."""
    sessions = [each["id"] for each in held(world, "checkout.session") if each["status"] == "open"]
    waiting = ("requires_payment_method", "requires_confirmation", "requires_action")
    own = [each["id"] for each in held(world, "payment_intent") if each["status"] in waiting and not each.get("_checkout")]
    return [*own, *sessions]


def paid(world: World) -> list[int]:
    return [charge["amount"] for charge in held(world, "charge") if charge["status"] == "succeeded"]


def test_what_is_paid_on_the_page_settles_the_invoice_once(any_world: World) -> None:
    world = any_world
    invoice = owed(world)
    before = world.payment(invoice)
    payment = sent(world, invoice)
    assert (payment.status, payment.amount, payment.url is None) == (PaymentStatus.OPEN, Money(15_00, USD), False)
    assert payable(world) == [payment.ref]
    assert on_page(world, payment) == 303
    world.delivers(times=2)
    world.works()
    assert world.now(invoice).status is InvoiceStatus.PAID
    assert (paid(world), world.payment(invoice).status) == ([15_00], PaymentStatus.SUCCEEDED)
    assert world.balance(Account.CASH, USD) == Money(15_00, USD)
    with world.billing.context.database.reading() as conn:
        old = storage.payments.get(conn, before.id)
    assert old is not None
    assert old.status is PaymentStatus.CANCELED
    assert world.billing.alerts() == []
    with pytest.raises(Conflict, match="nothing is left to be paid"):
        sent(world, invoice)


def test_without_any_webhook_it_is_found_out_by_asking(world: World) -> None:
    invoice = owed(world)
    on_page(world, sent(world, invoice))
    assert world.billing.collect(invoice.id).payment.status is PaymentStatus.SUCCEEDED
    assert world.now(invoice).status is InvoiceStatus.PAID


def test_asked_twice_it_is_the_same_page_and_with_other_addresses_the_old_one_is_closed(any_world: World) -> None:
    world = any_world
    invoice = owed(world)
    first = sent(world, invoice)
    assert sent(world, invoice).ref == first.ref
    other = sent(world, invoice, cancel_url="https://shop.test/elsewhere")
    assert payable(world) == [other.ref]
    assert on_page(world, first) == 410
    assert on_page(world, other) == 303
    world.delivers()
    world.works()
    assert (paid(world), world.now(invoice).status) == ([15_00], InvoiceStatus.PAID)


def test_a_declined_card_leaves_the_page_open_and_says_why(world: World) -> None:
    invoice = owed(world)
    payment = sent(world, invoice)
    assert on_page(world, payment, "pm_card_chargeDeclined") == 402
    world.delivers(times=2)
    world.works()
    stands = world.billing.collect(invoice.id).payment
    assert (stands.status, stands.decline and stands.decline.code) == (PaymentStatus.OPEN, "generic_decline")
    assert sent(world, invoice).ref == payment.ref


def test_many_who_ask_at_once_get_one_page(any_world: World) -> None:
    world = any_world
    invoice = owed(world)
    found = at_once(4, lambda _: patiently(lambda: sent(world, invoice)))
    assert {payment.ref for payment in found} == set(payable(world))
    assert len(payable(world)) == 1


def test_a_page_whose_day_is_over_gives_the_invoice_back_and_nobody_is_alarmed(any_world: World) -> None:
    world = any_world
    invoice = owed(world)
    page = sent(world, invoice)
    world.later(hours=25)
    world.delivers(times=2)
    world.works()
    again = world.payment(invoice)
    assert (again.status, again.page, again.method) == (PaymentStatus.OPEN, None, Method.INTENT)
    assert payable(world) == [again.ref]
    assert world.billing.alerts() == []
    newest = sent(world, invoice)
    assert newest.ref not in {page.ref, again.ref}
    on_page(world, newest)
    world.delivers()
    world.works()
    assert paid(world) == [15_00]


def test_who_wants_to_pay_here_after_all_closes_the_page(world: World) -> None:
    invoice = owed(world)
    page = sent(world, invoice)
    payment = world.billing.close_page(invoice.id)
    assert (payment.page, world.billing.close_page(invoice.id).ref) == (None, payment.ref)
    assert payable(world) == [payment.ref]
    assert world.billing.collect(invoice.id).client_secret is not None
    assert on_page(world, page) == 410


def test_who_has_paid_meanwhile_keeps_it_paid_whatever_was_asked_for_beside_it(world: World) -> None:
    invoice = owed(world)
    page = sent(world, invoice)
    on_page(world, page)
    for ask in (lambda: sent(world, invoice, cancel_url="https://shop.test/b"), lambda: world.billing.close_page(invoice.id)):
        with pytest.raises(Conflict):
            ask()
    assert (world.now(invoice).status, paid(world)) == (InvoiceStatus.PAID, [15_00])


@pytest.mark.parametrize(("card", "status"), [("Later", InvoiceStatus.PAID), ("Never", InvoiceStatus.OPEN)])
def test_money_that_takes_its_time_is_waited_for_and_paid_by_nothing_beside_it(
    any_world: World, card: str, status: InvoiceStatus
) -> None:
    world = any_world
    invoice = owed(world)
    token = "pm_card_sandboxClearsLater" if card == "Later" else "pm_card_sandboxNeverClears"
    assert on_page(world, sent(world, invoice), token) == 303
    world.delivers()
    world.works()
    assert (world.payment(invoice).status, world.now(invoice).status) == (PaymentStatus.PROCESSING, InvoiceStatus.OPEN)
    assert payable(world) == []
    for ask in (lambda: sent(world, invoice, cancel_url="https://shop.test/b"), lambda: world.billing.close_page(invoice.id)):
        with pytest.raises(Conflict, match="on its way"):
            ask()
    world.later(minutes=2)
    world.delivers(times=2)
    world.works()
    assert world.now(invoice).status is status
    assert paid(world) == ([15_00] if card == "Later" else [])
    assert len(payable(world)) == (0 if card == "Later" else 1)


def test_a_hosted_invoice_has_a_page_of_its_own(world: World) -> None:
    invoice = owed(world, method=Method.HOSTED)
    payment = sent(world, invoice)
    assert (payment.page, payment.ref) == (None, world.payment(invoice).ref)
    assert payment.url is not None
    assert "/sandbox/invoice/" in payment.url
    assert held(world, "checkout.session") == []


def test_what_is_void_or_credited_takes_its_page_along(any_world: World) -> None:
    world = any_world
    void, credited = owed(world), owed(world, "bob")
    pages_of = [sent(world, void), sent(world, credited)]
    world.billing.void(void.id, reason="mistaken")
    world.billing.credit_note(credited.id, amount=Money(5_00, USD), reason="goodwill", op="1")
    world.works()
    assert [on_page(world, page) for page in pages_of] == [410, 410]
    smaller = sent(world, credited)
    assert smaller.amount == Money(10_00, USD)
    on_page(world, smaller)
    world.delivers()
    world.works()
    assert (paid(world), world.now(credited).status) == ([10_00], InvoiceStatus.PAID)
    with pytest.raises(Conflict, match="is void"):
        sent(world, void)


def test_what_was_paid_on_a_page_can_be_given_back_and_disputed(any_world: World) -> None:
    world = any_world
    invoice, disputed = owed(world), owed(world, "bob")
    on_page(world, sent(world, invoice))
    on_page(world, sent(world, disputed), "pm_card_visa")
    world.delivers()
    world.works()
    world.billing.refund(invoice.id, amount=Money(4_00, USD), reason="requested", op="1")
    world.works()
    intent = next(each["id"] for each in held(world, "payment_intent") if each["status"] == "succeeded")
    world.sandbox_call("POST", "/v1/refunds", payment_intent=intent, amount=100)
    world.delivers(times=2)
    world.works()
    assert [(refund["amount"], refund["payment_intent"]) for refund in held(world, "refund")] == [(4_00, intent), (1_00, intent)]
    assert world.balance(Account.CASH, USD) == Money(25_00, USD)


def test_a_charge_off_session_waits_while_the_page_is_open_and_goes_on_after_it(any_world: World) -> None:
    """Dunning: the same card is tried again after a week, and not while its owner may be paying."""
    world = any_world
    collection = Collection(Method.INTENT, payment_method="pm_card_visa_chargeDeclinedInsufficientFunds")
    invoice = world.billing.subscribed("ada", "pro", collection=collection).invoice
    assert invoice is not None
    world.works()
    world.later(days=6, hours=23)
    page = sent(world, invoice)
    world.later(hours=2)
    world.works()
    assert world.payment(invoice).charges == 1, "the week is over, and the page is open"
    world.later(hours=24)
    world.delivers()
    world.works()
    world.later(hours=7)
    world.works()
    assert world.payment(invoice).charges == 2
    assert world.payment(invoice).page is None
    assert on_page(world, page) == 410


def declined_and_paid_on_page(world: World) -> Invoice:
    """Of a subscription's first invoice, whose card has been declined."""
    collection = Collection(Method.INTENT, payment_method="pm_card_visa_chargeDeclinedInsufficientFunds")
    invoice = world.billing.subscribed("ada", "pro", collection=collection).invoice
    assert invoice is not None
    world.works()
    on_page(world, sent(world, invoice))
    return invoice


def test_the_customer_of_an_invoice_in_dunning_pays_it_on_the_page_and_the_dunning_is_over(any_world: World) -> None:
    world = any_world
    invoice = declined_and_paid_on_page(world)
    world.delivers(times=2)
    world.works()
    assert world.now(invoice).status is InvoiceStatus.PAID
    world.later(days=30)
    with world.billing.context.database.reading() as conn:
        (kept,) = storage.subscriptions.of_customer(conn, CustomerId("ada"))
    assert kept.subscription.status.value == "active"
    assert world.balance(Account.RECEIVABLE, EUR) == Money(0, EUR)


def test_late_news_of_what_is_paid_does_not_put_off_that_its_dunning_is_over(any_world: World) -> None:
    world = any_world
    invoice = declined_and_paid_on_page(world)
    payment = world.billing.collect(invoice.id).payment
    assert (payment.status, payment.ref is None) == (PaymentStatus.SUCCEEDED, False)
    world.clock.advance(timedelta(hours=2))  # and no worker has come to its dunning
    assert payment.ref is not None
    _follow.follow(world.billing.context, News(PaymentChanged(payment.ref, invoice.id)))
    world.proves()


def test_a_card_that_was_saved_while_the_page_was_open_pays_when_it_is_over(any_world: World) -> None:
    """Dunning waits for another card, and none is tried beside the page."""
    world = any_world
    invoice = world.billing.subscribed("ada", "pro", collection=Collection(Method.INTENT)).invoice
    assert invoice is not None
    portal = world.billing.open_portal("ada", return_url=BACK).removeprefix(world.sandbox.public_url)
    pages.answer(world.sandbox, "POST", portal, b"action=add&card=pm_card_chargeCustomerFail&default=on")
    world.works()
    sent(world, invoice)
    pages.answer(world.sandbox, "POST", portal, b"action=add&card=pm_card_visa&default=on")
    world.delivers()
    world.works()
    assert world.now(invoice).status is InvoiceStatus.OPEN
    world.later(hours=25)
    for _ in range(3):
        world.delivers()
        world.works()
        world.later(hours=1)
    assert (world.now(invoice).status, paid(world)) == (InvoiceStatus.PAID, [99_00])


class Dies(NoFaults):
    """A process that dies at one point, once."""

    def __init__(self, where: str) -> None:
        self.where: str | None = where

    def point(self, name: str) -> None:
        if name == self.where:
            self.where = None
            raise KeyboardInterrupt(name)


@contextlib.contextmanager
def dying_at(world: World, point: str) -> Iterator[None]:
    alive = world.billing.context
    faults = Dies(point)
    database = alive.database
    before, database.faults = database.faults, faults
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        database.faults = before
    assert faults.where is None, "it has died there"


@pytest.mark.parametrize(
    "point", ["pay on page:before_commit", "pay on page:after_commit", "ask:after_commit", "answer:before_commit"]
)
def test_a_crash_anywhere_on_the_way_leaves_one_object_that_can_be_paid(world: World, point: str) -> None:
    invoice = owed(world)
    with dying_at(world, point):
        sent(world, invoice)
    world.works()
    world.delivers()
    world.works()
    payment = sent(world, invoice)
    assert payable(world) == [payment.ref]
    on_page(world, payment)
    world.delivers()
    world.works()
    assert paid(world) == [15_00]


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("POST /v1/checkout/sessions", "lost_reply"),
        ("POST /v1/payment_intents/{id}/cancel", "lost_reply"),
    ],
)
def test_where_the_provider_does_not_answer_one_asks_again_and_it_is_one_page(world: World, path: str, fault: str) -> None:
    invoice = owed(world)
    world.sandbox.faults.next(fault, path)
    with contextlib.suppress(ProviderUnavailable):
        sent(world, invoice)
    payment = sent(world, invoice)
    assert payable(world) == [payment.ref]
    assert len(held(world, "checkout.session")) == 1


def test_news_of_the_page_may_come_before_the_answer(world: World) -> None:
    invoice = owed(world)
    payment = sent(world, invoice)
    on_page(world, payment)
    with world.billing.context.database.transaction("forget") as conn:
        stands = storage.payments.get(conn, payment.id)
        assert stands is not None
        lost = replace(stands, ref=None, ready=False, asked_at=world.clock.now(), version=stands.version + 1)
        assert storage.payments.move(conn, stands, lost)
    world.delivers(times=2)
    world.works()
    assert (world.now(invoice).status, paid(world)) == (InvoiceStatus.PAID, [15_00])


def test_what_cannot_be_paid_there_is_refused_before_the_provider_hears_of_it(world: World) -> None:
    invoice = owed(world)
    before = len(held(world, "checkout.session"))
    for wrong in (
        {"success_url": "javascript:alert(1)"},
        {"cancel_url": "https://evil.test", "allowed_origins": ["https://shop.test"]},
    ):
        with pytest.raises(InvalidInput):
            sent(world, invoice, **wrong)
    for wrong_one in ({"customer_id": "bob"}, {}):
        with pytest.raises(NotFound, match="there is no such invoice"):
            world.billing.pay_on_page(invoice.id if wrong_one else "inv_none", success_url=OK, cancel_url=BACK, **wrong_one)
    assert len(held(world, "checkout.session")) == before


def test_the_comparison_with_the_provider_knows_its_pages(world: World) -> None:
    invoice = owed(world)
    on_page(world, sent(world, invoice))
    world.later(minutes=30)
    found = world.billing.reconcile(repair=True)
    assert found.beyond_repair == []
    world.works()
    assert world.now(invoice).status is InvoiceStatus.PAID
    assert loop.catch_up(world.billing.context) >= 0
    assert world.billing.reconcile().findings == []
    assert world.payment(invoice).updated_at >= world.clock.now() - timedelta(hours=1)
