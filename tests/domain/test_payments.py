"""What becomes of a charge whose answer nobody has: found to have run, or tried anew; never counted for one before it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tallystick.domain import payments
from tallystick.domain.payments import Decline, Method, Payment, PaymentStatus, ProviderPayment, Step
from tallystick.values.ids import CustomerId, InvoiceId
from tallystick.values.money import USD, Money

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
FIRST = Decline("insufficient_funds", "Your card has insufficient funds.", "pm_1", "ch_1")
SECOND = replace(FIRST, attempt="ch_2")
TEN = Money(10_00, USD)
PAID = ProviderPayment("pi_1", PaymentStatus.SUCCEEDED, TEN, InvoiceId("inv_1"), paid=TEN)


def charging(decline: Decline | None) -> Payment:
    """The second charge is on its way, and its key repeats a failure; `decline` is what came of the first."""
    name = payments.payment_id(InvoiceId("inv_1"))
    payment = Payment(
        name, InvoiceId("inv_1"), CustomerId("ada"), Method.INTENT, TEN, PaymentStatus.OPEN, NOON, NOON, ref="pi_1", ready=True,
        charges=2, charging=True, look_first=True, asked_at=NOON, decline=decline,
    )  # fmt: skip
    assert payments.next_step(payment, now=NOON) is Step.FETCH
    return payment


def looked(before: Decline | None, shows: Decline | None) -> Payment:
    told = ProviderPayment("pi_1", PaymentStatus.OPEN, TEN, InvoiceId("inv_1"), decline=shows)
    return payments.answered(charging(before), Step.FETCH, now=NOON, told=told)


@pytest.mark.parametrize(
    ("before", "shows"),
    [
        (None, None),
        (FIRST, FIRST),
        (replace(FIRST, attempt=None), replace(FIRST, attempt=None)),  # nobody knows the attempts, and they look the same
    ],
)
def test_a_charge_that_left_no_trace_is_tried_anew_under_another_key(before: Decline | None, shows: Decline | None) -> None:
    after = looked(before, shows)
    assert (after.charging, after.charges) == (True, 3)
    assert payments.next_step(after, now=NOON) is Step.CHARGE
    assert after.key(Step.CHARGE) != charging(before).key(Step.CHARGE)
    assert after.decline == before, "the older decline stays one of the older charge"


@pytest.mark.parametrize(
    ("before", "shows"),
    [
        (None, FIRST),
        (FIRST, SECOND),
        (replace(FIRST, attempt=None), SECOND),  # written down by a version that knew no attempts
        (replace(FIRST, attempt=None), replace(FIRST, attempt=None, code="expired_card")),
        (replace(FIRST, attempt=None), replace(FIRST, attempt=None, payment_method="pm_2")),
    ],
)
def test_a_decline_that_was_not_there_before_is_the_answer(before: Decline | None, shows: Decline) -> None:
    after = looked(before, shows)
    assert (after.charging, after.charges, after.decline) == (False, 2, shows)


def test_what_is_paid_is_paid_whatever_was_declined_before() -> None:
    after = payments.answered(charging(FIRST), Step.FETCH, now=NOON, told=PAID)
    assert (after.charging, after.status) == (False, PaymentStatus.SUCCEEDED)


def test_news_of_an_older_decline_does_not_move_what_the_answer_is_compared_with() -> None:
    told = ProviderPayment("pi_1", PaymentStatus.OPEN, TEN, InvoiceId("inv_1"), decline=SECOND)
    heard = payments.learned(charging(FIRST), told, now=NOON)
    assert heard.decline == FIRST
    assert payments.answered(heard, Step.FETCH, now=NOON, told=told).decline == SECOND, "and so it is known as the answer"
    assert payments.learned(replace(charging(FIRST), charging=False), told, now=NOON).decline == SECOND


def test_a_charge_that_is_answered_ends_with_what_was_told() -> None:
    told = ProviderPayment("pi_1", PaymentStatus.OPEN, TEN, InvoiceId("inv_1"), decline=SECOND)
    after = payments.answered(charging(FIRST), Step.CHARGE, now=NOON, told=told)
    assert (after.charging, after.decline, after.asked_at, after.look_first) == (False, SECOND, None, False)
