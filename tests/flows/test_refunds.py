"""Money goes back once, whatever is lost on the way; and a refund that fails leaves it owed, never lost."""

from collections.abc import Iterator

import pytest

from tallystick.domain.invoices import Invoice
from tallystick.domain.payments import Method
from tallystick.domain.refunds import Origin, Refund, RefundStatus
from tallystick.flows.bill_usage import Collection
from tallystick.storage.provider_events import Settlement, page
from tests.flows.test_credit_notes import balances, billed, credited, refunded, usd
from tests.flows.test_unheard import works_with_a_revoked_key
from tests.scenarios.world import World

PRICE = {"model": "per_unit", "currency": "usd", "unit_amount": "1"}
REFUNDS = "POST /v1/refunds"


@pytest.fixture
def world() -> Iterator[World]:
    made = World("sqlite://")
    made.sells("calls", PRICE)
    yield made
    made.billing.close()


def paid(world: World, card: str = "pm_card_visa", method: Method = Method.INTENT) -> Invoice:
    return billed(world, 100, Collection(method, payment_method=card))


def refund_of(world: World, invoice: Invoice) -> Refund:
    (refund,) = world.billing.refunds_of(invoice)
    return refund


@pytest.mark.parametrize("fault", ["lost_request", "lost_reply", "timeout_after_success", "rate_limited", "lock_timeout"])
def test_a_refund_whose_answer_is_lost_is_asked_for_again_and_made_once(world: World, fault: str) -> None:
    invoice = paid(world)
    credited(world, invoice, 3000)
    world.sandbox.faults.next(fault, on=REFUNDS)
    world.works()
    assert refund_of(world, invoice).status is RefundStatus.PENDING
    assert balances(world)["refunds_due"] == -3000
    world.proves()
    world.later(hours=1).works()
    assert refund_of(world, invoice).status is RefundStatus.SUCCEEDED
    assert refunded(world) == [3000]
    world.proves()


@pytest.mark.parametrize(("fault", "there"), [("timeout_after_success", True), ("lost_request", False)])
def test_after_a_day_it_is_looked_for_before_it_is_asked_for_again(world: World, fault: str, there: bool) -> None:
    invoice = paid(world)
    credited(world, invoice, 3000)
    world.sandbox.faults.next(fault, on=REFUNDS)
    world.works()
    world.later(hours=30).works()
    refund = refund_of(world, invoice)
    assert (refund.status, refund.round) == (RefundStatus.SUCCEEDED, 0 if there else 1)
    assert refunded(world) == [3000]
    world.proves()


@pytest.mark.parametrize("effect", ["done", "none"])
def test_a_failure_that_is_stored_under_the_key_is_not_repeated_for_ever(world: World, effect: str) -> None:
    invoice = paid(world)
    credited(world, invoice, 3000)
    world.sandbox.faults.next("stored_500", on=REFUNDS, effect=effect)
    world.works()
    world.later(hours=1).works()
    world.later(hours=1).works()
    assert refund_of(world, invoice).status is RefundStatus.SUCCEEDED
    assert refunded(world) == [3000]
    world.proves()


def test_a_wrong_key_is_no_refusal(world: World) -> None:
    invoice = paid(world)
    credited(world, invoice, 3000)
    works_with_a_revoked_key(world)
    assert refund_of(world, invoice).status is RefundStatus.PENDING
    world.later(hours=1).works()
    assert refunded(world) == [3000]


def test_news_that_is_faster_than_the_answer_is_ours_all_the_same(world: World) -> None:
    invoice = paid(world)
    credited(world, invoice, 3000)
    world.sandbox.faults.next("timeout_after_success", on=REFUNDS)
    world.works()
    world.delivers(times=2)
    world.works()
    assert refund_of(world, invoice).status is RefundStatus.SUCCEEDED
    world.later(days=2).works()
    assert refunded(world) == [3000]
    world.proves()


@pytest.mark.parametrize("path", ["webhook", "sweep"])
def test_a_refund_that_the_bank_takes_its_time_for_ends_when_it_ends(world: World, path: str) -> None:
    invoice = paid(world, "pm_card_pendingRefund")
    credited(world, invoice, 3000)
    world.works()
    refund = refund_of(world, invoice)
    assert (refund.status, refund.ref is not None) == (RefundStatus.PENDING, True)
    assert balances(world) == {"cash": 10000, "revenue": -10000, "refunds": 3000, "refunds_due": -3000}
    world.later(hours=2)
    if path == "webhook":
        world.delivers(times=2)
    world.works()
    assert refund_of(world, invoice).status is RefundStatus.SUCCEEDED
    world.proves()


@pytest.mark.parametrize("path", ["webhook", "sweep"])
@pytest.mark.parametrize("method", list(Method))
def test_a_refund_that_fails_later_leaves_the_money_in_the_customers_favour(world: World, path: str, method: Method) -> None:
    invoice = paid(world, "pm_card_refundFail", method)
    note = credited(world, invoice, 3000)
    world.works()
    world.delivers()
    world.works()
    assert refund_of(world, invoice).status is RefundStatus.SUCCEEDED
    world.later(hours=30)
    if path == "webhook":
        world.delivers(times=2)
    world.works()
    refund = refund_of(world, invoice)
    assert (refund.status, refund.failure) == (RefundStatus.FAILED, "expired_or_canceled_card")
    assert world.billing.credit_notes() == [note], "the credit note stays"
    assert balances(world) == {"cash": 10000, "revenue": -10000, "refunds": 3000, "carried": -3000}
    assert refunded(world) == []
    world.proves()
    assert billed(world, 50).total == usd(2000)
    world.proves()


def test_what_the_provider_refuses_is_owed(world: World) -> None:
    """Somebody gave the whole back in the dashboard, and no news of it has come yet."""
    invoice = paid(world)
    credited(world, invoice, 3000)
    elsewhere(world, invoice, 10000)
    world.works()
    refund = refund_of(world, invoice)
    assert (refund.status, refund.failure) == (RefundStatus.FAILED, "charge_already_refunded")
    assert balances(world)["carried"] == -3000
    world.proves()
    world.delivers(times=2)
    world.later(hours=2).works()
    assert balances(world) == {"revenue": -10000, "refunds": 10000}
    assert [(note.amount, note.refunded) for note in reversed(world.billing.credit_notes())] == [
        (usd(3000), usd(3000)),
        (usd(7000), usd(7000)),
    ]
    other = next(each for each in world.billing.refunds_of(invoice) if each.origin is Origin.PROVIDER)
    assert (other.amount, other.excess) == (usd(10000), usd(3000)), "3000 had been credited already, and were not returned"
    world.proves()


@pytest.mark.parametrize("method", list(Method))
def test_a_refund_from_the_dashboard_becomes_one_of_ours_with_its_credit_note(world: World, method: Method) -> None:
    invoice = paid(world, method=method)
    elsewhere(world, invoice, 4000)
    world.delivers(times=2)
    world.works()
    refund = refund_of(world, invoice)
    assert (refund.status, refund.origin, refund.amount) == (RefundStatus.SUCCEEDED, Origin.PROVIDER, usd(4000))
    (note,) = world.billing.credit_notes()
    assert (note.id, note.amount, note.refunded) == (refund.credit_note_id, usd(4000), usd(4000))
    assert balances(world) == {"cash": 6000, "revenue": -10000, "refunds": 4000}
    assert world.works() == 0
    world.proves()
    credited(world, invoice, None)
    world.works()
    assert sorted(refunded(world)) == [4000, 6000]
    world.proves()


def test_it_is_known_by_the_news_of_the_charge_alone(world: World) -> None:
    invoice = paid(world)
    for _ in range(2):
        elsewhere(world, invoice, 2000)
    only(world, "charge.refunded")
    world.works()
    assert sorted(refund.amount.minor for refund in world.billing.refunds_of(invoice)) == [2000, 2000]
    assert balances(world) == {"cash": 6000, "revenue": -10000, "refunds": 4000}
    world.proves()


def test_what_is_given_back_twice_over_the_customer_owes(world: World) -> None:
    """Credited as a balance here, and refunded in the dashboard as well."""
    invoice = paid(world)
    credited(world, invoice, None, refund=False)
    elsewhere(world, invoice, 10000)
    world.delivers()
    world.works()
    refund = refund_of(world, invoice)
    assert (refund.credit_note_id, refund.excess) == (None, usd(10000))
    assert balances(world) == {"revenue": -10000, "refunds": 10000}
    world.proves()


def test_a_refund_from_the_dashboard_may_fail_as_well(world: World) -> None:
    invoice = paid(world, "pm_card_refundFail")
    elsewhere(world, invoice, 4000)
    world.delivers()
    world.works()
    world.later(hours=2)
    world.delivers(times=2)
    world.works()
    assert refund_of(world, invoice).status is RefundStatus.FAILED
    assert balances(world) == {"cash": 10000, "revenue": -10000, "refunds": 4000, "carried": -4000}
    world.proves()


def test_refunds_of_what_is_not_ours_are_ignored(world: World) -> None:
    paid(world)
    world.delivers()
    world.works()
    stranger = world.sandbox_call("POST", "/v1/payment_intents", amount=500, currency="usd", payment_method="pm_card_visa",
                                  confirm="true", automatic_payment_methods__enabled="true",
                                  automatic_payment_methods__allow_redirects="never")  # fmt: skip
    world.sandbox_call("POST", "/v1/refunds", payment_intent=stranger["id"])
    world.delivers()
    world.works()
    assert world.billing.refunds() == []
    with world.billing.context.database.reading() as conn:
        assert page(conn, settlement=Settlement.PARKED, limit=9) == []
        assert page(conn, settlement=Settlement.NEW, limit=9) == []
    world.proves()


def test_a_second_refund_under_our_name_is_shown_to_people(world: World) -> None:
    invoice = paid(world)
    credited(world, invoice, 3000)
    world.works()
    refund = refund_of(world, invoice)
    payment = world.payment(invoice)
    world.sandbox_call("POST", "/v1/refunds", payment_intent=payment.ref, amount=3000, metadata__tallystick_refund=refund.id)
    world.delivers()
    world.works()
    with world.billing.context.database.reading() as conn:
        (parked, *_) = page(conn, settlement=Settlement.PARKED, limit=9)
    assert "is a second one" in (parked.reason or "")


def test_a_refund_is_asked_about_until_it_can_fail_no_more(world: World) -> None:
    invoice = paid(world)
    credited(world, invoice, 3000)
    world.works()
    asked = []
    for _ in range(40):
        world.later(days=1, minutes=1)
        before = refund_of(world, invoice).version
        world.works()
        asked.append(refund_of(world, invoice).version > before)
    assert (asked[0], asked[33], asked[36]) == (True, True, False)


def elsewhere(world: World, invoice: Invoice, cents: int) -> None:
    """Somebody gives it back in the provider's dashboard."""
    payment = world.payment(invoice)
    assert payment.ref is not None
    intent = payment.ref
    if payment.method is Method.HOSTED:
        listed = world.sandbox_call("GET", "/v1/invoice_payments", invoice=payment.ref)
        intent = listed["data"][0]["payment"]["payment_intent"]
    world.sandbox_call("POST", "/v1/refunds", payment_intent=intent, amount=cents)


def only(world: World, kind: str) -> None:
    """Of the news that is due, none but this kind arrives."""

    def post(_url: str, headers: dict[str, str], body: bytes) -> int:
        if f'"type": "{kind}"'.encode() in body or f'"type":"{kind}"'.encode() in body:
            world.billing.receive(body, headers)
        return 200

    world.sandbox.webhooks.deliver_due(post)
