"""A fee that a credit note has made smaller is given back only as far as it still stands; and the other way round."""

import pytest

from tallystick.domain.ledger import Account
from tallystick.values.errors import InvalidInput
from tallystick.values.money import EUR, Money
from tests.scenarios.world import World

FEE = {"key": "base", "kind": "recurring", "prices": [{"currency": "eur", "model": "flat", "amount": "31"}]}
PLANS = {"plans": [{"key": "starter", "charges": [FEE]}]}


@pytest.fixture
def shop(world: World) -> World:
    world.billing.apply_catalogue(PLANS)
    return world


def _paid(shop: World) -> str:
    begun = shop.billing.subscribed("ada", "starter")
    assert begun.invoice is not None
    shop.works()
    shop.pays(begun.invoice)
    shop.delivers()
    shop.works()
    assert shop.now(begun.invoice).status == "paid"
    return begun.subscription.id


def test_what_a_note_has_credited_is_not_given_back_again(shop: World) -> None:
    named = _paid(shop)
    (fee,) = shop.billing.invoices(customer_id="ada")
    shop.billing.credit_note(fee.id, reason="a gift", op="gift", refund=False)
    shop.on("2026-01-11").billing.cancel(named, now=True, credit_unused=True)
    assert shop.balance(Account.CARRIED, EUR, "ada") == Money(-3100, EUR), "the fee, once"
    shop.proves()


def test_of_a_part_that_was_credited_the_rest_is_given_back(shop: World) -> None:
    named = _paid(shop)
    (fee,) = shop.billing.invoices(customer_id="ada")
    shop.billing.credit_note(fee.id, amount=Money(1550, EUR), reason="half", op="half", refund=False)
    shop.on("2026-01-11").billing.cancel(named, now=True, credit_unused=True)
    assert shop.balance(Account.CARRIED, EUR, "ada") == Money(-1550 - 1050, EUR), "two thirds of the other half"
    shop.proves()


def test_what_was_given_back_is_not_credited_again(shop: World) -> None:
    named = _paid(shop)
    (fee,) = shop.billing.invoices(customer_id="ada")
    shop.on("2026-01-11").billing.cancel(named, now=True, credit_unused=True)
    with pytest.raises(InvalidInput, match=r"10\.00 EUR"):
        shop.billing.credit_note(fee.id, amount=Money(1001, EUR), reason="too much", op="a", refund=False)
    note = shop.billing.credit_note(fee.id, reason="all that is left", op="b", refund=False)
    assert note.amount == Money(1000, EUR)
    assert shop.balance(Account.CARRIED, EUR, "ada") == Money(-3100, EUR)
    shop.proves()
