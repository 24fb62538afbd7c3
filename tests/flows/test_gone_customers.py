"""A customer who is deleted at the provider still owes what they owed, and can still pay it."""

from collections.abc import Iterator

import pytest

from tallystick import storage
from tallystick.domain.dunning import State
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Collection, Method
from tallystick.domain.subscriptions import Status
from tallystick.flows import _customer_ref
from tallystick.values.ids import CustomerId
from tests.scenarios.test_dunning import EXPIRED, Shop
from tests.scenarios.world import World


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    made = Shop(World(database_url))
    yield made
    made.world.proves()
    made.billing.close()


def owing(shop: Shop, method: Method) -> Invoice:
    begun = shop.billing.subscribed("ada", "pro", collection=Collection(method=method, payment_method=EXPIRED))
    assert begun.invoice is not None
    shop.world.works()
    return begun.invoice


def is_deleted(shop: Shop) -> None:
    with shop.billing.context.database.reading() as conn:
        customer = storage.customers.get(conn, CustomerId("ada"))
    assert customer is not None
    shop.world.sandbox_call("DELETE", f"/v1/customers/{customer.provider_ref}")


def works(shop: Shop) -> None:
    for _ in range(3):
        shop.world.delivers(times=2)
        shop.world.later(minutes=30).works()


@pytest.mark.parametrize("method", list(Method))
def test_who_is_made_anew_pays_by_a_new_card_what_was_owed(shop: Shop, method: Method) -> None:
    invoice = owing(shop, method)
    first = shop.world.payment(invoice).ref
    is_deleted(shop)
    works(shop)
    assert shop.world.payment(invoice).ref not in {None, first}
    assert shop.dunning(invoice).state is State.WAITING
    assert isinstance(_customer_ref.of(shop.billing.context, CustomerId("ada")), str)
    shop.saves("pm_card_visa")
    works(shop)
    assert shop.world.now(invoice).status is InvoiceStatus.PAID
    assert (shop.dunning(invoice).state, shop.status()) == (State.OVER, Status.ACTIVE)
    charged = [each for each in shop.world.sandbox_call("GET", "/v1/charges", limit=100)["data"] if each["status"] == "succeeded"]
    assert [each["amount"] for each in charged] == [9900]


@pytest.mark.parametrize("method", list(Method))
def test_what_nobody_has_tried_yet_can_still_be_paid(shop: Shop, method: Method) -> None:
    begun = shop.billing.subscribed("ada", "pro", collection=Collection(method=method, automatic=False))
    assert begun.invoice is not None
    shop.world.works()
    is_deleted(shop)
    works(shop)
    shop.world.pays(begun.invoice)
    works(shop)
    assert shop.world.now(begun.invoice).status is InvoiceStatus.PAID
