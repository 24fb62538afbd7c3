"""Usage recorded, rated, invoiced, paid, proved: the way of one amount of money, with every step done twice."""

import pytest

from tallystick.domain.catalog import Charge
from tallystick.domain.invoices import InvoiceStatus
from tallystick.domain.ledger import Account
from tallystick.domain.payments import PaymentStatus
from tallystick.domain.price_documents import read_price
from tallystick.domain.usage import Verdict
from tallystick.storage import provider_events
from tallystick.values.errors import Conflict
from tallystick.values.ids import MeterKey
from tallystick.values.money import JPY, USD, Money
from tests.scenarios.world import World

TOKENS = {"currency": "usd", "model": "graduated", "tiers": [{"up_to": "1000", "unit_amount": "0.02"}, {"unit_amount": "0.01"}]}


def test_a_month_is_billed_once_and_paid_once(world: World) -> None:
    world.sells("tokens", TOKENS)
    world.on("2026-01-15").uses("cus_ada", "tokens", 1500, times=2)
    world.on("2026-01-20").uses("cus_ada", "tokens", 500, times=3)

    invoice = world.on("2026-02-01").bill("cus_ada", times=2, payment_method="pm_card_visa")
    assert invoice.total == Money(30_00, USD)
    assert invoice.number == "INV-000001"

    world.works()
    assert world.now(invoice).status is InvoiceStatus.PAID
    assert set(world.delivers(times=2)) == {200}
    world.works()

    assert world.balance(Account.RECEIVABLE, USD) == Money(0, USD)
    assert world.balance(Account.CASH, USD) == Money(30_00, USD)
    assert world.balance(Account.REVENUE, USD) == Money(-30_00, USD)
    world.proves()


def test_the_next_month_begins_where_the_last_one_ended(world: World) -> None:
    world.sells("tokens", TOKENS)
    world.on("2026-01-15").uses("cus_ada", "tokens", 1000)
    january = world.on("2026-02-01").bill("cus_ada")
    world.on("2026-02-10").uses("cus_ada", "tokens", 100)
    february = world.on("2026-03-01").bill("cus_ada")
    assert january.lines[0].period.end == february.lines[0].period.start
    assert (january.total, february.total) == (Money(20_00, USD), Money(2_00, USD))
    world.works()
    world.proves()


def test_an_event_that_comes_late_is_billed_by_difference_in_its_own_period(world: World) -> None:
    world.sells("tokens", TOKENS)
    world.on("2026-01-15").uses("cus_ada", "tokens", 999)
    world.on("2026-02-01").bill("cus_ada")
    world.on("2026-02-02").uses("cus_ada", "tokens", 101, at="2026-01-31T23:59:59")

    invoice = world.on("2026-03-01").bill("cus_ada", times=2)
    (line,) = invoice.lines
    assert line.part == 1
    assert line.quantity == 101
    # January as a whole: 1000 at 0.02 and 100 at 0.01; 999 at 0.02 were billed.
    assert line.amount == Money(21_00 - 19_98, USD)
    world.works()
    world.proves()


def test_what_is_too_little_to_charge_is_carried_and_never_lost(world: World) -> None:
    world.sells("tokens", TOKENS)
    world.on("2026-01-15").uses("cus_ada", "tokens", 20)
    first = world.on("2026-02-01").bill("cus_ada")
    assert (first.total, first.carried_out) == (Money(0, USD), Money(40, USD))
    assert first.status is InvoiceStatus.PAID

    world.on("2026-02-15").uses("cus_ada", "tokens", 10)
    second = world.on("2026-03-01").bill("cus_ada", payment_method="pm_card_visa")
    assert (second.carried_in, second.total) == (Money(40, USD), Money(60, USD))
    world.works()
    assert world.now(second).status is InvoiceStatus.PAID
    assert world.balance(Account.CARRIED, USD) == Money(0, USD)
    world.proves()


def test_a_declined_card_leaves_the_invoice_open_for_another(world: World) -> None:
    world.sells("tokens", TOKENS)
    world.uses("cus_ada", "tokens", 1000)
    invoice = world.on("2026-02-01").bill("cus_ada", payment_method="pm_card_chargeCustomerFail")
    world.works()
    assert world.now(invoice).status is InvoiceStatus.OPEN
    assert world.payment(invoice).decline is not None

    world.pays(invoice, "pm_card_visa")
    world.delivers(times=2)
    world.works()
    assert world.now(invoice).status is InvoiceStatus.PAID
    world.proves()


def test_a_payment_whose_webhook_never_came_is_found_by_the_sweep(world: World) -> None:
    world.sells("tokens", TOKENS)
    world.uses("cus_ada", "tokens", 1000)
    invoice = world.on("2026-02-01").bill("cus_ada", automatic=False)
    world.works()
    world.pays(invoice)
    assert world.now(invoice).status is InvoiceStatus.OPEN
    world.later(hours=1).works()
    assert world.now(invoice).status is InvoiceStatus.PAID
    world.proves()


def test_a_webhook_may_come_before_the_call_that_caused_it_has_returned(world: World) -> None:
    world.sells("tokens", TOKENS)
    world.uses("cus_ada", "tokens", 1000)
    invoice = world.on("2026-02-01").bill("cus_ada", payment_method="pm_card_visa")
    world.sandbox.faults.next("timeout_after_success", on="POST /v1/invoices")
    world.works()
    world.delivers()
    world.later(minutes=5).works()
    world.later(minutes=5).works()
    assert world.now(invoice).status is InvoiceStatus.PAID
    world.proves()


def test_a_voided_invoice_can_no_longer_be_paid_and_leaves_nothing_in_the_books(world: World) -> None:
    world.sells("tokens", TOKENS)
    world.uses("cus_ada", "tokens", 1000)
    invoice = world.on("2026-02-01").bill("cus_ada", automatic=False)
    world.works()
    for _ in range(2):
        assert world.billing.void(invoice.id, reason="sent in error").status is InvoiceStatus.VOID
    assert world.payment(invoice).status is PaymentStatus.CANCELED
    world.delivers()
    world.works()
    assert world.now(invoice).status is InvoiceStatus.VOID
    for account in Account:
        assert world.balance(account, USD) == Money(0, USD)
    world.proves()


def test_each_currency_has_an_invoice_of_its_own(world: World) -> None:
    world.sells("tokens", TOKENS)
    world.sells("minutes", {"currency": "jpy", "model": "per_unit", "unit_amount": "10"})
    world.uses("cus_ada", "tokens", 1000)
    world.uses("cus_ada", "minutes", 7)
    invoices = world.on("2026-02-01").bills("cus_ada", times=2)
    assert [invoice.total for invoice in invoices] == [Money(70, JPY), Money(20_00, USD)]
    world.works()
    world.proves()


def test_events_outside_their_time_or_of_an_unknown_meter_are_refused_and_say_why(world: World) -> None:
    world.sells("tokens", TOKENS)
    world.on("2026-03-01")
    assert world.uses("cus_ada", "tokens", 1, at="2026-01-24") is Verdict.REFUSED
    assert world.uses("cus_ada", "tokens", 1, at="2026-03-01T00:05:01") is Verdict.REFUSED
    assert world.uses("cus_ada", "tokens", 1, at="2026-03-01T00:05:00") is Verdict.RECORDED
    assert world.uses("cus_ada", "magic", 1) is Verdict.REFUSED
    assert world.uses("cus_ada", "tokens", -1) is Verdict.REFUSED
    world.proves()


def test_the_same_name_with_other_content_is_a_conflict_and_the_first_stands(world: World) -> None:
    world.sells("tokens", TOKENS)
    assert world.uses("cus_ada", "tokens", 1, name="a") is Verdict.RECORDED
    assert world.uses("cus_ada", "tokens", 2, name="a") is Verdict.CONFLICT
    assert world.on("2026-02-01").bill("cus_ada").lines[0].quantity == 1
    world.proves()


def test_a_charge_that_was_billed_stays_on_its_meter(world: World) -> None:
    world.sells("tokens", TOKENS)
    world.sells("calls", TOKENS)
    moved = Charge("tokens", MeterKey("calls"), read_price(TOKENS))
    world.billing.put_charge(moved)
    world.billing.put_charge(Charge("tokens", MeterKey("tokens"), read_price(TOKENS)))
    world.uses("cus_ada", "tokens", 1000)
    world.on("2026-02-01").bill("cus_ada")
    with pytest.raises(Conflict, match="was billed on another meter"):
        world.billing.put_charge(moved)


def test_news_of_an_object_that_was_deleted_with_its_invoice_is_no_riddle(world: World) -> None:
    world.sells("tokens", TOKENS)
    world.uses("cus_ada", "tokens", 1000)
    invoice = world.on("2026-02-01").bill("cus_ada", automatic=False)
    world.sandbox.faults.next("rate_limited", on="GET /v1/invoices/{id}")
    world.billing.collect(invoice.id)
    world.billing.void(invoice.id, reason="sent in error")
    assert world.delivers()
    world.works()
    with world.billing.context.database.reading() as conn:
        assert {stored.settlement for stored in provider_events.page(conn, limit=50)} <= {
            provider_events.Settlement.SETTLED,
            provider_events.Settlement.IGNORED,
        }
    world.proves()
