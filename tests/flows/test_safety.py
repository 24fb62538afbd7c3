"""Safety bounds: what is far from usual is held before it is charged, the operator told once, and a person lets it go."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import text

from tallystick import storage
from tallystick.couriers.protocol import NoMailer
from tallystick.domain.alerts import Alert
from tallystick.domain.dunning import Dunning, State
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.letters import Letter
from tallystick.domain.payments import Method, PaymentStatus
from tallystick.domain.safety import Bounds, Reason
from tallystick.values.errors import Conflict
from tallystick.values.faults import NoFaults
from tallystick.values.ids import CustomerId
from tallystick.values.money import USD, Money
from tests.scenarios.world import World

PRICE = {"model": "per_unit", "currency": "usd", "unit_amount": "1"}
FUNDS = "pm_card_visa_chargeDeclinedInsufficientFunds"
ONE_A_DAY, NONE_A_DAY = Bounds(charges_per_day=1), Bounds(charges_per_day=0)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    made.sells("calls", PRICE)
    yield made
    made.proves()
    made.billing.close()


def bound(world: World, bounds: Bounds) -> None:
    terms = replace(world.billing.context.terms, safety=bounds)
    world.billing.context = replace(world.billing.context, terms=terms)


def billed(world: World, quantity: int = 10, *, customer: str = "ada", card: str = "pm_card_visa") -> Invoice:
    """So many dollars, charged by itself as far as it may be."""
    world.uses(customer, "calls", quantity)
    world.later(minutes=1)
    invoice = world.bill(customer, automatic=True, payment_method=card)
    world.works()
    return world.now(invoice)


def alarms(world: World) -> list[Alert]:
    return [alert for alert in world.billing.alerts() if alert.kind == "payment.held"]


def audited(world: World, action: str) -> int:
    return sum(entry.act.action == action for entry in world.billing.audit(limit=200))


def provider_ref(world: World) -> str | None:
    with world.billing.context.database.reading() as conn:
        ada = storage.customers.get(conn, CustomerId("ada"))
    assert ada is not None
    return ada.provider_ref


def dunning_of(world: World, invoice: Invoice) -> Dunning:
    with world.billing.context.database.reading() as conn:
        found = storage.dunning.get(conn, invoice.id)
    assert found is not None
    return found


def charges_there(world: World) -> int:
    return len(list(world.sandbox.state.scan("charge")))


def test_one_charge_too_many_in_a_day_is_held_and_told_once(world: World) -> None:
    bound(world, Bounds(charges_per_day=2))
    paid = [billed(world) for _ in range(2)]
    assert [invoice.status for invoice in paid] == [InvoiceStatus.PAID] * 2
    before, third = charges_there(world), billed(world)
    for _ in range(3):
        world.later(days=1).works()
    assert world.now(third).status is InvoiceStatus.OPEN
    payment = world.payment(third)
    assert (payment.status, payment.is_held, payment.charges) == (PaymentStatus.OPEN, True, 0)
    assert charges_there(world) == before, "not on the next day either: somebody is to look"
    (alarm,) = alarms(world)
    said = {"held_for": "charges", "value": "3", "limit": "2", "amount_minor": "1000", "invoice": third.number}
    assert said.items() <= alarm.facts.items()
    assert billed(world).status is InvoiceStatus.PAID, "another day has its own charges"


def test_the_bound_is_of_one_customer(world: World) -> None:
    bound(world, ONE_A_DAY)
    statuses = [billed(world, customer=customer).status for customer in ("ada", "eve", "ada")]
    assert statuses == [InvoiceStatus.PAID, InvoiceStatus.PAID, InvoiceStatus.OPEN]


def test_far_above_what_was_paid_before_is_held_and_released_is_charged(world: World) -> None:
    for _ in range(3):
        assert billed(world).status is InvoiceStatus.PAID
    high = billed(world, 201)
    assert (high.status, world.payment(high).is_held) == (InvoiceStatus.OPEN, True)
    assert [(alarm.facts["value"], alarm.facts["limit"]) for alarm in alarms(world)] == [("201", "200")]
    for _ in range(2):
        released = world.billing.release_payment(high.id, reason="a large order", actor="usr_grace")
        assert not released.is_held
    assert audited(world, "payment.released") == 1
    world.works()
    assert world.now(high).status is InvoiceStatus.PAID
    assert (world.payment(high).charges, len(alarms(world))) == (1, 1)
    world.billing.release_payment(high.id, reason="again")


def test_twenty_times_the_mean_is_not_above_it(world: World) -> None:
    for _ in range(3):
        billed(world)
    assert billed(world, 200).status is InvoiceStatus.PAID


def test_an_invoice_that_runs_away_is_held_and_after_that_for_what_else_is_wrong_with_it(world: World) -> None:
    bound(world, Bounds(charges_per_day=0, lines_max=0))
    invoice = billed(world)
    assert [alarm.facts["held_for"] for alarm in alarms(world)] == ["lines"]
    world.billing.release_payment(invoice.id, reason="it has many meters")
    world.works()
    assert sorted(str(alarm.facts["held_for"]) for alarm in alarms(world)) == ["charges", "lines"]
    assert world.payment(invoice).charges == 0
    world.billing.release_payment(invoice.id, reason="and that too")
    world.works()
    assert world.now(invoice).status is InvoiceStatus.PAID


def test_the_customer_may_pay_what_is_held_and_then_nothing_is_left_to_release(world: World) -> None:
    bound(world, NONE_A_DAY)
    invoice = billed(world)
    world.pays(invoice)
    world.delivers(times=2)
    world.works()
    assert world.now(invoice).status is InvoiceStatus.PAID
    with pytest.raises(Conflict, match="nothing is left to be charged"):
        world.billing.release_payment(invoice.id, reason="too late")


def test_what_is_held_can_be_voided(world: World) -> None:
    bound(world, NONE_A_DAY)
    invoice = billed(world)
    assert world.billing.void(invoice.id, reason="a runaway").status is InvoiceStatus.VOID
    with pytest.raises(Conflict):
        world.billing.release_payment(invoice.id, reason="too late")


def test_a_retry_of_dunning_is_held_too_and_goes_on_once_released(world: World) -> None:
    invoice = billed(world, card=FUNDS)
    assert world.payment(invoice).charges == 1
    bound(world, NONE_A_DAY)
    for _ in range(5):
        world.later(days=7).works()
    assert (world.payment(invoice).charges, len(alarms(world))) == (1, 1)
    dunning = dunning_of(world, invoice)
    assert (dunning.state, dunning.tries) == (State.RETRYING, 0), "it waits, and is not given up"
    world.billing.release_payment(invoice.id, reason="the card is good again")
    world.works()
    assert world.payment(invoice).charges == 2
    assert len(alarms(world)) == 1


def test_nobody_is_given_up_on_while_what_they_did_is_held(world: World) -> None:
    invoice = billed(world, card="pm_card_chargeDeclinedExpiredCard")
    bound(world, NONE_A_DAY)
    saved = world.sandbox_call("POST", "/v1/payment_methods/pm_card_visa/attach", customer=provider_ref(world))
    world.sandbox_call("POST", f"/v1/customers/{provider_ref(world)}", invoice_settings__default_payment_method=saved["id"])
    world.delivers()
    for _ in range(6):
        world.works()
        world.later(days=4)
    assert world.payment(invoice).is_held, "the new card would have paid it within the fifteen days"
    assert dunning_of(world, invoice).state is State.WAITING
    world.billing.release_payment(invoice.id, reason="it is right")
    bound(world, Bounds())
    world.works()
    assert (world.now(invoice).status, world.payment(invoice).charges) == (InvoiceStatus.PAID, 2)
    assert audited(world, "dunning.given_up") == 0


def test_tries_of_a_day_count_as_charges_of_it(world: World) -> None:
    first = billed(world, card=FUNDS)
    bound(world, ONE_A_DAY)
    assert world.payment(billed(world)).is_held, "a charge that was declined was one, too"
    assert not world.payment(first).is_held


def test_who_sends_the_customer_to_a_page_and_back_has_released_nothing(world: World) -> None:
    bound(world, NONE_A_DAY)
    world.uses("ada", "calls", 10)
    world.later(minutes=1)
    invoice = world.bill("ada", method=Method.INTENT, automatic=True, payment_method="pm_card_visa")
    world.works()
    page = {"success_url": "http://localhost:8000/paid", "cancel_url": "http://localhost:8000/back"}
    world.billing.pay_on_page(invoice.id, **page)
    world.works()
    world.later(days=2).works()
    payment = world.payment(invoice)
    assert (payment.is_held, payment.charges, world.now(invoice).status) == (True, 0, InvoiceStatus.OPEN)


def test_a_customer_who_is_lost_at_the_provider_and_made_anew_has_released_nothing(world: World) -> None:
    bound(world, NONE_A_DAY)
    held, released = billed(world), billed(world)
    world.billing.release_payment(released.id, reason="it is right")
    bound(world, Bounds())
    world.sandbox_call("DELETE", f"/v1/customers/{provider_ref(world)}")
    world.later(days=1).delivers(times=2)
    world.works()
    assert provider_ref(world) is not None, "made anew, for a payment of its own"
    payment = world.payment(held)
    assert (payment.is_held, payment.charges, payment.status) == (True, 0, PaymentStatus.OPEN)
    assert (world.payment(released).is_held, world.payment(released).charges) == (False, 1)


@pytest.mark.parametrize("erased", ["held = NULL, held_after = NULL", "released_at = charged_at", "charges = charges + 1"])
def test_who_lets_go_what_is_held_without_a_word_is_found(world: World, erased: str) -> None:
    billed(world, card=FUNDS)
    bound(world, ONE_A_DAY)
    held = billed(world)
    world.proves()
    database = world.billing.context.database
    with database.transaction("test") as conn:
        if "released_at" in erased:
            conn.execute(text("UPDATE tallystick_payments SET charged_at = created_at WHERE held IS NOT NULL"))
        conn.execute(text(f"UPDATE tallystick_payments SET {erased} WHERE held IS NOT NULL"))
    wrong = world.billing.verify().violations
    assert {(each.invariant, each.subject) for each in wrong} == {("held", world.payment(held).id)}
    with database.transaction("test") as conn:
        conn.execute(text("UPDATE tallystick_payments SET automatic = 0"))
        conn.execute(text("UPDATE tallystick_payments SET held = NULL, held_after = NULL, released_at = NULL"))


def test_a_credit_note_on_what_is_one_charge_too_many_releases_nothing(world: World) -> None:
    bound(world, NONE_A_DAY)
    invoice = billed(world)
    bound(world, Bounds())
    world.later(days=1)
    world.billing.credit_note(invoice.id, amount=Money(1_00, USD), reason="a discount", op="op-1")
    world.works()
    payment = world.payment(invoice)
    assert (payment.is_held, payment.charges, payment.amount) == (True, 0, Money(9_00, USD))
    world.billing.release_payment(invoice.id, reason="it is right")
    world.works()
    assert world.now(invoice).status is InvoiceStatus.PAID


def test_a_credit_note_that_makes_it_usual_lets_it_be_charged(world: World) -> None:
    for _ in range(3):
        billed(world)
    high = billed(world, 201)
    world.billing.credit_note(high.id, amount=Money(1_00, USD), reason="a discount", op="op-1")
    world.works()
    assert world.now(high).status is InvoiceStatus.PAID


def test_what_was_given_back_does_not_make_an_amount_usual(world: World) -> None:
    for quantity in (10, 10, 10, 200):
        paid = billed(world, quantity)
        assert paid.status is InvoiceStatus.PAID
    world.billing.refund(paid.id, reason="a mistake", op="op-1")
    world.works()
    assert world.payment(billed(world, 201)).is_held, "twenty times 10, as before the mistake"
    assert [alarm.facts["limit"] for alarm in alarms(world)] == ["200"]


def test_who_collects_all_at_once_begins_no_more_than_the_day_has(world: World) -> None:
    bound(world, Bounds(charges_per_day=2))
    invoices = []
    for _ in range(5):
        world.uses("ada", "calls", 10)
        world.later(minutes=1)
        invoices.append(world.bill("ada", automatic=True, payment_method="pm_card_visa"))
    with ThreadPoolExecutor(5) as crowd:
        list(crowd.map(world.billing.collect, [invoice.id for invoice in invoices]))
    world.works()
    assert sum(world.now(invoice).status is InvoiceStatus.PAID for invoice in invoices) == 2
    assert charges_there(world) == 2
    assert (len(alarms(world)), sum(world.payment(invoice).is_held for invoice in invoices)) == (3, 3)


class Kept(NoMailer):
    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def send(self, letter, *, to, message_id):  # type: ignore[no-untyped-def]
        self.letters.append(letter)
        return super().send(letter, to=to, message_id=message_id)


def test_the_operator_is_written_to_with_figures_and_what_to_do(world: World) -> None:
    post, context = Kept(), world.billing.context
    outgoing = replace(context.outgoing, operator="ops@example.com")
    world.billing.context = replace(context, mailer=post, outgoing=outgoing)
    bound(world, Bounds(times_the_mean=Decimal("1.5")))
    for quantity in (10, 10, 10, 16):
        invoice = billed(world, quantity)
    (letter,) = post.letters
    assert letter.subject == f"$16.00 for {invoice.number} is held, and not charged"
    assert "Found: 16; the bound: 15" in letter.text
    assert f"tallystick invoices release {invoice.number}" in letter.text


class Dies(NoFaults):
    """A process that dies at one point, once."""

    def __init__(self, where: str) -> None:
        self.where, self.died = where, False

    def point(self, name: str) -> None:
        if name == self.where and not self.died:
            self.died = True
            raise KeyboardInterrupt(name)


@contextmanager
def dying(world: World, where: str) -> Iterator[None]:
    alive, faults = world.billing.context, Dies(where)
    alive.database.faults, before = faults, alive.database.faults
    world.billing.context = replace(alive, faults=faults)
    with pytest.raises(KeyboardInterrupt):
        yield
    world.billing.context, alive.database.faults = alive, before
    assert faults.died
    world.later(minutes=10)  # the dead one's lease is over


@pytest.mark.parametrize("where", ["ask:before_commit", "ask:after_commit", "job:collect:after"])
def test_who_dies_over_a_hold_leaves_it_held_once(world: World, where: str) -> None:
    bound(world, NONE_A_DAY)
    world.uses("ada", "calls", 10)
    world.later(minutes=1)
    invoice = world.bill("ada", automatic=True, payment_method="pm_card_visa")
    with dying(world, where):
        world.works()
    world.works()
    payment = world.payment(invoice)
    assert (payment.is_held, payment.charges, len(alarms(world))) == (True, 0, 1)
    assert audited(world, "payment.held") == 1


@pytest.mark.parametrize("where", ["release payment:before_commit", "release payment:after_commit"])
def test_who_dies_over_a_release_releases_it_again_and_it_is_charged_once(world: World, where: str) -> None:
    bound(world, NONE_A_DAY)
    invoice = billed(world)
    with dying(world, where):
        world.billing.release_payment(invoice.id, reason="it is right")
    world.billing.release_payment(invoice.id, reason="it is right")
    world.works()
    assert world.now(invoice).status is InvoiceStatus.PAID
    assert (world.payment(invoice).charges, audited(world, "payment.released")) == (1, 1)
    held = world.payment(invoice).held
    assert held is not None
    assert held.reason is Reason.CHARGES
