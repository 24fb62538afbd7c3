"""What happens when a payment fails, row by row of the table, on a calendar; with the cards that the bank says no to."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tallystick import domain, storage
from tallystick.couriers.protocol import NoMailer
from tallystick.domain.dunning import Cause, Dunning, End, State, Try
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Collection, Method, PaymentStatus
from tallystick.domain.subscriptions import Status
from tallystick.flows.pay_with_new_card import pay_with_new_card
from tallystick.storage.jobs import JobName
from tallystick.values.ids import CustomerId
from tallystick.worker import loop
from tests.scenarios.world import World, day

PLANS = {
    "meters": [{"key": "calls", "decimals": 0}],
    "plans": [
        {
            "key": "pro",
            "charges": [{"key": "base", "kind": "recurring", "prices": [{"currency": "eur", "model": "flat", "amount": "99"}]}],
            "quotas": [{"meter": "calls", "limit": "1000"}],
        }
    ],
}
FUNDS, EXPIRED = "pm_card_visa_chargeDeclinedInsufficientFunds", "pm_card_chargeDeclinedExpiredCard"
GENERIC, SAVED_AND_DECLINED = "pm_card_visa_chargeDeclined", "pm_card_chargeCustomerFail"
CONFIRM = "pm_card_authenticationRequired"


class Letters(NoMailer):
    """Every letter that was handed over."""

    def __init__(self) -> None:
        self.sent: list[domain.letters.Letter] = []

    def send(self, letter, *, to, message_id):  # type: ignore[no-untyped-def]
        self.sent.append(letter)
        return super().send(letter, to=to, message_id=message_id)


class Shop:
    """The world, with one customer whose card is not what it should be."""

    def __init__(self, world: World) -> None:
        self.world, self.letters = world, Letters()
        self.billing = world.billing
        self.billing.context = replace(world.billing.context, mailer=self.letters)
        self.billing.apply_catalogue(PLANS)
        self.billing.put_customer("ada", email="ada@example.com", language="en")

    def ends(self, end: End) -> None:
        terms = replace(self.billing.context.terms, dunning_end=end)
        self.billing.context = replace(self.billing.context, terms=terms)

    def subscribes(self, card: str | None) -> Invoice:
        begun = self.billing.subscribed("ada", "pro", collection=Collection(payment_method=card))
        assert begun.invoice is not None
        self.world.works()
        return begun.invoice

    def saves(self, card: str) -> str:
        """The customer saves a card at the provider, which becomes their default; without telling us."""
        with self.billing.context.database.reading() as conn:
            customer = storage.customers.get(conn, CustomerId("ada"))
        assert customer is not None
        assert customer.provider_ref is not None
        saved = str(self.world.sandbox_call("POST", f"/v1/payment_methods/{card}/attach", customer=customer.provider_ref)["id"])
        self.world.sandbox_call("POST", f"/v1/customers/{customer.provider_ref}", invoice_settings__default_payment_method=saved)
        return saved

    def works(self, at: str) -> None:
        self.world.on(at).works()
        self.world.works()

    def dunning(self, invoice: Invoice) -> Dunning:
        with self.billing.context.database.reading() as conn:
            found = storage.dunning.get(conn, invoice.id)
        assert found is not None
        return found

    def tries(self, invoice: Invoice) -> list[Try]:
        with self.billing.context.database.reading() as conn:
            return storage.dunning.tries(conn, CustomerId("ada"), invoice.id)

    def tried_on(self, invoice: Invoice) -> list[str]:
        return [f"{each.begun_at:%m-%d}" for each in self.tries(invoice)]

    def status(self) -> Status:
        return self.billing.subscriptions(customer_id="ada")[0].status

    @property
    def subjects(self) -> list[str]:
        return [letter.subject for letter in self.letters.sent]

    def may_use(self) -> bool:
        return self.billing.check("ada", "calls", 1).allowed


@pytest.fixture
def shop(world: World) -> Iterator[Shop]:
    made = Shop(world)
    yield made
    world.proves()


@pytest.fixture
def small_shop(small_world: World) -> Iterator[Shop]:
    made = Shop(small_world)
    yield made
    small_world.proves()


def test_insufficient_funds_are_tried_twice_more_a_week_apart_and_then_given_up(shop: Shop) -> None:
    invoice = shop.subscribes(FUNDS)
    assert shop.dunning(invoice).state is State.RETRYING
    assert shop.dunning(invoice).next_at == day("2026-01-08")
    assert shop.status() is Status.PAST_DUE
    assert shop.may_use(), "what is still asked for is still used"
    shop.works("2026-01-07 23:59")
    assert shop.tried_on(invoice) == ["01-01"]
    shop.works("2026-01-08")
    assert shop.tried_on(invoice) == ["01-01", "01-08"]
    shop.works("2026-01-15")
    assert shop.tried_on(invoice) == ["01-01", "01-08", "01-15"]
    assert shop.dunning(invoice).state is State.GIVEN_UP
    assert shop.status() is Status.UNPAID
    assert not shop.may_use()
    shop.works("2026-01-30")
    assert shop.world.payment(invoice).charges == 3
    assert len(shop.subjects) == 4, "each try is told once, and then the end"
    assert "There is not enough money on the card." in shop.letters.sent[0].text
    assert "Jan 8, 2026" in shop.letters.sent[0].text
    assert "€99.00" in shop.letters.sent[0].text
    assert "still unpaid" in shop.subjects[-1]


def test_a_declined_card_is_tried_after_3_5_and_7_days(shop: Shop) -> None:
    invoice = shop.subscribes(GENERIC)
    for at in ("2026-01-03", "2026-01-04", "2026-01-08", "2026-01-09", "2026-01-15", "2026-01-16", "2026-01-20"):
        shop.works(at)
    assert shop.tried_on(invoice) == ["01-01", "01-04", "01-09", "01-16"]
    assert shop.dunning(invoice).state is State.GIVEN_UP
    keys = {each.charge for each in shop.tries(invoice)}
    assert keys == {1, 2, 3, 4}, "each attempt has a key of its own"


@pytest.mark.parametrize(
    ("card", "code"),
    [
        (EXPIRED, "expired_card"),
        ("pm_card_visa_chargeDeclinedLostCard", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "stolen_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc"),
    ],
)
def test_a_card_that_can_never_pay_is_not_tried_again(small_shop: Shop, card: str, code: str) -> None:
    shop = small_shop
    invoice = shop.subscribes(card)
    assert (shop.dunning(invoice).code, shop.dunning(invoice).state) == (code, State.WAITING)
    assert "save another one by" in shop.letters.sent[0].text
    assert "lost" not in shop.letters.sent[0].text
    assert "stolen" not in shop.letters.sent[0].text
    shop.works("2026-01-15")
    assert shop.status() is Status.PAST_DUE
    shop.works("2026-01-16")
    assert shop.status() is Status.UNPAID
    assert shop.tried_on(invoice) == ["01-01"]
    assert len(shop.subjects) == 2


def test_processing_errors_are_tried_again(small_shop: Shop) -> None:
    invoice = small_shop.subscribes("pm_card_chargeDeclinedProcessingError")
    assert small_shop.dunning(invoice).code == "processing_error"
    assert small_shop.dunning(invoice).next_at == day("2026-01-04")


def test_a_new_card_pays_the_open_invoices_at_once(shop: Shop) -> None:
    shop.billing.put_customer("ada", email="ada@example.com", language="en")
    invoice = shop.subscribes(EXPIRED)
    usage = shop.world.bills("ada")
    assert usage == []
    shop.world.on("2026-01-05")
    shop.saves("pm_card_visa")
    shop.world.delivers(times=2)
    shop.world.works()
    assert shop.world.now(invoice).status is InvoiceStatus.PAID
    assert [each.cause for each in shop.tries(invoice)] == [Cause.FIRST, Cause.NEW_CARD]
    assert shop.dunning(invoice).state is State.OVER
    assert shop.status() is Status.ACTIVE
    shop.works("2026-02-01 01:00")
    assert all(each.status is InvoiceStatus.PAID for each in shop.billing.invoices(customer_id="ada")), "and the ones to come"


def test_success_on_the_calendar_ends_it(shop: Shop) -> None:
    invoice = shop.subscribes(None)
    assert shop.world.payment(invoice).charges == 1
    with pytest.raises(AssertionError):
        shop.dunning(invoice)
    shop.saves(SAVED_AND_DECLINED)
    shop.world.delivers()
    shop.world.works()
    assert shop.dunning(invoice).state is State.RETRYING
    assert shop.status() is Status.PAST_DUE


def test_what_must_be_confirmed_waits_for_the_customer_on_the_page(shop: Shop) -> None:
    invoice = shop.subscribes(CONFIRM)
    assert (shop.dunning(invoice).code, shop.dunning(invoice).state) == ("authentication_required", State.WAITING)
    assert "Please confirm it by" in shop.letters.sent[0].text
    shop.works("2026-01-10")
    assert shop.tried_on(invoice) == ["01-01"]


def test_a_week_of_downtime_is_caught_up_with_one_try(shop: Shop) -> None:
    invoice = shop.subscribes(GENERIC)
    shop.works("2026-01-12")
    assert shop.tried_on(invoice) == ["01-01", "01-12"]
    assert shop.dunning(invoice).next_at == day("2026-01-17"), "counted from the try, so that none come close together"


@pytest.mark.parametrize(("end", "status"), [(End.PAUSE, Status.PAUSED), (End.CANCEL, Status.CANCELED)])
def test_the_end_is_a_setting(small_shop: Shop, end: End, status: Status) -> None:
    shop = small_shop
    shop.ends(end)
    invoice = shop.subscribes(EXPIRED)
    shop.works("2026-01-17")
    assert shop.status() is status
    assert not shop.may_use()
    assert shop.dunning(invoice).next_at is None
    assert shop.world.now(invoice).status is InvoiceStatus.OPEN, "it is owed all the same"


def test_a_voided_invoice_is_not_dunned(small_shop: Shop) -> None:
    shop = small_shop
    invoice = shop.subscribes(GENERIC)
    shop.billing.void(invoice.id, reason="a favour")
    shop.world.works()
    assert shop.dunning(invoice).state is State.OVER
    assert shop.status() is Status.ACTIVE
    shop.works("2026-01-20")
    assert shop.tried_on(invoice) == ["01-01"]


def test_what_was_given_up_is_paid_by_a_new_card_and_entitles_again(small_shop: Shop) -> None:
    shop = small_shop
    invoice = shop.subscribes(EXPIRED)
    shop.works("2026-01-17")
    assert shop.status() is Status.UNPAID
    shop.saves(SAVED_AND_DECLINED)
    shop.world.delivers()
    shop.world.works()
    assert shop.dunning(invoice).state is State.GIVEN_UP, "a card that is declined buys no further time"
    assert not shop.may_use()
    shop.saves("pm_card_visa")
    shop.world.delivers()
    shop.world.works()
    assert shop.status() is Status.ACTIVE
    assert shop.may_use()


def test_the_same_card_is_not_tried_again_because_news_of_it_comes_again(small_shop: Shop) -> None:
    shop = small_shop
    invoice = shop.subscribes(EXPIRED)
    shop.saves(SAVED_AND_DECLINED)
    for _ in range(3):
        with shop.billing.context.database.transaction("news") as conn:
            storage.jobs.enqueue(conn, JobName.NEW_CARD, "ada", run_at=shop.world.clock.now())
        shop.world.works()
    assert len(shop.tries(invoice)) == 2


def test_a_part_credited_makes_it_less_and_the_calendar_goes_on(small_shop: Shop) -> None:
    shop = small_shop
    invoice = shop.subscribes(GENERIC)
    shop.world.on("2026-01-02")
    shop.billing.credit_note(invoice.id, reason="sorry", op="1", amount=invoice.total.split([1, 1])[0])
    shop.world.works()
    assert shop.world.payment(invoice).status is PaymentStatus.OPEN
    assert [each.cause for each in shop.tries(invoice)] == [Cause.FIRST, Cause.FIRST]
    shop.works("2026-01-05")
    assert shop.tried_on(invoice) == ["01-01", "01-02", "01-05"]


def test_a_customer_is_written_to_in_their_language(small_shop: Shop) -> None:
    shop = small_shop
    shop.billing.put_customer("ada", email="ada@example.com", language="ja")
    shop.subscribes(EXPIRED)
    assert "有効期限" in shop.letters.sent[0].text


def test_a_new_card_comes_before_anybody_has_looked_at_the_failure(small_shop: Shop) -> None:
    shop = small_shop
    invoice = shop.subscribes(GENERIC)
    shop.world.on("2026-01-04")
    with shop.billing.context.database.transaction("due") as conn:
        storage.jobs.enqueue(conn, JobName.DUN, invoice.id, run_at=shop.world.clock.now())
    while len(shop.tries(invoice)) < 2 or shop.tries(invoice)[-1].failed_at is None:
        assert loop.run_due(shop.billing.context, limit=1)
    shop.saves("pm_card_visa")
    pay_with_new_card(shop.billing.context, CustomerId("ada"))
    shop.world.works()
    assert [each.cause for each in shop.tries(invoice)] == [Cause.FIRST, Cause.SCHEDULE, Cause.NEW_CARD]
    assert shop.dunning(invoice).state is State.OVER


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("effect", ["none", "done"])
def test_a_retry_that_was_never_made_is_not_taken_for_the_decline_before_it(world: World, method: Method, effect: str) -> None:
    """The provider fails at the retry, and keeps that failure under its key; what it shows is the decline of days ago."""
    shop = Shop(world)
    begun = shop.billing.subscribed("ada", "pro", collection=Collection(method=method, payment_method=SAVED_AND_DECLINED))
    assert (invoice := begun.invoice) is not None
    world.works()
    paths = {Method.INTENT: "POST /v1/payment_intents/{id}/confirm", Method.HOSTED: "POST /v1/invoices/{id}/pay"}
    world.sandbox.faults.next("stored_500", paths[method], effect=effect)
    for at in ("2026-01-04", "2026-01-04 02:00", "2026-01-04 04:00"):
        shop.works(at)
    assert world.sandbox.faults.counts["stored_500"] == 1
    made_anew = effect == "none"
    assert [each.charge for each in shop.tries(invoice)] == [1, 2 + made_anew], "under another key, and one try all the same"
    assert all(each.failed_at for each in shop.tries(invoice))
    assert len(world.sandbox_call("GET", "/v1/charges", limit=100)["data"]) == 2, "what counts as two tries was tried twice"
    world.proves()
