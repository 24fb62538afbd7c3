"""The life of a subscription: begun, renewed month by month, tried, unpaid, changed and ended."""

from typing import Any

import pytest
import stripe

from tests.sandbox.subscribing import Shop, another, at, day


def periods(subscription: Any) -> list[tuple[str, str]]:
    return [(day(item.current_period_start), day(item.current_period_end)) for item in subscription["items"].data]


def test_it_begins_with_a_paid_invoice(world: Any) -> None:
    shop = Shop(world)
    made = shop.subscribes({"price": shop.price(9900).id, "quantity": 2}, expand=["latest_invoice"], metadata={"account": "1"})
    assert (made.status, made.billing_mode.type, periods(made)) == ("active", "flexible", [("2026-01-15", "2026-02-15")])
    invoice = made.latest_invoice
    assert (invoice.status, invoice.total, invoice.amount_paid) == ("paid", 19800, 19800)
    assert invoice.billing_reason == "subscription_create"
    assert invoice.parent.subscription_details.subscription == made.id
    assert invoice.parent.subscription_details.metadata["account"] == "1"
    line = invoice.lines.data[0]
    assert line.parent.subscription_item_details.subscription_item == made["items"].data[0].id
    assert (line.amount, line.pricing.price_details.product, line.description) == (19800, "starter", "2 × Starter")
    assert shop.told("customer.subscription") == ["customer.subscription.created"]


def test_each_month_it_is_renewed_and_paid_an_hour_later(world: Any) -> None:
    shop = Shop(world, begins="2026-01-31")
    made = shop.subscribes(shop.price(1000))
    shop.on("2026-02-28T00:30:00")
    renewed = shop.now(made, expand=["latest_invoice"])
    assert periods(renewed) == [("2026-02-28", "2026-03-31")]
    assert (renewed.latest_invoice.status, renewed.latest_invoice.billing_reason) == ("draft", "subscription_cycle")
    assert renewed.latest_invoice.automatically_finalizes_at == at("2026-02-28T01:00:00")
    shop.on("2026-04-30T02:00:00")
    assert [(invoice.status, invoice.total, day(invoice.period_end)) for invoice in shop.invoices(made)] == [
        ("paid", 1000, "2026-01-31"),
        ("paid", 1000, "2026-02-28"),
        ("paid", 1000, "2026-03-31"),
        ("paid", 1000, "2026-04-30"),
    ]
    assert periods(shop.now(made)) == [("2026-04-30", "2026-05-31")]


def test_without_a_test_clock_the_sandboxs_own_renews_it(world: Any) -> None:
    shop = Shop(world)
    world.v1.customers.update(ada := world.customer().id, {"email": "ada@example.com"})
    method = world.v1.payment_methods.attach("pm_card_visa", {"customer": ada})
    world.v1.customers.update(ada, {"invoice_settings": {"default_payment_method": method.id}})
    made = world.v1.subscriptions.create({"customer": ada, "items": [{"price": shop.price(1000).id}]})
    world.clock.move(days=62)
    assert [invoice.status for invoice in shop.invoices(made)] == ["paid", "paid", "paid"]


def test_the_first_payment_is_made_on_the_site(world: Any) -> None:
    shop = Shop(world, card=None)
    made = shop.subscribes(
        shop.price(1000), payment_behavior="default_incomplete", expand=["latest_invoice.confirmation_secret"],
        payment_settings={"save_default_payment_method": "on_subscription"},
    )  # fmt: skip
    assert (made.status, made.latest_invoice.status) == ("incomplete", "open")
    intent = made.latest_invoice.confirmation_secret.client_secret.partition("_secret_")[0]
    world.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})
    paid = shop.now(made, expand=["default_payment_method"])
    assert (paid.status, paid.default_payment_method.customer) == ("active", shop.customer.id)
    shop.on("2026-02-16")
    assert [invoice.status for invoice in shop.invoices(made)] == ["paid", "paid"]


def test_what_nobody_pays_for_a_day_never_begins(world: Any) -> None:
    shop = Shop(world)
    made = shop.subscribes(shop.price(1000), payment_behavior="default_incomplete")
    shop.on("2026-01-15T23:00:00")
    gone = shop.now(made, expand=["latest_invoice"])
    assert (gone.status, gone.latest_invoice.status) == ("incomplete_expired", "void")
    with pytest.raises(stripe.InvalidRequestError, match="incomplete_expired"):
        world.v1.subscriptions.update(made.id, {"cancel_at_period_end": True})


def test_a_declined_first_payment_leaves_it_incomplete_or_leaves_nothing(world: Any) -> None:
    shop = Shop(world, card="pm_card_chargeCustomerFail")
    price = shop.price(1000)
    assert shop.subscribes(price).status == "incomplete"
    before = len(world.events())
    with pytest.raises(stripe.CardError):
        shop.subscribes(price, payment_behavior="error_if_incomplete")
    assert len(world.events()) == before
    bare = Shop(another(world), card=None)
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        bare.subscribes(bare.price(1000))


def test_unpaid_after_the_attempts_of_two_weeks_and_active_again_when_paid(world: Any) -> None:
    shop = Shop(world)
    made = shop.subscribes(shop.price(1000))
    shop.pays_with("pm_card_chargeCustomerFail")
    shop.on("2026-02-15T02:00:00")
    late = shop.now(made, expand=["latest_invoice"])
    assert (late.status, late.latest_invoice.attempt_count) == ("past_due", 1)
    assert late.latest_invoice.next_payment_attempt == at("2026-02-18T01:00:00")
    shop.on("2026-03-03")
    unpaid = shop.now(made, expand=["latest_invoice"])
    assert (unpaid.status, unpaid.latest_invoice.attempt_count) == ("unpaid", 4)
    assert unpaid.latest_invoice.next_payment_attempt is None
    assert shop.told("invoice.payment_failed") == ["invoice.payment_failed"] * 4
    shop.on("2026-03-16")
    assert [invoice.status for invoice in shop.invoices(made)] == ["paid", "open", "draft"]
    shop.pays_with("pm_card_visa")
    latest = shop.now(made).latest_invoice
    assert world.v1.invoices.pay(latest).status == "paid"
    assert shop.now(made).status == "active"


def test_a_trial_is_free_and_warned_of_before_it_ends(world: Any) -> None:
    shop = Shop(world)
    made = shop.subscribes(shop.price(1000), trial_period_days=14, expand=["latest_invoice"])
    assert (made.status, made.latest_invoice.total, made.latest_invoice.status) == ("trialing", 0, "paid")
    assert (made.latest_invoice.lines.data[0].description, made.trial_end) == ("Trial period for Starter", at("2026-01-29"))
    shop.on("2026-01-28")
    assert shop.told("customer.subscription.trial") == ["customer.subscription.trial_will_end"]
    shop.on("2026-01-29T02:00:00")
    over = shop.now(made, expand=["latest_invoice"])
    assert (over.status, over.latest_invoice.total, over.latest_invoice.status) == ("active", 1000, "paid")
    assert periods(over) == [("2026-01-29", "2026-02-28")]


@pytest.mark.parametrize(
    ("behavior", "status", "event"),
    [("cancel", "canceled", "deleted"), ("pause", "paused", "paused"), ("create_invoice", "past_due", "updated")],
)
def test_without_a_card_at_the_end_of_the_trial(world: Any, behavior: str, status: str, event: str) -> None:
    shop = Shop(world, card=None)
    made = shop.subscribes(
        shop.price(1000), trial_period_days=14, expand=["pending_setup_intent"],
        trial_settings={"end_behavior": {"missing_payment_method": behavior}},
    )  # fmt: skip
    assert made.pending_setup_intent.status == "requires_payment_method"
    shop.on("2026-02-01")
    assert shop.now(made).status == status
    assert shop.told("customer.subscription")[-1] == f"customer.subscription.{event}"


def test_a_card_saved_in_the_trial_pays_after_it(world: Any) -> None:
    shop = Shop(world, card=None)
    settings = {"save_default_payment_method": "on_subscription"}
    made = shop.subscribes(shop.price(1000), trial_period_days=14, payment_settings=settings)
    world.v1.setup_intents.confirm(made.pending_setup_intent, {"payment_method": "pm_card_visa", "return_url": "https://a.test"})
    assert shop.now(made).pending_setup_intent is None
    shop.on("2026-02-01")
    assert (shop.now(made).status, shop.invoices(made)[-1].status) == ("active", "paid")


def test_a_trial_can_be_ended_now_and_made_longer(world: Any) -> None:
    shop = Shop(world)
    made = shop.subscribes(shop.price(1000), trial_period_days=14)
    longer = world.v1.subscriptions.update(made.id, {"trial_end": at("2026-03-01")})
    assert periods(longer) == [("2026-01-15", "2026-03-01")]
    shop.on("2026-02-10")
    ended = world.v1.subscriptions.update(made.id, {"trial_end": "now", "expand": ["latest_invoice"]})
    assert (ended.status, ended.latest_invoice.total, ended.latest_invoice.status) == ("active", 1000, "paid")
    assert periods(ended) == [("2026-02-10", "2026-03-10")]


def test_anchored_on_the_first_the_rest_of_the_month_is_paid_in_part_or_free(world: Any) -> None:
    shop = Shop(world, begins="2026-01-16")
    anchor = {"day_of_month": 1, "hour": 0, "minute": 0, "second": 0}
    price = shop.price(3100)
    made = shop.subscribes(price, billing_cycle_anchor_config=anchor, expand=["latest_invoice"])
    assert (made.latest_invoice.total, periods(made)) == (1600, [("2026-01-16", "2026-02-01")])
    free = shop.subscribes(shop.price(3100), billing_cycle_anchor=at("2026-02-01"), proration_behavior="none")
    assert (free.status, free.latest_invoice) == ("active", None)
    shop.on("2026-02-02")
    assert [shop.invoices(one)[-1].total for one in (made, free)] == [3100, 3100]
    assert periods(shop.now(made)) == [("2026-02-01", "2026-03-01")]


def test_a_year_and_a_month_in_one(world: Any) -> None:
    shop = Shop(world)
    made = shop.subscribes(shop.price(100_00), shop.price(1000_00, recurring={"interval": "year"}))
    assert periods(made) == [("2026-01-15", "2026-02-15"), ("2026-01-15", "2027-01-15")]
    shop.on("2026-02-16")
    assert [invoice.total for invoice in shop.invoices(made)] == [1100_00, 100_00]


def test_paused_collection_goes_on_and_is_not_collected(world: Any) -> None:
    for behavior, status in (("keep_as_draft", "draft"), ("void", "void"), ("mark_uncollectible", "uncollectible")):
        shop = Shop(another(world))
        made = shop.subscribes(shop.price(1000))
        pause = {"behavior": behavior, "resumes_at": at("2026-02-20")}
        assert shop.v1.subscriptions.update(made.id, {"pause_collection": pause}).status == "active"
        shop.on("2026-02-21")
        assert (shop.invoices(made)[-1].status, shop.now(made).pause_collection) == (status, None)
        shop.on("2026-03-16")
        assert shop.invoices(made)[-1].status == "paid"


def test_paused_it_stands_still_and_resumed_it_begins_anew(world: Any) -> None:
    shop = Shop(world)
    made = shop.subscribes(shop.price(1000))
    paused = world.v1.subscriptions.pause(made.id, {"type": "subscription"})
    assert (paused.status, paused.status_details.paused.subscription.type) == ("paused", "pause_requested")
    shop.on("2026-03-01")
    assert len(shop.invoices(made)) == 1
    waits = world.v1.subscriptions.resume(made.id, {"billing_cycle_anchor": {"type": "now"}})
    assert (waits.status, shop.invoices(made)[-1].status) == ("paused", "open")
    world.v1.invoices.pay(waits.latest_invoice)
    assert (shop.now(made).status, periods(shop.now(made))) == ("active", [("2026-03-01", "2026-04-01")])
    world.v1.subscriptions.pause(made.id, {"type": "subscription"})
    again = world.v1.subscriptions.resume(made.id, {"payment_behavior": "resume_on_payment_success"})
    assert again.status == "active"
    told = shop.told("customer.subscription.paused", "customer.subscription.resumed")
    assert told == ["customer.subscription.paused", "customer.subscription.resumed"] * 2


def test_cancelled_it_ends_now_or_with_its_period(world: Any) -> None:
    shop = Shop(world)
    made, other = shop.subscribes(shop.price(1000)), shop.subscribes(shop.price(2000))
    planned = world.v1.subscriptions.update(
        made.id, {"cancel_at_period_end": True, "cancellation_details": {"feedback": "unused"}}
    )
    assert (planned.status, planned.cancel_at, planned.cancellation_details.feedback) == ("active", at("2026-02-15"), "unused")
    gone = world.v1.subscriptions.cancel(other.id)
    assert (gone.status, gone.ended_at, gone.cancellation_details.reason) == (
        "canceled", at("2026-01-15"), "cancellation_requested",
    )  # fmt: skip
    assert [one.id for one in world.v1.subscriptions.list({"customer": shop.customer.id}).data] == [made.id]
    shop.on("2026-02-16")
    assert (shop.now(made).status, len(shop.invoices(made))) == ("canceled", 1)
    assert len(world.v1.subscriptions.list({"customer": shop.customer.id, "status": "ended"}).data) == 2
    assert shop.told("customer.subscription.deleted") == ["customer.subscription.deleted"] * 2
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription"):
        world.v1.subscriptions.cancel(made.id)


def test_a_planned_end_can_be_taken_back(world: Any) -> None:
    shop = Shop(world)
    made = shop.subscribes(shop.price(1000), cancel_at_period_end=True)
    kept = world.v1.subscriptions.update(made.id, {"cancel_at_period_end": False})
    assert (kept.cancel_at, kept.canceled_at) == (None, None)
    shop.on("2026-02-16")
    assert (shop.now(made).status, len(shop.invoices(made))) == ("active", 2)


def test_sent_invoices_have_a_term_and_are_overdue_after_it(world: Any) -> None:
    shop = Shop(world, card=None)
    made = shop.subscribes(shop.price(1000), collection_method="send_invoice", days_until_due=7)
    assert made.status == "active"
    shop.on("2026-01-16")
    assert [(invoice.status, day(invoice.due_date)) for invoice in shop.invoices(made)] == [("open", "2026-01-22")]
    shop.on("2026-01-23")
    assert (shop.now(made).status, shop.told("invoice.overdue")) == ("past_due", ["invoice.overdue"])
    world.v1.invoices.pay(shop.now(made).latest_invoice, {"paid_out_of_band": True})
    assert shop.now(made).status == "active"


def test_what_waits_for_the_next_invoice_is_on_it(world: Any) -> None:
    shop = Shop(world)
    made, other = shop.subscribes(shop.price(1000)), shop.subscribes(shop.price(2000))
    for subscription, amount in ((made, 70), (other, 500)):
        world.v1.invoice_items.create(
            {"customer": shop.customer.id, "subscription": subscription.id, "amount": amount, "currency": "usd"}
        )
    shop.on("2026-02-16")
    assert [shop.invoices(one)[-1].total for one in (made, other)] == [1070, 2500]


def test_with_its_customer_it_ends(world: Any) -> None:
    shop = Shop(world)
    made = shop.subscribes(shop.price(1000))
    world.v1.customers.delete(shop.customer.id)
    assert shop.now(made).status == "canceled"


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"items": []}, "items"),
        ({"trial_period_days": 3, "trial_end": 9_999_999_999}, "only specify one"),
        ({"trial_period_days": 1000}, "within two years"),
        ({"collection_method": "send_invoice"}, "days_until_due"),
        ({"billing_cycle_anchor": 1}, "within one interval"),
        ({"billing_mode": {"type": "classic"}}, "does not cover"),
        ({"payment_behavior": "pending_if_incomplete"}, "updates only"),
        ({"default_payment_method": "pm_other"}, "No such"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(world: Any, params: dict[str, Any], why: str) -> None:
    shop = Shop(world)
    before, items = len(world.events()), [{"price": shop.price(1000).id}]
    with pytest.raises(stripe.InvalidRequestError, match=why):
        world.v1.subscriptions.create({"customer": shop.customer.id, "items": items, **params})
    assert len(world.events()) == before + 1, "only the price"


def test_a_clock_goes_at_most_two_intervals_at_a_time(world: Any) -> None:
    shop = Shop(world)
    shop.subscribes(shop.price(1000))
    with pytest.raises(stripe.InvalidRequestError, match="two intervals"):
        shop.on("2026-04-15")
