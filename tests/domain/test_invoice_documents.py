"""What stands on an invoice: all of its sum, in order and in words; and it adds up for any invoice."""

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from string import Formatter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.catalog import FlatPrice
from tallystick.domain.credit_note_documents import note_document_of
from tallystick.domain.credit_notes import CreditNote, CreditOrder, of_open, of_paid
from tallystick.domain.customers import Customer
from tallystick.domain.discounts import AppliedDiscount
from tallystick.domain.invoice_documents import Document, Papers, Seller, document_of
from tallystick.domain.invoice_words import WORDS, Words
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.letter_frames import Locale
from tallystick.domain.lines import Fee, fee_line
from tallystick.values.ids import CustomerId, DiscountId, InvoiceId
from tallystick.values.money import JPY, Money
from tallystick.values.time import Period

OPENED = datetime(2026, 2, 1, 9, tzinfo=UTC)
ADA = Customer(CustomerId("ada"), OPENED, "ada@example.com", "Ada Ltd")
SELLER = Seller("Example Ltd", ("1 Main Street", "London"), "GB 123")
JANUARY = Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))


def yen(minor: int) -> Money:
    return Money(minor, JPY)


def invoice_of(*fees: int, discount: int = 0, carried: tuple[int, int] = (0, 0), credit: int = 0) -> Invoice:
    lines = [
        fee_line(ADA.id, Fee(f"fee-{i}", f"Fee {i}", FlatPrice(currency=JPY, amount=Decimal(fee)), Decimal(1), JANUARY))
        for i, fee in enumerate(fees)
    ]
    applied = AppliedDiscount(DiscountId("d"), "SPRING", "Spring", yen(discount), ())
    return Invoice(
        id=InvoiceId("inv_1"),
        customer_id=ADA.id,
        currency=JPY,
        period=JANUARY,
        lines=tuple(lines),
        carried_in=yen(carried[0]),
        credits_applied=yen(credit),
        carried_out=yen(carried[1]),
        created_at=OPENED,
        status=InvoiceStatus.OPEN,
        number="INV-000001",
        opened_at=OPENED,
        due_at=OPENED + timedelta(days=14),
        discounts=(applied,) if discount else (),
    )


def shown(invoice: Invoice, *notes: CreditNote, locale: Locale = "en") -> Document:
    return document_of(Papers(invoice, ADA, SELLER, ZoneInfo("UTC"), notes), locale)


def closed(invoice: Invoice, status: InvoiceStatus = InvoiceStatus.PAID) -> Invoice:
    return dataclasses.replace(invoice, status=status, closed_at=OPENED + timedelta(days=2))


def figure(text: str) -> int:
    return int(text.replace("¥", "").replace(",", ""))


def test_the_top_says_who_and_when_and_until_when() -> None:
    document = shown(invoice_of(9900))
    assert (document.title, document.number, document.stamp) == ("Invoice", "INV-000001", None)
    assert {fact.label: fact.value for fact in document.facts} == {
        "Number": "INV-000001",
        "Date": "1 Feb 2026",
        "Due": "15 Feb 2026",
        "Period": "1 Jan 2026 – 31 Jan 2026",
        "Customer": "ada",
    }
    assert document.seller == ("From", "Example Ltd", "1 Main Street", "London", "Tax ID: GB 123")
    assert document.buyer == ("To", "Ada Ltd", "ada@example.com")
    assert document.written_at == OPENED
    assert document.remarks == ("Please pay ¥9,900 by 15 Feb 2026.", "Days and times in UTC.")


def test_every_step_from_the_lines_to_the_total_is_there() -> None:
    document = shown(invoice_of(9900, 100, discount=3000, carried=(40, 0), credit=2000))
    assert [(each.label, each.amount) for each in document.sums] == [
        ("Subtotal", "¥10,000"),
        ("Discount: Spring", "-¥3,000"),
        ("Carried over from earlier invoices", "¥40"),
        ("Paid from your credit", "-¥2,000"),
        ("Total", "¥5,040"),
        ("Amount due", "¥5,040"),
    ]
    assert document.remarks[0] == "Carried over: ¥40 of earlier invoices was too little to collect, and is asked for here."


def test_what_is_carried_is_explained_in_words() -> None:
    small = shown(closed(invoice_of(30, carried=(0, 30))))
    assert small.sums[-1].amount == "¥0"
    assert "¥30 is too little to collect by itself" in small.remarks[0]
    assert "There is nothing to pay." in small.remarks
    favour = shown(closed(invoice_of(30, carried=(-100, -70))))
    assert "¥100 of earlier invoices was in your favour" in favour.remarks[0]
    assert "¥70 is in your favour" in favour.remarks[1]


def test_what_was_paid_says_when_and_nothing_is_due() -> None:
    document = shown(closed(invoice_of(9900)))
    assert document.stamp == "Paid"
    assert [(each.label, each.amount) for each in document.sums[-2:]] == [("Paid on 3 Feb 2026", "-¥9,900"), ("Amount due", "¥0")]
    assert "Paid on 3 Feb 2026. Thank you." in document.remarks


@pytest.mark.parametrize(
    ("status", "stamp", "due"), [(InvoiceStatus.VOID, "Void", "¥0"), (InvoiceStatus.UNCOLLECTIBLE, "Uncollectible", "¥9,900")]
)
def test_what_is_not_to_be_paid_says_so(status: InvoiceStatus, stamp: str, due: str) -> None:
    document = shown(closed(invoice_of(9900), status))
    assert (document.stamp, document.sums[-1].amount) == (stamp, due)
    assert len(document.remarks) == 2


def test_credit_notes_make_less_due_or_are_given_back() -> None:
    invoice = invoice_of(9900)
    note = of_open(invoice, [], CreditOrder("an outage", "1", yen(2000)), number="CN-000001", now=OPENED)
    document = shown(invoice, note)
    assert [(each.label, each.amount) for each in document.sums[-2:]] == [
        ("Credit note CN-000001, 1 Feb 2026", "-¥2,000"),
        ("Amount due", "¥7,900"),
    ]
    paid = closed(invoice_of(9900))
    back = of_paid(paid, [], CreditOrder("an outage", "1", yen(500)), refund=True, number="CN-000002", now=OPENED)
    assert "Credit note CN-000002: ¥500 goes back to you. an outage" in shown(paid, back).remarks


def test_a_credit_note_says_what_of_and_what_becomes_of_it() -> None:
    invoice = closed(invoice_of(9900, 500))
    order = CreditOrder("an outage", "1", lines={invoice.lines[1].id: yen(200)})
    note = of_paid(invoice, [], order, refund=False, number="CN-000001", now=OPENED)
    document = note_document_of(note, Papers(invoice, ADA, SELLER, ZoneInfo("UTC")), "en")
    assert (document.title, document.number, document.written_at) == ("Credit note", "CN-000001", OPENED)
    assert [(row.text, row.amount) for row in document.rows] == [("Fee 1", "¥200")]
    assert document.remarks[:2] == (
        "Reason: an outage",
        "¥200 is kept in your favour, and will be taken off the next invoice.",
    )
    whole = of_paid(invoice, [], CreditOrder("all", "2"), refund=True, number="CN-000002", now=OPENED)
    (row,) = note_document_of(whole, Papers(invoice, ADA, SELLER, ZoneInfo("UTC")), "ja").rows
    assert (row.text, row.amount) == ("請求書 INV-000001", "￥10,400")


@pytest.mark.parametrize("name", [each.name for each in dataclasses.fields(Words)])
def test_both_languages_say_the_same_things(name: str) -> None:
    english, japanese = (getattr(WORDS[locale], name) for locale in ("en", "ja"))
    assert english
    assert japanese
    assert english != japanese or "{" in english
    assert _values(english) == _values(japanese)


def _values(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}


def test_what_others_have_named_is_never_read_as_a_template() -> None:
    hostile = dataclasses.replace(ADA, name="{number} {0.__class__}", email=None)
    invoice = dataclasses.replace(invoice_of(100), lines=(dataclasses.replace(invoice_of(100).lines[0], description="{amount}"),))
    document = document_of(Papers(invoice, hostile, SELLER, ZoneInfo("UTC")), "en")
    assert document.buyer == ("To", "{number} {0.__class__}")
    assert document.rows[0].text == "{amount}"


yens = st.integers(0, 10**9)


@given(fees=st.lists(yens, min_size=1, max_size=4), carried_in=st.integers(-(10**9), 10**9), data=st.data())
def test_the_sums_add_up_for_any_invoice(fees: list[int], carried_in: int, data: st.DataObject) -> None:
    discount = data.draw(st.integers(0, sum(fees)))
    left = sum(fees) - discount + carried_in
    credit = data.draw(st.integers(0, max(left, 0)))
    left -= credit
    invoice = invoice_of(*fees, discount=discount, carried=(carried_in, 0 if left >= 50 else left), credit=credit)
    notes: list[CreditNote] = []
    if invoice.total.minor > 100:
        amount = data.draw(st.integers(1, invoice.total.minor - 51))
        notes.append(of_open(invoice, [], CreditOrder("why", "1", yen(amount)), number="CN-000001", now=OPENED))
    for document in (shown(invoice, *notes), shown(closed(invoice), *notes)):
        *steps, due = [figure(each.amount) for each in document.sums]
        labels = [each.label for each in document.sums[:-1]]
        total = labels.index("Total")
        assert sum(steps[:total]) == steps[total] == invoice.total.minor
        assert sum(steps[total:]) == due
