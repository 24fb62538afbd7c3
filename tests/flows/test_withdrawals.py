"""What we cancel at the provider is ours, whoever finds it canceled there: nobody is alarmed, and what was meant goes on."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tallystick import storage
from tallystick.domain.alerts import AlertKind
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Collection, Method, PaymentStatus
from tallystick.flows import dun
from tallystick.values.errors import Conflict, ProviderUnavailable
from tallystick.values.ids import CustomerId
from tallystick.values.money import EUR, USD, Money
from tallystick.worker import loop
from tests.flows.test_pay_on_page import dying_at, held, on_page, opened, owed, paid, payable, sent
from tests.scenarios.world import World

FAILS = Collection(Method.INTENT, payment_method="pm_card_visa_chargeDeclinedInsufficientFunds")
CANCEL = "POST /v1/payment_intents/{id}/cancel"


@pytest.fixture
def world() -> Iterator[World]:
    yield from opened("sqlite://")


@pytest.fixture
def any_world(database_url: str) -> Iterator[World]:
    yield from opened(database_url)


@pytest.fixture
def postgres_world(postgres_url: str) -> Iterator[World]:
    yield from opened(postgres_url)


def by_news(world: World) -> None:
    world.delivers(times=2)
    world.works()


def by_job(world: World) -> None:
    world.later(minutes=2).works()


def by_comparison(world: World) -> None:
    world.later(minutes=30)
    assert world.billing.reconcile(repair=True).beyond_repair == []
    world.works()


WITNESSES = pytest.mark.parametrize("learns", [by_news, by_job, by_comparison])


def failing(world: World) -> Invoice:
    """An open invoice of 99.00 euros, of which the first charge was declined; the same card is tried again after a week."""
    invoice = world.billing.subscribed("ada", "pro", collection=FAILS).invoice
    assert invoice is not None
    world.works()
    return invoice


def audited(world: World, action: str) -> int:
    return sum(entry.act.action == action for entry in world.billing.audit(limit=200))


def stays_quiet(world: World) -> None:
    """Whatever else comes of it later, nobody is told of a stranger."""
    for _ in range(2):
        world.delivers(times=2)
        world.later(minutes=30).works()
    assert AlertKind.PAYMENT_CANCELED not in {alert.kind for alert in world.billing.alerts()}
    assert audited(world, "payment.canceled") == 0


@WITNESSES
@pytest.mark.parametrize("point", ["void invoice:before_begin", "void invoice:before_commit"])
def test_what_was_to_be_void_is_void_whoever_finds_it_canceled(world: World, point: str, learns: Callable[[World], None]) -> None:
    invoice = owed(world, automatic=True)
    with dying_at(world, point):
        world.billing.void(invoice.id, reason="mistaken", actor="grace")
    assert (payable(world), world.now(invoice).status) == ([], InvoiceStatus.OPEN), "canceled there, and not known here"
    learns(world)
    assert world.now(invoice).status is InvoiceStatus.VOID
    (act,) = [entry.act for entry in world.billing.audit(limit=200) if entry.act.action == "invoice.voided"]
    assert (act.actor, act.reason) == ("grace", "mistaken")
    assert world.billing.void(invoice.id, reason="mistaken").status is InvoiceStatus.VOID
    stays_quiet(world)
    assert (payable(world), paid(world)) == ([], [])


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize(
    "point", ["withdraw:before_commit", "withdraw:after_commit", "void invoice:before_begin", "void invoice:after_commit"]
)
def test_who_dies_while_voiding_voids_it_by_asking_again(any_world: World, point: str, method: Method) -> None:
    world = any_world
    invoice = owed(world, method=method)
    with dying_at(world, point):
        world.billing.void(invoice.id, reason="mistaken")
    assert world.billing.void(invoice.id, reason="mistaken").status is InvoiceStatus.VOID
    stays_quiet(world)
    assert payable(world) == []
    assert [each["status"] for each in held(world, "invoice")] == (["void"] if method is Method.HOSTED else [])
    assert audited(world, "invoice.voided") == 1


def test_what_was_to_be_void_and_was_never_asked_is_asked_by_the_job(any_world: World) -> None:
    world = any_world
    invoice = failing(world)
    with dying_at(world, "withdraw:after_commit"):
        world.billing.void(invoice.id, reason="mistaken")
    assert payable(world) == [world.payment(invoice).ref]
    for refused in (
        lambda: sent(world, invoice),
        lambda: world.billing.credit_note(invoice.id, amount=Money(1_00, EUR), reason="goodwill", op="1"),
    ):
        with pytest.raises(Conflict):
            refused()
        if world.now(invoice).status is InvoiceStatus.OPEN:
            by_job(world)
    assert (world.now(invoice).status, payable(world)) == (InvoiceStatus.VOID, [])
    stays_quiet(world)


def test_while_nobody_answers_nothing_is_charged_and_then_it_is_void(world: World) -> None:
    invoice = failing(world)
    world.sandbox.faults.outage(world.clock.now(), world.clock.now() + timedelta(days=8, hours=12))
    with pytest.raises(ProviderUnavailable):
        world.billing.void(invoice.id, reason="mistaken")
    for _ in range(8):
        world.later(days=1).works()
    assert world.payment(invoice).charges == 1, "the week is over, and it is to be void"
    assert world.now(invoice).status is InvoiceStatus.OPEN
    world.later(days=1).works()
    assert (world.now(invoice).status, payable(world), paid(world)) == (InvoiceStatus.VOID, [], [])


@WITNESSES
@pytest.mark.parametrize("point", ["withdraw:after_commit", "pay on page:before_begin"])
def test_a_page_that_was_never_opened_leaves_it_charged_as_it_was(
    world: World, point: str, learns: Callable[[World], None]
) -> None:
    invoice = failing(world)
    before = world.payment(invoice)
    with dying_at(world, point):
        sent(world, invoice)
    learns(world)
    if point == "withdraw:after_commit":
        by_job(world)
    again = world.payment(invoice)
    kept = (again.automatic, again.payment_method, again.charges, again.page)
    assert (kept, again.status) == ((True, before.payment_method, 1, None), PaymentStatus.OPEN)
    assert (payable(world), again.ref == before.ref) == ([again.ref], False)
    stays_quiet(world)
    world.later(days=8).works()
    assert world.payment(invoice).charges == 2, "dunning goes on"
    page = sent(world, invoice)
    on_page(world, page)
    by_news(world)
    assert (paid(world), world.now(invoice).status) == ([99_00], InvoiceStatus.PAID)


@pytest.mark.parametrize("point", ["withdraw:after_commit", "pay on page:before_begin"])
def test_who_dies_before_the_page_opens_is_sent_there_by_asking_again(any_world: World, point: str) -> None:
    world = any_world
    invoice = failing(world)
    with dying_at(world, point):
        sent(world, invoice)
    page = sent(world, invoice)
    assert (payable(world), page.url is None) == ([page.ref], False)
    stays_quiet(world)
    assert world.payment(invoice).id == page.id


@WITNESSES
def test_a_credit_note_that_came_no_further_is_issued_once_by_asking_again(world: World, learns: Callable[[World], None]) -> None:
    invoice = owed(world)

    def credited() -> None:
        world.billing.credit_note(invoice.id, amount=Money(5_00, USD), reason="goodwill", op="1")

    with dying_at(world, "credit note:before_begin"):
        credited()
    learns(world)
    assert (world.payment(invoice).amount, len(payable(world))) == (Money(15_00, USD), 1)
    credited()
    credited()
    world.works()
    assert (world.payment(invoice).amount, len(payable(world))) == (Money(10_00, USD), 1)
    stays_quiet(world)


def test_what_was_asked_of_a_customer_who_is_gone_there_is_asked_anew_by_whoever_finds_it_canceled(any_world: World) -> None:
    world = any_world
    invoice = failing(world)
    with world.billing.context.database.reading() as conn:
        ada = storage.customers.get(conn, CustomerId("ada"))
    assert ada is not None
    world.sandbox_call("DELETE", f"/v1/customers/{ada.provider_ref}")
    world.delivers()
    with dying_at(world, "news of customer:before_begin"):
        world.works()
    stays_quiet(world)
    again = world.payment(invoice)
    assert (again.automatic, again.payment_method, again.status) == (True, None, PaymentStatus.OPEN)
    assert payable(world) == [again.ref]


def test_what_cannot_be_taken_back_any_more_is_ours_no_longer(world: World) -> None:
    """From then on, whoever cancels at the provider is somebody else."""
    invoice = owed(world)
    world.pays(invoice)
    with pytest.raises(Conflict, match="was paid"):
        world.billing.void(invoice.id, reason="mistaken")
    assert world.payment(invoice).withdrawal is None
    by_job(world)
    assert (world.now(invoice).status, paid(world)) == (InvoiceStatus.PAID, [15_00])


def test_who_looks_at_a_dunning_waits_for_its_payment_and_holds_nothing_meanwhile(postgres_world: World) -> None:
    """Who voids has locked the payment, and locks the customer next: in one order they cannot stand in each other's way."""
    world = postgres_world
    invoice = failing(world)
    world.later(days=8)
    database, ctx = world.billing.context.database, world.billing.context
    payment, entered = world.payment(invoice), threading.Event()

    def duns() -> None:
        entered.set()
        dun.dun(ctx, invoice.id)

    with ThreadPoolExecutor(1) as other:
        with database.transaction("voids") as conn:
            storage.payments.lock(conn, payment)
            dunned = other.submit(duns)
            entered.wait(10)
            asked = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            while conn.exec_driver_sql(asked).scalar_one() == 0 and not dunned.done():
                conn.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
            conn.exec_driver_sql("SET LOCAL lock_timeout = '100ms'")
            storage.customers.lock(conn, payment.customer_id)
            assert not dunned.done()
        assert dunned.result(20) is None


def test_those_who_void_dun_and_charge_at_once_come_to_an_end(any_world: World) -> None:
    world = any_world
    invoice = failing(world)
    world.later(days=8)
    with ThreadPoolExecutor(2) as crowd:
        voided = crowd.submit(world.billing.void, invoice.id, reason="mistaken")
        crowd.submit(loop.catch_up, world.billing.context).result(30)
        voided.exception(30)
    world.delivers()
    by_job(world)
    if world.now(invoice).status is InvoiceStatus.OPEN:
        world.billing.void(invoice.id, reason="mistaken")
    assert (world.now(invoice).status, payable(world), paid(world)) == (InvoiceStatus.VOID, [], [])
    stays_quiet(world)
