"""Invoices of a living business as people read them: every step of the sum, in both languages, and it is what the books say."""

import csv
import io
from decimal import Decimal

import pytest

from tallystick.domain.invoice_documents import Document, document_of
from tallystick.domain.invoices import Invoice
from tallystick.domain.letter_frames import Locale
from tallystick.flows import _documents
from tests.scenarios.paper import rich_invoice
from tests.scenarios.world import World


def document(world: World, invoice: Invoice, locale: Locale = "en") -> Document:
    ctx = world.billing.context
    with ctx.database.reading() as conn:
        return document_of(_documents.papers(ctx, conn, world.now(invoice)), locale)


def test_a_rich_invoice_says_every_step_in_both_languages(world: World) -> None:
    invoice = rich_invoice(world)
    english, japanese = document(world, invoice), document(world, invoice, "ja")
    calls, fee, seats = english.rows
    assert (calls.text, calls.quantity, calls.price, calls.amount) == ("API calls", "25,500 calls", "by tier", "¥13,050")
    assert calls.details == (
        "Included: 100",
        "Tier 1: 1,000 × ¥1.5 + ¥500 = ¥2,000",
        "Tier 2: 9,000 × ¥0.8 = ¥7,200",
        "Tier 3: 15,400 × ¥0.25 = ¥3,850",
    )
    assert (fee.text, fee.period, fee.amount) == ("Pro base fee", "1 Feb 2026 – 28 Feb 2026", "¥19,900"), "days in Tokyo"
    assert (seats.quantity, seats.price, seats.amount) == ("3", "¥800", "¥2,400")
    assert [(each.label, each.amount) for each in english.sums] == [
        ("Subtotal", "¥35,350"),
        ("Discount: Early bird", "-¥10,605"),
        ("Paid from your credit", "-¥5,000"),
        ("Total", "¥19,745"),
        ("Amount due", "¥19,745"),
    ]
    assert [each.label for each in japanese.sums] == ["小計", "割引：Early bird", "クレジット残高の充当", "合計", "ご請求額"]
    assert japanese.buyer == ("請求先", "髙橋・﨑山商店 株式会社", "ada@example.com")
    assert japanese.rows[0].details[1] == "第 1 段階：1,000 × ￥1.5 + ￥500 = ￥2,000"
    assert "2026年2月15日 までに ￥19,745 をお支払いください。" in japanese.remarks
    assert english.remarks[-1] == "Days and times in Asia/Tokyo."


def test_a_change_in_the_middle_of_a_month_says_what_goes_back_and_what_a_part_costs(world: World) -> None:
    rich_invoice(world)
    change = world.billing.find_invoice("INV-000002")
    back, part = document(world, change).rows
    assert (back.text, back.amount) == ("Given back: Basic base fee", "-¥3,673")
    assert back.period == "20 Jan 2026, 12:00 – 1 Feb 2026, 00:00"
    assert (part.text, part.amount) == ("Pro base fee", "¥7,382")
    assert part.details[0] == "For a full period: ¥19,900"
    assert part.details[1].startswith("Less, for a part of the period only: ≈\u00a0-¥12,517.7419")


@pytest.mark.parametrize("code", ["jpy", "usd"])
def test_what_is_handed_out_says_what_the_books_say(world: World, code: str) -> None:
    rich_invoice(world, code=code)
    for invoice in world.billing.invoices(customer_id="ada"):
        rows = list(csv.DictReader(io.StringIO(world.billing.invoice_csv(invoice.id), newline="")))
        amounts = (Decimal(row["amount"]) - Decimal(row["discount"]) for row in rows)
        assert sum(amounts) == (invoice.subtotal - invoice.discount).major
        (total,) = (each for each in document(world, invoice).sums if each.label == "Total")
        assert Decimal(total.amount.lstrip("¥$").replace(",", "")) == invoice.total.major
        assert world.billing.invoice_pdf(invoice.id) == world.billing.invoice_pdf(invoice.id)
    world.proves()


def test_an_invoice_says_how_it_stands_and_is_another_file_then(world: World) -> None:
    world.sells("calls", {"currency": "usd", "model": "per_unit", "unit_amount": "0.01"})
    world.on("2026-01-15").uses("ada", "calls", 20)
    small = world.on("2026-02-01").bill("ada")
    assert "$0.20 is too little to collect by itself" in document(world, small).remarks[0]
    world.uses("ada", "calls", 1000)
    invoice = world.on("2026-03-01").bill("ada")
    assert "Carried over: $0.20 of earlier invoices" in document(world, invoice).remarks[0]
    open_pdf = world.billing.invoice_pdf(invoice.id)
    world.works()
    assert document(world, invoice).link is not None, "where it can be paid"
    world.pays(invoice)
    world.delivers(times=2)
    world.works()
    paid = document(world, invoice)
    assert (paid.stamp, paid.link, paid.sums[-1].amount) == ("Paid", None, "$0.00")
    assert f"Payment: {world.payment(invoice).ref}" in paid.remarks, "by which the provider knows it"
    assert world.billing.invoice_pdf(invoice.id) != open_pdf
    note = world.billing.credit_note(invoice.id, reason="*sorry*", op="1", refund=True)
    assert f"Credit note {note.number}: $10.20 goes back to you. *sorry*" in document(world, invoice).remarks
    assert "*sorry*" in world.billing.credit_note_html(note.id)
    assert world.billing.credit_note_pdf(note.id) == world.billing.credit_note_pdf(note.id)


def test_what_came_late_says_what_was_billed_before(world: World) -> None:
    world.sells("calls", {"currency": "usd", "model": "package", "package_size": "100", "package_amount": "5"})
    world.on("2026-01-15").uses("ada", "calls", 150)
    world.on("2026-02-01").bill("ada")
    world.on("2026-02-02").uses("ada", "calls", 100, at="2026-01-20")
    late, *_ = document(world, world.bill("ada")).rows
    assert (late.quantity, late.price, late.amount) == ("100", "$5.00 per 100", "$5.00")
    assert late.details[-1] == "In all $15.00, of which $10.00 was billed before"
