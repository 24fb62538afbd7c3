"""The table of dunning, each row to its end: by either way to collect, in either language, with the link that mends it."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tallystick.domain.dunning import State
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Collection, Method
from tallystick.domain.subscriptions import Status
from tests.scenarios.test_dunning import CONFIRM, EXPIRED, FUNDS, GENERIC, SAVED_AND_DECLINED, Shop
from tests.scenarios.world import World, day

PROCESSING, LOST, STOLEN = (
    "pm_card_chargeDeclinedProcessingError",
    "pm_card_visa_chargeDeclinedLostCard",
    "pm_card_visa_chargeDeclinedStolenCard",
)
FIRST = day("2026-01-01")
MINUTE = timedelta(minutes=1)
ASKED = {
    "patience": {"en": "We will try again on", "ja": "に再度請求いたします"},
    "new_card": {"en": "save another one by", "ja": "別のカードをご登録ください"},
    "confirm": {"en": "Please confirm it by", "ja": "確認をお願いいたします"},
}


class Row:
    """One row: a card, what its customer is asked for, the days of the tries, and the day on which it is given up."""

    def __init__(self, card: str, ask: str, *tries: int, end: int) -> None:
        self.card, self.ask, self.tries, self.end = card, ask, tries, end


TABLE = {
    "insufficient_funds": Row(FUNDS, "patience", 0, 7, 14, end=14),
    "generic_decline": Row(GENERIC, "patience", 0, 3, 8, 15, end=15),
    "processing_error": Row(PROCESSING, "patience", 0, 3, 8, 15, end=15),
    "expired_card": Row(EXPIRED, "new_card", 0, end=15),
    "lost_card": Row(LOST, "new_card", 0, end=15),
    "stolen_card": Row(STOLEN, "new_card", 0, end=15),
    "authentication_required": Row(CONFIRM, "confirm", 0, end=15),
}


@pytest.fixture
def shop(small_world: World) -> Iterator[Shop]:
    made = Shop(small_world)
    yield made
    small_world.proves()


def subscribes(shop: Shop, card: str, method: Method = Method.HOSTED) -> Invoice:
    begun = shop.billing.subscribed("ada", "pro", collection=Collection(method=method, payment_method=card))
    assert begun.invoice is not None
    shop.world.works()
    return begun.invoice


@pytest.mark.parametrize(("method", "language"), [(Method.INTENT, "en"), (Method.HOSTED, "ja")])
@pytest.mark.parametrize("code", TABLE)
def test_each_row_is_kept_to_the_minute_and_told(shop: Shop, code: str, method: Method, language: str) -> None:
    row = TABLE[code]
    shop.billing.put_customer("ada", email="ada@example.com", language=language)
    invoice = subscribes(shop, row.card, method)
    for due in sorted({*row.tries[1:], row.end}):
        shop.world.clock.set(FIRST + timedelta(days=due) - MINUTE)
        shop.world.works()
        assert [each.begun_at for each in shop.tries(invoice)] == [FIRST + timedelta(days=at) for at in row.tries if at < due]
        assert (shop.status(), shop.may_use()) == (Status.PAST_DUE, True)
        shop.world.later(minutes=1).works()
    assert [each.begun_at for each in shop.tries(invoice)] == [FIRST + timedelta(days=at) for at in row.tries]
    assert {each.code for each in shop.tries(invoice)} == {code}
    assert (shop.dunning(invoice).state, shop.status(), shop.may_use()) == (State.GIVEN_UP, Status.UNPAID, False)
    assert len(shop.letters.sent) == len(row.tries) + 1, "each failure once, and the end"
    assert ASKED[row.ask][language] in shop.letters.sent[0].text
    assert all(re.search(r"https?://\S+/mend/\S+", letter.text) for letter in shop.letters.sent)


@pytest.mark.parametrize("method", list(Method))
def test_what_the_customer_confirms_on_the_page_is_paid_and_over(shop: Shop, method: Method) -> None:
    invoice = subscribes(shop, CONFIRM, method)
    assert shop.dunning(invoice).state is State.WAITING
    shop.world.on("2026-01-05")
    (intent,) = shop.world.sandbox_call("GET", "/v1/payment_intents")["data"]
    shop.world.sandbox_call("POST", f"/v1/payment_intents/{intent['id']}/confirm", payment_method=CONFIRM, off_session="false")
    shop.world.sandbox.authenticate(intent["id"])
    shop.world.delivers(times=2)
    shop.world.works()
    assert shop.world.now(invoice).status is InvoiceStatus.PAID
    assert (shop.dunning(invoice).state, shop.status()) == (State.OVER, Status.ACTIVE)
    shop.works("2026-01-20")
    assert shop.tried_on(invoice) == ["01-01"]
    assert len(shop.subjects) == 1, "who has paid is asked for nothing more"


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("fault", ["rate_limited", "lock_timeout", "lost_request", "lost_reply", "timeout_after_success"])
def test_neither_a_limit_nor_the_network_is_a_decline(shop: Shop, fault: str, method: Method) -> None:
    invoice = subscribes(shop, SAVED_AND_DECLINED, method)
    shop.world.clock.set(day("2026-01-04"))
    call = "POST /v1/payment_intents/{id}/confirm" if method is Method.INTENT else "POST /v1/invoices/{id}/pay"
    for _ in range(2):
        shop.world.sandbox.faults.next(fault, on=call)
    shop.world.works()
    assert [each.code for each in shop.tries(invoice)] == ["generic_decline", None], "nobody has said no yet"
    assert len(shop.subjects) == 1
    for _ in range(4):
        shop.world.later(minutes=45).works()
    assert [(each.charge, each.code) for each in shop.tries(invoice)] == [(1, "generic_decline"), (2, "generic_decline")]
    assert len(shop.world.sandbox_call("GET", "/v1/charges", limit=100)["data"]) == 2, "the same key: tried once"
    assert (len(shop.subjects), shop.dunning(invoice).tries) == (2, 1)
