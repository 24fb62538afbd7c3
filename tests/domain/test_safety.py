"""Safety bounds: what is above one is held, what reaches it is not, and nothing that a person has released is held again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis.strategies import decimals, integers, lists, sampled_from

from tallystick.domain import payments, replacements
from tallystick.domain.payments import Method, Payment, PaymentStatus, ProviderPayment, Step
from tallystick.domain.safety import Asked, Bounds, Excess, Hold, Reason, excess
from tallystick.values.ids import CustomerId, InvoiceId, PaymentId
from tallystick.values.money import JPY, USD, Money

NOW = datetime(2026, 1, 15, tzinfo=UTC)
BOUNDS = Bounds()


def asked(amount: int = 100, *, lines: int = 1, begun: int = 0, paid: tuple[int, ...] = ()) -> Asked:
    return Asked(Money(amount, JPY), lines, begun, [Money(each, JPY) for each in paid])


def test_the_twenty_first_charge_of_a_day_is_held() -> None:
    assert excess(BOUNDS, asked(begun=19)) is None
    assert excess(BOUNDS, asked(begun=20)) == Excess(Reason.CHARGES, Decimal(21), Decimal(20))


def test_an_invoice_of_more_than_a_thousand_lines_is_held() -> None:
    assert excess(BOUNDS, asked(lines=1000)) is None
    assert excess(BOUNDS, asked(lines=1001)) == Excess(Reason.LINES, Decimal(1001), Decimal(1000))


def test_more_than_twenty_times_the_mean_of_what_was_paid_is_held() -> None:
    paid = (100, 100, 103)  # its mean is 101; twenty times that is 2020
    assert excess(BOUNDS, asked(2020, paid=paid)) is None
    assert excess(BOUNDS, asked(2021, paid=paid)) == Excess(Reason.AMOUNT, Decimal(2021), Decimal(2020))


def test_two_paid_invoices_do_not_say_yet_what_is_usual() -> None:
    assert excess(BOUNDS, asked(1_000_000, paid=(1, 1))) is None


def test_the_alarm_says_amounts_in_major_units() -> None:
    found = excess(BOUNDS, Asked(Money(2001, USD), 1, 0, [Money(100, USD)] * 3))
    assert found == Excess(Reason.AMOUNT, Decimal("20.01"), Decimal("20.00"))


@given(
    amount=integers(1, 10**12),
    paid=lists(integers(1, 10**12), min_size=3, max_size=12),
    times=decimals(1, 1000, places=3),
)
def test_an_amount_is_held_exactly_where_it_is_above_so_many_times_the_mean(amount: int, paid: list[int], times: Decimal) -> None:
    is_above = amount > Fraction(times) * Fraction(sum(paid), len(paid))
    found = excess(Bounds(times_the_mean=times), asked(amount, paid=tuple(paid)))
    assert (found is not None) == is_above


@given(
    released=sampled_from(Reason), amount=integers(1, 10**6), lines=integers(1, 2000), begun=integers(0, 40),
    paid=lists(integers(1, 10**4), max_size=5),
)  # fmt: skip
def test_what_was_released_is_never_the_reason_again(
    released: Reason, amount: int, lines: int, begun: int, paid: list[int]
) -> None:
    charge = asked(amount, lines=lines, begun=begun, paid=tuple(paid))
    found, again = excess(BOUNDS, charge), excess(BOUNDS, charge, released=released)
    assert again is None or again.reason is not released
    assert found is not None or again is None


def test_a_payment_is_held_at_most_once_for_each_reason() -> None:
    runaway, released, held = asked(10**6, lines=10**4, begun=99, paid=(1, 1, 1)), None, []
    while (found := excess(BOUNDS, runaway, released=released)) is not None:
        held.append(released := found.reason)
    assert held == list(Reason)


def payment(**more: object) -> Payment:
    made = Payment(
        PaymentId("pay_1"), InvoiceId("inv_1"), CustomerId("ada"), Method.INTENT, Money(100, JPY), PaymentStatus.OPEN, NOW, NOW,
        automatic=True, ref="pi_1", ready=True,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def test_what_is_held_is_asked_about_and_not_charged_until_it_is_released() -> None:
    held = payments.held_back(payment(), Reason.AMOUNT, now=NOW)
    assert held.held == Hold(Reason.AMOUNT, 0)
    assert payments.next_step(payment(), now=NOW) is Step.CHARGE
    assert payments.next_step(held, now=NOW) is Step.FETCH
    assert payments.next_step(payments.released(held, now=NOW), now=NOW) is Step.CHARGE


def test_a_charge_that_never_ran_is_one_of_the_day_on_which_it_is_begun_again() -> None:
    begun = payments.asked(payment(), Step.CHARGE, now=NOW)
    assert begun.charged_at == NOW
    later = NOW + timedelta(days=1)
    told = ProviderPayment("pi_1", PaymentStatus.OPEN, Money(100, JPY), InvoiceId("inv_1"))
    again = payments.answered(begun, Step.FETCH, now=later, told=told)
    assert (again.charging, again.charges, again.charged_at) == (True, 2, later)


def test_nobody_tries_what_is_held_again() -> None:
    held = payments.held_back(payment(charges=1), Reason.CHARGES, now=NOW)
    with pytest.raises(AssertionError, match="what is held is not charged"):
        payments.tried_again(held, payment_method=None, now=NOW)


@pytest.mark.parametrize("reason", list(Reason))
def test_who_takes_the_place_of_a_payment_is_held_as_it_was(reason: Reason) -> None:
    held = payments.held_back(payment(status=PaymentStatus.CANCELED, charges=2), reason, now=NOW)
    released, less = payments.released(held, now=NOW), Money(50, JPY)
    renewed = replacements.renewed(held, less, nth=1, now=NOW)
    if reason is Reason.AMOUNT:
        assert renewed.held is None, "for less it is looked at anew"
    else:
        assert (renewed.held, renewed.charges) == (Hold(reason, 0), 0)
    assert replacements.renewed(released, less, nth=1, now=NOW).held == Hold(reason, 0, released_at=NOW)
