"""The provider's half is compared with ours, and mended by the steps that a webhook would have led to; what cannot be is said."""

from collections.abc import Iterator

import pytest

from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.ledger import Account
from tallystick.domain.payments import Method, PaymentStatus
from tallystick.domain.reconciliation import Reconciliation
from tallystick.storage import customers, disputes, payments, reconciliations
from tallystick.values.errors import ProviderUnavailable
from tallystick.values.ids import CustomerId
from tallystick.values.money import USD
from tallystick.worker import loop
from tests.scenarios.world import World, day

PRICE = {"model": "per_unit", "currency": "usd", "unit_amount": "1"}


@pytest.fixture
def world() -> Iterator[World]:
    made = World("sqlite://")
    made.sells("calls", PRICE)
    yield made
    made.billing.close()


def billed(world: World, *, card: str | None = None, method: Method = Method.INTENT, customer: str = "ada") -> Invoice:
    world.uses(customer, "calls", 100)
    world.later(minutes=1)
    invoice = world.bill(customer, method=method, automatic=card is not None, payment_method=card)
    world.works()
    return world.now(invoice)


def lost(world: World) -> None:
    """Every piece of news that is due is never delivered."""
    world.sandbox.catch_up()
    world.sandbox.faults.set("webhook_drop", 1.0)
    world.sandbox.webhooks.deliver_due(lambda *_: 200)
    world.sandbox.faults.off()


def verdicts(found: Reconciliation, part: str) -> list[tuple[object, object, object]]:
    return [(f["verdict"], f["ours"], f["theirs"]) for f in found.findings if f["part"] == part]


def parts(found: Reconciliation) -> set[object]:
    return {finding["part"] for finding in found.findings}


def test_where_nothing_was_lost_both_halves_are_the_same(world: World) -> None:
    billed(world, card="pm_card_visa")
    billed(world, method=Method.HOSTED)
    world.delivers()
    world.works()
    found = world.billing.reconcile()
    assert (list(found.findings), dict(found.equal)) == ([], {"news": 0, "customers": 1, "payments": 1, "invoices": 1})
    assert world.later(minutes=20).billing.reconcile().equal["news"] > 0


@pytest.mark.parametrize(("method", "part"), [(Method.INTENT, "payments"), (Method.HOSTED, "invoices")])
def test_a_payment_whose_news_was_lost_is_seen_first_and_then_repaired(world: World, method: Method, part: str) -> None:
    invoice = billed(world, method=method)
    world.pays(invoice)
    lost(world)
    seen = world.billing.reconcile()
    assert verdicts(seen, part) == [("differs", "open 100.00 USD", "succeeded 100.00 USD")]
    assert not seen.beyond_repair
    assert world.now(invoice).status is InvoiceStatus.OPEN, "looking changes nothing"
    found = world.billing.reconcile(repair=True)
    assert verdicts(found, part) == [("repaired", "open 100.00 USD", "succeeded 100.00 USD")]
    assert world.now(invoice).status is InvoiceStatus.PAID
    assert world.balance(Account.CASH, USD).minor == 10000
    assert parts(world.billing.reconcile()) == set()
    world.proves()


def test_money_that_went_back_in_the_dashboard_is_found_though_all_news_of_it_was_lost(world: World) -> None:
    invoice = billed(world, card="pm_card_visa")
    world.sandbox_call("POST", "/v1/refunds", payment_intent=world.payment(invoice).ref, amount=2500)
    world.sandbox_call("POST", "/v1/refunds", payment_intent=world.payment(invoice).ref, amount=500)
    lost(world)
    assert len(verdicts(world.billing.reconcile(), "refunds")) == 2
    world.billing.reconcile(repair=True)
    assert sorted(refund.amount.minor for refund in world.billing.refunds_of(invoice)) == [500, 2500]
    assert world.balance(Account.CASH, USD).minor == 7000
    assert parts(world.billing.reconcile()) == set()
    world.proves()


def test_a_dispute_is_found_though_all_news_of_it_was_lost_and_followed_to_its_end(world: World) -> None:
    billed(world, card="pm_card_createDispute")
    lost(world)
    world.billing.reconcile(repair=True)
    with world.billing.context.database.reading() as conn:
        (dispute,) = disputes.page(conn, limit=10)
    assert world.balance(Account.DISPUTED, USD).minor == 10000
    world.sandbox_call("POST", f"/v1/disputes/{dispute.ref}", evidence__uncategorized_text="winning_evidence")
    lost(world)
    (seen,) = verdicts(world.billing.reconcile(), "disputes")
    assert seen == ("differs", "needs_response 100.00 USD, withdrawn", "won 100.00 USD, not withdrawn")
    world.billing.reconcile(repair=True)
    assert world.balance(Account.DISPUTED, USD).minor == 0
    world.proves()


def test_a_customer_and_an_intent_whose_answers_were_lost_are_adopted(world: World) -> None:
    world.uses("ada", "calls", 100)
    world.later(minutes=1)
    invoice = world.bill("ada", method=Method.INTENT, automatic=False)
    world.sandbox.faults.next("lost_reply", on="POST /v1/payment_intents")
    world.works()
    assert world.payment(invoice).ref is None
    with world.billing.context.database.transaction("forget") as conn:
        known = customers.get(conn, CustomerId("ada"))
        assert known is not None
        ref = str(known.provider_ref)
        customers.forget_provider_ref(conn, known.id, ref)
    found = world.billing.reconcile(repair=True)
    assert verdicts(found, "customers") == [("repaired", None, ref)]
    assert verdicts(found, "payments") == [("repaired", "pending 100.00 USD", "open 100.00 USD")]
    assert world.payment(invoice).status is PaymentStatus.OPEN
    world.works()
    assert len(world.sandbox_call("GET", "/v1/payment_intents")["data"]) == 1


def test_what_carries_our_ids_and_is_not_ours_is_reported_and_left_alone(world: World) -> None:
    billed(world, card="pm_card_visa")
    world.sandbox_call("POST", "/v1/customers", metadata__tallystick_customer="nobody")
    world.sandbox_call("POST", "/v1/customers", metadata__tallystick_customer="ada")
    world.sandbox_call("POST", "/v1/payment_intents", amount=500, currency="usd", metadata__tallystick_invoice="inv_other")
    found = world.billing.reconcile(repair=True)
    assert {(f["part"], f["subject"], f["verdict"]) for f in found.findings} == {
        ("customers", "nobody", "differs"), ("customers", "ada", "differs"), ("payments", "inv_other", "differs"),
    }  # fmt: skip
    assert len(found.beyond_repair) == 3
    (alert,) = world.billing.alerts()
    assert (alert.kind, alert.facts["count"]) == ("provider.differs", "3")
    world.billing.reconcile(repair=True)
    assert len(world.billing.alerts()) == 1, "once a day"


def test_a_second_object_for_one_invoice_is_for_people_to_look_at(world: World) -> None:
    invoice = billed(world)
    made = world.sandbox_call(
        "POST", "/v1/payment_intents", amount=10000, currency="usd", metadata__tallystick_invoice=invoice.id
    )
    found = world.billing.reconcile(repair=True)
    (finding,) = found.findings
    assert (finding["ref"], finding["verdict"]) == (made["id"], "differs")
    assert "second object" in str(finding["reason"])


def test_what_is_paid_there_after_it_was_given_up_here_is_told_and_not_called_repaired(world: World) -> None:
    invoice = billed(world)
    world.billing.void(invoice.id, reason="a mistake")
    made = world.sandbox_call(
        "POST", "/v1/payment_intents", amount=10000, currency="usd", metadata__tallystick_invoice=invoice.id
    )
    with world.billing.context.database.transaction("as if it were the one that was canceled") as conn:
        conn.exec_driver_sql(f"UPDATE tallystick_payments SET ref = '{made['id']}'")
    for theirs, todo in (("open", "cancel it there"), ("succeeded", "give that back there")):
        found = world.billing.reconcile(repair=True)
        (said,) = [each for each in found.findings if each["part"] == "payments"]
        assert (said["verdict"], said["ours"], said["theirs"]) == ("differs", "canceled 100.00 USD", f"{theirs} 100.00 USD")
        assert todo in str(said["reason"])
        if theirs == "open":
            paid = {"payment_method": "pm_card_visa", "return_url": "https://example.com"}
            world.sandbox_call("POST", f"/v1/payment_intents/{made['id']}/confirm", **paid)


def test_money_for_an_invoice_that_nobody_here_knows_is_told_and_one_that_nobody_can_pay_is_not(world: World) -> None:
    billed(world, card="pm_card_visa")
    for name, more in (
        ("paid", {"payment_method": "pm_card_visa", "confirm": "true", "return_url": "https://x.example"}),
        ("no", {}),
    ):
        made = world.sandbox_call(
            "POST", "/v1/payment_intents", amount=500, currency="usd", metadata__tallystick_invoice=f"inv_{name}", **more
        )
        if not more:
            world.sandbox_call("POST", f"/v1/payment_intents/{made['id']}/cancel")
    (said,) = world.billing.reconcile(repair=True).beyond_repair
    assert (said["subject"], said["ours"], said["theirs"]) == ("inv_paid", None, "succeeded 5.00 USD")
    assert "give that back there" in str(said["reason"])


def test_a_sum_that_somebody_has_changed_there_is_told_before_it_is_paid(world: World) -> None:
    invoice = billed(world)
    world.sandbox_call("POST", f"/v1/payment_intents/{world.payment(invoice).ref}", amount=9000)
    found = world.billing.reconcile(repair=True)
    assert verdicts(found, "payments") == [("differs", "open 100.00 USD", "open 90.00 USD")]
    world.sandbox_call("POST", f"/v1/payment_intents/{world.payment(invoice).ref}/cancel")
    for _ in range(2):
        found = world.billing.reconcile(repair=True)
        world.works()
    assert parts(found) == set(), "another one, for the right sum, has taken its place"
    world.proves()


def test_others_on_the_same_account_are_none_of_our_business(world: World) -> None:
    billed(world, card="pm_card_visa")
    theirs = world.sandbox_call(
        "POST", "/v1/payment_intents", amount=900, currency="usd", payment_method="pm_card_createDispute", confirm="true",
        return_url="https://example.com",
    )  # fmt: skip
    world.sandbox.catch_up()
    assert world.sandbox_call("GET", "/v1/disputes")["data"][0]["payment_intent"] == theirs["id"]
    refunded = world.sandbox_call(
        "POST", "/v1/payment_intents", amount=900, currency="usd", payment_method="pm_card_visa", confirm="true",
        return_url="https://example.com",
    )  # fmt: skip
    world.sandbox_call("POST", "/v1/refunds", payment_intent=refunded["id"])
    assert list(world.billing.reconcile(repair=True).findings) == []


def test_news_that_never_came_is_received_as_if_it_had(world: World) -> None:
    world.uses("ada", "calls", 100)
    billed(world, card="pm_card_visa")
    lost(world)
    world.later(minutes=20)
    found = world.billing.reconcile(repair=True)
    assert ("repaired", None, "payment_intent.succeeded") in verdicts(found, "news")
    world.works()
    assert all(stored.settlement.value in {"settled", "ignored"} for stored in world.billing.deliveries())
    assert "news" not in parts(world.billing.reconcile())
    world.proves()


def test_where_the_provider_does_not_answer_nothing_is_said(world: World) -> None:
    billed(world, card="pm_card_visa")
    world.sandbox.faults.next("lost_request", on="GET /v1/refunds")
    with pytest.raises(ProviderUnavailable):
        world.billing.reconcile()
    assert world.billing.last_reconciliation() is None


def test_many_pages_are_read_to_the_end(world: World) -> None:
    for number in range(103):
        world.sandbox_call("POST", "/v1/customers", metadata__tallystick_customer=f"c{number}")
    assert len(verdicts(world.billing.reconcile(), "customers")) == 103


def test_every_night_the_worker_compares_once(world: World) -> None:
    invoice = billed(world)
    world.pays(invoice)
    lost(world)
    with world.billing.context.database.transaction("nobody sweeps") as conn:  # so that only the night can heal it
        before = payments.get(conn, world.payment(invoice).id)
        assert before is not None
    world.on("2026-01-01T02:50").works()
    assert world.billing.last_reconciliation() is None
    world.on("2026-01-02T03:05").works()
    first = world.billing.last_reconciliation()
    assert first is not None
    assert (first.repair, first.at) == (True, day("2026-01-02T03:05"))
    world.on("2026-01-02T23:00").works()
    assert world.billing.last_reconciliation() == first
    world.on("2026-01-03T03:00").works()
    second = world.billing.last_reconciliation()
    assert second is not None
    assert second.since == day("2026-01-01T03:05")


def test_what_somebody_asks_for_does_not_take_the_place_of_the_night(world: World) -> None:
    billed(world, card="pm_card_visa")
    world.on("2026-01-02T03:05").works()
    world.on("2026-01-04T03:00").billing.reconcile(repair=True, since=day("2026-01-04T02:00"))
    world.later(minutes=1).works()
    night = world.billing.last_reconciliation()
    assert night is not None
    assert (night.at, night.since, night.actor) == (day("2026-01-04T03:01"), day("2026-01-01T03:05"), "system")
    assert len(world.billing.reconciliations()) == 3


def test_a_night_without_an_answer_is_caught_up(world: World) -> None:
    billed(world, card="pm_card_visa")
    world.sandbox.faults.outage(day("2026-01-02T02:00"), day("2026-01-02T09:00"))
    world.on("2026-01-02T03:30").works()
    assert world.billing.last_reconciliation() is None
    for hour in range(9, 12):
        world.on(f"2026-01-02T{hour:02}:30")
        loop.run_until_idle(world.billing.context)
    with world.billing.context.database.reading() as conn:
        assert reconciliations.last_night(conn) is not None
