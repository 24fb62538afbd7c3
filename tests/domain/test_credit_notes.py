"""Credit notes take off an invoice what they say, and their books come to nothing."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.credit_notes import CreditNote, CreditOrder, book, due, left, of_open, of_paid, paid, status_after
from tallystick.domain.invoices import Invoice, InvoiceStatus, book_open, book_void, moved
from tallystick.domain.ledger import Account
from tallystick.domain.payments import KEY_AGE_MAX
from tallystick.domain.refunds import (
    LIVE,
    Origin,
    ProviderRefund,
    Refund,
    RefundStatus,
    RefundStep,
    asked,
    learned,
    next_step,
    not_found,
    refund_id,
    refused,
)
from tallystick.domain.refunds import book as book_refund
from tallystick.values.errors import IllegalTransition, InvalidInput
from tallystick.values.ids import CreditNoteId, CustomerId, InvoiceId, PaymentId
from tallystick.values.money import USD, Money
from tests.storage.worlds import NOW, an_open_invoice


def usd(cents: int) -> Money:
    return Money(cents, USD)


def order(cents: int | None, op: str = "op") -> CreditOrder:
    return CreditOrder("a test", op, None if cents is None else usd(cents))


def reduced(invoice: Invoice, notes: list[CreditNote], cents: int | None) -> CreditNote:
    return of_open(invoice, notes, order(cents, f"op-{len(notes)}"), number=f"CN-{len(notes):06d}", now=NOW)


@given(st.lists(st.integers(1, 1000), max_size=12))
def test_any_parts_of_an_open_invoice_leave_it_asking_for_the_rest(parts: list[int]) -> None:
    invoice, notes = an_open_invoice(), list[CreditNote]()
    assert invoice.total == usd(1000)
    books = defaultdict[Account, int](int)
    for entry in book_open(invoice).entries:
        books[entry.account] += entry.amount.minor
    for cents in parts:
        before = due(invoice, notes)
        if before < usd(cents):
            with pytest.raises(InvalidInput, match="can still be credited"):
                reduced(invoice, notes, cents)
            continue
        note = reduced(invoice, notes, cents)
        rest = before - note.amount
        for entry in book(note, rest=rest).entries:
            books[entry.account] += entry.amount.minor
        notes.append(note)
        assert sum(books.values()) == 0
        if status_after(invoice, rest, note) is not InvoiceStatus.OPEN:
            break
    credited = sum(note.amount.minor for note in notes)
    assert due(invoice, notes) == left(invoice, notes) == usd(1000 - credited)
    carried = sum(note.carried.minor for note in notes)
    assert books[Account.RECEIVABLE] == 1000 - credited - carried
    assert books[Account.REFUNDS] == credited


def test_a_rest_below_the_least_that_is_charged_is_carried_and_at_it_is_not() -> None:
    invoice = an_open_invoice()
    kept, moved_on = reduced(invoice, [], 950), reduced(invoice, [], 951)
    assert (kept.carried, status_after(invoice, usd(50), kept)) == (usd(0), InvoiceStatus.OPEN)
    assert (moved_on.carried, status_after(invoice, usd(49), moved_on)) == (usd(49), InvoiceStatus.PAID)
    assert status_after(invoice, usd(0), reduced(invoice, [], None)) is InvoiceStatus.VOID
    closed = moved(invoice, InvoiceStatus.PAID, at=NOW)
    assert (paid(closed, [kept]), paid(closed, [moved_on]), paid(invoice, [])) == (usd(50), usd(0), usd(0))


@pytest.mark.parametrize("parts", [[], [300], [300, 700], [1000]])
def test_of_a_void_invoice_nothing_stays_in_the_books(parts: list[int]) -> None:
    invoice, notes = an_open_invoice(), list[CreditNote]()
    transactions = [book_open(invoice)]
    for cents in parts:
        notes.append(reduced(invoice, notes, cents))
        transactions.append(book(notes[-1], rest=left(invoice, notes)))
    void = moved(invoice, InvoiceStatus.VOID, at=NOW)
    transactions.append(book_void(void, unearned=usd(0), reduced=usd(sum(parts))))
    sums = defaultdict[Account, int](int)
    for transaction in transactions:
        for entry in transaction.entries:
            sums[entry.account] += entry.amount.minor
    assert not any(sums.values())


def test_what_was_paid_goes_back_or_is_kept() -> None:
    invoice = moved(an_open_invoice(), InvoiceStatus.PAID, at=NOW)
    back = of_paid(invoice, [], order(300), refund=True, number="CN-000001", now=NOW)
    kept = of_paid(invoice, [back], order(None, "rest"), refund=False, number="CN-000002", now=NOW)
    assert (back.refunded, back.credited, kept.refunded, kept.credited) == (usd(300), usd(0), usd(0), usd(700))
    with pytest.raises(InvalidInput):
        of_paid(invoice, [back, kept], order(1, "more"), refund=True, number="CN-000003", now=NOW)


def a_refund(**facts: object) -> Refund:
    said: dict[str, object] = {
        "id": refund_id("cn_1"), "payment_id": PaymentId("pay_1"), "invoice_id": InvoiceId("inv_1"),
        "customer_id": CustomerId("ada"), "credit_note_id": CreditNoteId("cn_1"), "amount": usd(300), "excess": usd(0),
        "status": RefundStatus.PENDING, "origin": Origin.OURS, "reason": "a test", "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    return Refund(**said | facts)  # type: ignore[arg-type]


def test_a_refund_is_asked_for_under_one_key_until_we_have_looked_and_found_nothing() -> None:
    refund = a_refund()
    assert next_step(refund, now=NOW) is RefundStep.ASK
    once = asked(refund, RefundStep.ASK, now=NOW)
    later = NOW + KEY_AGE_MAX - timedelta(seconds=1)
    assert (next_step(once, now=later), asked(once, RefundStep.ASK, now=later).key) == (RefundStep.ASK, refund.key)
    assert next_step(once, now=NOW + KEY_AGE_MAX) is RefundStep.FIND
    assert next_step(replace(once, look_first=True), now=NOW) is RefundStep.FIND
    anew = not_found(once, now=NOW + KEY_AGE_MAX)
    assert (next_step(anew, now=NOW + KEY_AGE_MAX), anew.key != refund.key) == (RefundStep.ASK, True)


def told(status: RefundStatus, **facts: object) -> ProviderRefund:
    return ProviderRefund(**{"ref": "re_1", "status": status, "amount": usd(300)} | facts)  # type: ignore[arg-type]


@given(st.lists(st.sampled_from(RefundStatus), max_size=6))
def test_older_news_changes_nothing_and_the_end_is_the_end(news: list[RefundStatus]) -> None:
    refund = a_refund(ref="re_1")
    books = defaultdict[Account, int](int)
    for status in news:
        after = learned(refund, told(status), now=NOW)
        assert not (refund.status not in LIVE and after.status in LIVE)
        assert not (refund.status is RefundStatus.SUCCEEDED and after.status is RefundStatus.PENDING)
        if after.status is not refund.status:
            for entry in book_refund(refund, after, at=NOW).entries:
                books[entry.account] += entry.amount.minor
        refund = after
    expected = {
        RefundStatus.PENDING: {},
        RefundStatus.SUCCEEDED: {Account.REFUNDS_DUE: 300, Account.CASH: -300},
        RefundStatus.FAILED: {Account.REFUNDS_DUE: 300, Account.CARRIED: -300},
        RefundStatus.CANCELED: {Account.REFUNDS_DUE: 300, Account.CARRIED: -300},
    }
    assert {account: minor for account, minor in books.items() if minor} == expected[refund.status]
    assert (next_step(refund, now=NOW) is RefundStep.NOTHING) == (refund.status not in LIVE)


def test_a_refund_that_is_not_ours_is_not_believed() -> None:
    for refund, wrong, code in (
        (a_refund(ref="re_1"), told(RefundStatus.SUCCEEDED, ref="re_2"), "refunded_twice"),
        (a_refund(), told(RefundStatus.SUCCEEDED, amount=usd(301)), "amount_mismatch"),
        (a_refund(status=RefundStatus.FAILED), told(RefundStatus.SUCCEEDED), "refunded_after_all"),
    ):
        with pytest.raises(IllegalTransition) as mismatch:
            learned(refund, wrong, now=NOW)
        assert mismatch.value.code == code


def test_a_refusal_ends_what_was_asked_for_and_nothing_that_was_only_looked_at() -> None:
    refund = asked(a_refund(), RefundStep.ASK, now=NOW)
    ended = refused(refund, RefundStep.ASK, "charge_already_refunded", now=NOW)
    assert (ended.status, ended.failure) == (RefundStatus.FAILED, "charge_already_refunded")
    for step in (RefundStep.FIND, RefundStep.FETCH):
        assert refused(refund, step, "resource_missing", now=NOW) == refund
