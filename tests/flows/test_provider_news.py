"""What happens at the provider without us is followed: disputes, customers that are gone, objects that somebody canceled."""

import json
from collections.abc import Iterator

import pytest

from tallystick.domain.customers import Customer
from tallystick.domain.disputes import Dispute, DisputeStatus
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.ledger import Account
from tallystick.domain.payments import Delivery, Method, PaymentStatus
from tallystick.storage import customers, disputes, provider_events
from tallystick.storage.jobs import JobName, enqueue
from tallystick.storage.provider_events import Settlement, Stored
from tallystick.values.ids import CustomerId
from tallystick.values.money import USD
from tests.scenarios.world import World

PRICE = {"model": "per_unit", "currency": "usd", "unit_amount": "1"}


@pytest.fixture
def world() -> Iterator[World]:
    made = World("sqlite://")
    made.sells("calls", PRICE)
    yield made
    made.billing.close()


def billed(world: World, *, card: str | None = "pm_card_visa", method: Method = Method.INTENT) -> Invoice:
    """USD 100, paid at once by the card; open where there is none."""
    world.uses("ada", "calls", 100)
    world.later(minutes=1)
    invoice = world.bill("ada", method=method, automatic=card is not None, payment_method=card)
    world.works()
    return world.now(invoice)


def hears(world: World) -> None:
    world.later(seconds=1).delivers(times=2)
    world.works()


def dispute_of(world: World) -> Dispute:
    with world.billing.context.database.reading() as conn:
        (found,) = disputes.page(conn, limit=10)
    return found


def books(world: World) -> dict[str, int]:
    accounts = (Account.CASH, Account.DISPUTED, Account.BAD_DEBT)
    return {account.value: world.balance(account, USD, "ada").minor for account in accounts}


def inbox(world: World) -> dict[str, Stored]:
    with world.billing.context.database.reading() as conn:
        return {stored.delivery.kind: stored for stored in provider_events.page(conn, limit=200)}


def kinds(world: World) -> list[str]:
    return [alert.kind.value for alert in world.billing.alerts()]


@pytest.mark.parametrize("method", list(Method))
def test_what_a_bank_takes_back_has_left_the_cash_and_is_disputed_until_it_is_decided(world: World, method: Method) -> None:
    invoice = billed(world, card="pm_card_createDispute", method=method)
    hears(world)
    dispute = dispute_of(world)
    assert (dispute.status, dispute.withdrawn, dispute.invoice_id) == (DisputeStatus.NEEDS_RESPONSE, True, invoice.id)
    assert dispute.reason == "fraudulent"
    assert books(world) == {"cash": 0, "disputed": 10000, "bad_debt": 0}
    assert world.now(invoice).status is InvoiceStatus.PAID, "what was paid stays paid"
    assert kinds(world) == ["dispute.opened"]
    world.proves()


@pytest.mark.parametrize(
    ("evidence", "status", "after"),
    [
        ("winning_evidence", DisputeStatus.WON, {"cash": 10000, "disputed": 0, "bad_debt": 0}),
        ("losing_evidence", DisputeStatus.LOST, {"cash": 0, "disputed": 0, "bad_debt": 10000}),
    ],
)
def test_a_dispute_ends_won_or_lost_and_the_money_with_it(
    world: World, evidence: str, status: DisputeStatus, after: dict[str, int]
) -> None:
    billed(world, card="pm_card_createDispute")
    hears(world)
    world.sandbox_call("POST", f"/v1/disputes/{dispute_of(world).ref}", evidence__uncategorized_text=evidence)
    hears(world)
    assert dispute_of(world).status is status
    assert books(world) == after
    assert sorted(kinds(world)) == ["dispute.closed", "dispute.opened"]
    world.proves()


def test_an_inquiry_takes_nothing(world: World) -> None:
    billed(world, card="pm_card_createDisputeInquiry")
    hears(world)
    assert (dispute_of(world).status, dispute_of(world).withdrawn) == (DisputeStatus.INQUIRY, False)
    assert books(world) == {"cash": 10000, "disputed": 0, "bad_debt": 0}
    world.sandbox_call("POST", f"/v1/disputes/{dispute_of(world).ref}/close")
    hears(world)
    assert dispute_of(world).status is DisputeStatus.CLOSED
    assert books(world)["cash"] == 10000
    world.proves()


def test_a_dispute_that_is_heard_of_before_its_payment_waits_for_that(world: World) -> None:
    invoice = billed(world, card=None)
    world.pays(invoice, "pm_card_createDispute")
    news: list[tuple[dict[str, str], bytes]] = []

    def post(_url: str, headers: dict[str, str], body: bytes) -> int:
        news.append((headers, body))
        return 200

    world.sandbox.catch_up()
    world.sandbox.webhooks.deliver_due(post)
    for headers, body in reversed(news):
        if json.loads(body)["type"].startswith("charge.dispute."):
            world.billing.receive(body, headers)
    world.works()
    assert world.now(invoice).status is InvoiceStatus.OPEN, "what a dispute says is no payment"
    world.later(minutes=30).works()  # by then the sweep has asked about the payment
    world.later(minutes=30).works()
    assert dispute_of(world).withdrawn
    assert books(world)["disputed"] == 10000
    world.proves()


@pytest.mark.parametrize("method", list(Method))
def test_what_somebody_cancels_in_the_dashboard_can_still_be_paid_and_is_charged_by_nobody(world: World, method: Method) -> None:
    invoice = billed(world, card=None, method=method)
    canceled = world.payment(invoice)
    path = "payment_intents/{}/cancel" if method is Method.INTENT else "invoices/{}/void"
    world.sandbox_call("POST", f"/v1/{path.format(canceled.ref)}")
    hears(world)
    standing = world.payment(invoice)
    assert standing.id != canceled.id
    assert (standing.status, standing.amount, standing.automatic) == (PaymentStatus.OPEN, canceled.amount, False)
    assert world.now(invoice).status is InvoiceStatus.OPEN
    assert kinds(world) == ["payment.canceled"]
    world.pays(invoice)
    hears(world)
    assert world.now(invoice).status is InvoiceStatus.PAID
    world.proves()


def test_what_was_canceled_again_and_again_has_one_object_at_a_time(world: World) -> None:
    invoice = billed(world, card=None)
    for _ in range(3):
        world.sandbox_call("POST", f"/v1/payment_intents/{world.payment(invoice).ref}/cancel")
        hears(world)
    live = [i for i in world.sandbox_call("GET", "/v1/payment_intents")["data"] if i["status"] != "canceled"]
    assert [intent["id"] for intent in live] == [world.payment(invoice).ref]
    world.proves()


def test_what_we_void_ourselves_is_not_opened_again(world: World) -> None:
    invoice = billed(world, card=None)
    world.billing.void(invoice.id, reason="a test")
    hears(world)
    assert world.payment(invoice).status is PaymentStatus.CANCELED
    assert kinds(world) == []


def test_what_is_marked_as_uncollectible_at_the_provider_can_still_be_paid(world: World) -> None:
    invoice = billed(world, card=None, method=Method.HOSTED)
    world.sandbox_call("POST", f"/v1/invoices/{world.payment(invoice).ref}/mark_uncollectible")
    hears(world)
    assert world.payment(invoice).status is PaymentStatus.OPEN
    world.pays(invoice)
    hears(world)
    assert world.now(invoice).status is InvoiceStatus.PAID
    world.proves()


def test_a_customer_who_was_deleted_there_is_made_anew(world: World) -> None:
    first = billed(world)
    for _ in range(2):
        ref = customer(world).provider_ref
        world.sandbox_call("DELETE", f"/v1/customers/{ref}")
        hears(world)
        assert customer(world).provider_ref is None
        again = billed(world)
        assert customer(world).provider_ref not in {None, ref}
        assert again.status is InvoiceStatus.PAID
    assert world.now(first).status is InvoiceStatus.PAID
    world.proves()


def test_a_customer_whose_making_was_not_answered_is_known_by_its_news(world: World) -> None:
    world.billing.put_customer("ada")
    made = world.sandbox_call("POST", "/v1/customers", metadata__tallystick_customer="ada")
    world.sandbox_call("POST", f"/v1/customers/{made['id']}", name="Ada")
    hears(world)
    assert customer(world).provider_ref == made["id"]
    assert inbox(world)["customer.updated"].settlement is Settlement.SETTLED


def test_strangers_are_visibly_ignored(world: World) -> None:
    made = world.sandbox_call("POST", "/v1/customers", name="Somebody")
    world.sandbox_call("POST", f"/v1/customers/{made['id']}", name="Somebody else")
    hears(world)
    stored = inbox(world)
    assert stored["customer.updated"].reason == f"{made['id']} is no customer of ours"
    assert (stored["customer.created"].settlement, stored["customer.created"].reason) == (
        Settlement.IGNORED,
        "customer.created: changes nothing here",
    )


def test_an_invoice_that_cannot_be_finalised_is_told_to_people(world: World) -> None:
    invoice = billed(world, card=None, method=Method.HOSTED)
    doc = {"id": world.payment(invoice).ref, "object": "invoice", "last_finalization_error": {"message": "No location."}}
    context = world.billing.context
    delivery = Delivery(
        "evt_1", "invoice.finalization_failed", json.dumps({"data": {"object": doc}}), world.clock.now(), livemode=False
    )
    with context.database.transaction("receive") as conn:
        provider_events.keep(conn, delivery, provider="stripe", at=world.clock.now())
        enqueue(conn, JobName.SETTLE, delivery.id, run_at=world.clock.now())
    world.works()
    (alert,) = world.billing.alerts()
    assert (alert.kind, alert.facts["reason"]) == ("invoice.not_finalized", "No location.")
    world.proves()


def customer(world: World) -> Customer:
    with world.billing.context.database.reading() as conn:
        found = customers.get(conn, CustomerId("ada"))
    assert found is not None
    return found
