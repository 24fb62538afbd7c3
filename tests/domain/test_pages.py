"""A payment by a page of the provider's: what is never asked of it, and what it gives back when the page is over."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.dunning import can_be_tried
from tallystick.domain.pages import Page
from tallystick.domain.payments import Method, Payment, PaymentStatus, Step, next_step
from tallystick.domain.replacements import reopened, sent_to_page
from tallystick.values.ids import CustomerId, InvoiceId, PaymentId
from tallystick.values.money import USD, Money

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
PAGE = Page("https://shop.test/ok", "https://shop.test/back")

payments = st.builds(
    Payment,
    id=st.just(PaymentId("pay_1")),
    invoice_id=st.just(InvoiceId("inv_1")),
    customer_id=st.just(CustomerId("ada")),
    method=st.just(Method.INTENT),
    amount=st.just(Money(15_00, USD)),
    status=st.just(PaymentStatus.CANCELED),
    created_at=st.just(NOW),
    updated_at=st.just(NOW),
    automatic=st.booleans(),
    payment_method=st.sampled_from([None, "pm_1"]),
    charges=st.integers(0, 5),
)


@given(before=payments)
def test_a_page_that_comes_to_nothing_leaves_the_payment_as_it_was(before: Payment) -> None:
    page = sent_to_page(before, PAGE, now=NOW)
    again = reopened(replace(page, status=PaymentStatus.CANCELED), now=NOW)
    kept = (again.amount, again.automatic, again.payment_method, again.charges, again.page)
    assert kept == (before.amount, before.automatic, before.payment_method, before.charges, None)
    assert len({before.id, page.id, again.id}) == 3, "each has an object of its own, and keys of its own"


@given(before=payments)
def test_what_is_paid_on_a_page_is_never_charged_beside_it(before: Payment) -> None:
    page = replace(sent_to_page(before, PAGE, now=NOW), status=PaymentStatus.OPEN, ref="cs_1", ready=True)
    assert next_step(page, now=NOW) is Step.FETCH
    assert not can_be_tried(page)


def test_what_somebody_has_canceled_is_charged_by_itself_no_more() -> None:
    canceled = Payment(
        PaymentId("pay_1"), InvoiceId("inv_1"), CustomerId("ada"), Method.INTENT, Money(15_00, USD), PaymentStatus.CANCELED,
        NOW, NOW, automatic=True, payment_method="pm_1", charges=2,
    )  # fmt: skip
    again = reopened(canceled, now=NOW)
    assert (again.automatic, again.payment_method, again.charges) == (False, None, 0)
