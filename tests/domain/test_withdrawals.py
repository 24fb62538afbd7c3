"""What is taken back at the provider: asked before all else, until the answer is known, and for the last time of why."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain import payments
from tallystick.domain.dunning import can_be_tried
from tallystick.domain.payments import Method, Payment, PaymentStatus, ProviderPayment, Step
from tallystick.domain.replacements import reopened
from tallystick.domain.safety import Hold, Reason
from tallystick.domain.withdrawals import Why, Withdrawal
from tallystick.values.ids import CustomerId, InvoiceId, PaymentId
from tallystick.values.money import USD, Money

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
TEN = Money(10_00, USD)
VOID, PAGE = Withdrawal(Why.VOID, "mistaken", "grace"), Withdrawal(Why.PAGE)
STANDS = Payment(
    PaymentId("pay_1"), InvoiceId("inv_1"), CustomerId("ada"), Method.INTENT, TEN, PaymentStatus.OPEN, NOON, NOON, ref="pi_1",
    ready=True, automatic=True, payment_method="pm_1", charges=2,
)  # fmt: skip


def told(status: PaymentStatus) -> ProviderPayment:
    paid = TEN if status is PaymentStatus.SUCCEEDED else None
    return ProviderPayment("pi_1", status, TEN, InvoiceId("inv_1"), paid=paid)


@given(charging=st.booleans(), ready=st.booleans(), look_first=st.booleans(), charges=st.integers(0, 3))
def test_what_is_taken_back_is_asked_about_nothing_else(charging: bool, ready: bool, look_first: bool, charges: int) -> None:
    stands = replace(STANDS, charging=charging, ready=ready, look_first=look_first, charges=charges)
    withdrawn = payments.withdrawn(stands, PAGE, now=NOON)
    assert payments.next_step(withdrawn, now=NOON) is Step.WITHDRAW
    assert payments.asked(withdrawn, Step.WITHDRAW, now=NOON) == withdrawn
    assert not can_be_tried(withdrawn)


def test_an_invoice_that_is_to_be_void_is_not_sent_to_a_page_instead() -> None:
    void = payments.withdrawn(STANDS, VOID, now=NOON)
    assert payments.withdrawn(void, PAGE, now=NOON) == void
    page = payments.withdrawn(STANDS, PAGE, now=NOON)
    assert payments.is_to_be_void(payments.withdrawn(page, VOID, now=NOON))
    assert payments.withdrawn(void, VOID, now=NOON) is void, "twice is once"


@pytest.mark.parametrize("status", [PaymentStatus.PROCESSING, PaymentStatus.SUCCEEDED])
def test_what_is_paid_or_about_to_be_is_taken_back_no_more(status: PaymentStatus) -> None:
    after = payments.answered(payments.withdrawn(STANDS, VOID, now=NOON), Step.WITHDRAW, now=NOON, told=told(status))
    assert (after.status, after.withdrawal) == (status, None)


def test_an_answer_that_it_still_stands_leaves_open_what_was_open() -> None:
    charging = replace(STANDS, charging=True, asked_at=NOON, withdrawal=VOID)
    after = payments.answered(charging, Step.WITHDRAW, now=NOON, told=told(PaymentStatus.OPEN))
    assert after == charging
    canceled = payments.answered(charging, Step.WITHDRAW, now=NOON, told=told(PaymentStatus.CANCELED))
    assert (canceled.status, canceled.charging, canceled.withdrawal) == (PaymentStatus.CANCELED, False, VOID)


def test_what_is_refused_is_ours_no_longer() -> None:
    after = payments.refused(payments.withdrawn(STANDS, VOID, now=NOON), Step.WITHDRAW, now=NOON)
    assert after == STANDS


@given(why=st.sampled_from(list(Why)), automatic=st.booleans(), charges=st.integers(0, 3))
def test_what_we_took_back_and_nobody_went_on_with_is_as_it_was(why: Why, automatic: bool, charges: int) -> None:
    before = replace(STANDS, automatic=automatic, charges=charges, held=Hold(Reason.LINES, charges))
    canceled = replace(before, status=PaymentStatus.CANCELED, withdrawal=Withdrawal(why))
    again = reopened(canceled, now=NOON)
    assert (again.automatic, again.is_held, again.withdrawal, again.ref) == (automatic, True, None, None)
    if why is Why.GONE:
        assert (again.payment_method, again.charges) == (None, 0), "whoever is gone there has no cards there"
    else:
        assert (again.payment_method, again.charges) == ("pm_1", charges)
