"""Invoices come back as they were decided, move only from where they are, and never lose a number."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from tallystick.domain.catalog import (
    Charge,
    Conversion,
    FlatPrice,
    GraduatedPrice,
    PackagePrice,
    PercentagePrice,
    Price,
    Rounding,
    Tier,
    UnitPrice,
)
from tallystick.domain.credits import MINOR_MAX
from tallystick.domain.invoices import InvoiceStatus, Reductions, draft, moved
from tallystick.domain.lines import Billable, usage_line
from tallystick.domain.usage import Usage
from tallystick.storage import catalog, invoices
from tallystick.storage.database import Database
from tallystick.values.errors import Conflict
from tallystick.values.ids import InvoiceId
from tallystick.values.money import JPY, USD, Money
from tallystick.values.time import Period
from tests.storage.worlds import ADA, BEN, JANUARY, NOW, TOKENS, a_charge, an_invoice, an_open_invoice

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _catalog(database: Database) -> None:
    with database.transaction("meter") as conn:
        catalog.put_meter(conn, TOKENS, at=NOW)


decimals = st.decimals(0, 10**9, allow_nan=False, allow_infinity=False, places=4)
terms = st.fixed_dictionaries(
    {"currency": st.sampled_from([USD, JPY])},
    optional={
        "included": decimals,
        "discount_percent": st.decimals(0, 100, places=2),
        "minimum_amount": decimals,
        "convert": st.builds(Conversion, divide_by=st.sampled_from([Decimal(3), Decimal("0.7")])),
    },
)
tiers = st.lists(st.integers(1, 10**6), min_size=1, max_size=4, unique=True).flatmap(
    lambda ends: st.lists(decimals, min_size=len(ends) + 1, max_size=len(ends) + 1).map(
        lambda rates: tuple(
            Tier(None if end is None else Decimal(end), rate, rate)
            for end, rate in zip([*sorted(ends), None], rates, strict=True)
        )
    )
)
prices = st.one_of(
    st.tuples(decimals, terms).map(lambda facts: FlatPrice(facts[0], **facts[1])),
    st.tuples(decimals, terms).map(lambda facts: UnitPrice(facts[0], **facts[1])),
    st.tuples(tiers, terms).map(lambda facts: GraduatedPrice(facts[0], **facts[1])),
    st.tuples(decimals, terms).map(lambda facts: PackagePrice(Decimal(7), facts[0], Rounding.UP, **facts[1])),
    st.tuples(st.decimals(0, 100, places=3), decimals, terms).map(
        lambda f: PercentagePrice(f[0], f[1], maximum=Decimal(50), **f[2])
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(price=prices, amounts=st.lists(decimals, min_size=1, max_size=4), seconds=st.integers(0, 10**9))
def test_an_invoice_comes_back_as_it_was(database: Database, price: Price, amounts: list[Decimal], seconds: int) -> None:
    start = NOW + timedelta(seconds=seconds)
    charge = Charge(key="any", meter_key=TOKENS.key, price=price, display_name="Any “thing”")
    usage = Usage(TOKENS.key, sum(amounts, Decimal(0)), len(amounts))
    billable = Billable(charge, Period(start, start + DAY), usage, tuple(amounts))
    line = usage_line(ADA, billable)
    assume(line.amount.minor <= MINOR_MAX)  # more is refused, as another test says
    invoice = draft(ADA, price.currency, [line], reductions=Reductions(Money(-1, price.currency)), now=start)
    assert invoice is not None
    with database.transaction("add") as conn, conn.begin_nested() as undone:
        invoices.add(conn, invoice)
        found = invoices.get(conn, invoice.id)
        assert found == invoice
        assert found.lines[0].rating.details == invoice.lines[0].rating.details
        assert invoices.lines_between(conn, ADA, "any", invoice.period) == list(invoice.lines)
        undone.rollback()


def test_what_was_sent_stands(database: Database) -> None:
    invoice = an_open_invoice()
    with database.transaction("add") as conn:
        assert invoices.add(conn, invoice)
        assert not invoices.add(conn, replace(invoice, created_at=NOW + DAY))
        assert invoices.get(conn, invoice.id) == invoice
        assert invoices.get(conn, InvoiceId("inv_none")) is None


def test_an_invoice_moves_from_where_it_is(database: Database) -> None:
    invoice = an_open_invoice()
    paid = moved(invoice, InvoiceStatus.PAID, at=NOW)
    with database.transaction("add") as conn:
        invoices.add(conn, invoice)
        invoices.move(conn, invoice, paid)
        with pytest.raises(Conflict, match="no longer open"):
            invoices.move(conn, invoice, moved(invoice, InvoiceStatus.VOID, at=NOW))
        assert invoices.get(conn, invoice.id) == paid


def test_a_number_is_given_back_with_its_transaction(database: Database) -> None:
    with database.transaction("one") as conn:
        assert invoices.next_number(conn) == 1
    with database.transaction("lost") as conn, conn.begin_nested() as undone:
        assert invoices.next_number(conn) == 2
        undone.rollback()
    with database.transaction("two") as conn:
        assert invoices.next_number(conn) == 2


def test_one_line_for_each_charge_period_and_part(database: Database) -> None:
    invoice, again = an_invoice(), an_invoice(quantity=2000)
    other = replace(again, id=InvoiceId("inv_other"), lines=(replace(again.lines[0], id=again.lines[0].id + "x"),))
    with database.transaction("add") as conn:
        invoices.add(conn, invoice)
    with pytest.raises(IntegrityError, match=r"(?i)unique"), database.transaction("add again") as conn:
        invoices.add(conn, other)


def test_lines_are_found_where_their_periods_overlap(database: Database) -> None:
    weeks = [Period(JANUARY.start + n * 7 * DAY, JANUARY.start + (n + 1) * 7 * DAY) for n in range(4)]
    listed = [an_invoice(period=week) for week in weeks]
    with database.transaction("add") as conn:
        for invoice in [*listed, an_invoice(customer=BEN, period=weeks[0])]:
            invoices.add(conn, invoice)

        def found(start: datetime, end: datetime) -> list[datetime]:
            return [line.period.start for line in invoices.lines_between(conn, ADA, "tokens", Period(start, end))]

        assert found(weeks[0].end, weeks[2].start) == [weeks[1].start]
        assert found(weeks[0].end - DAY, weeks[2].start + DAY) == [week.start for week in weeks[:3]]
        assert invoices.lines_between(conn, ADA, "other", JANUARY) == []


def test_pages_are_newest_first(database: Database) -> None:
    days = [Period(JANUARY.start + n * DAY, JANUARY.start + (n + 1) * DAY) for n in range(5)]
    listed = [an_open_invoice(n + 1, period=day) for n, day in enumerate(days)]
    with database.transaction("add") as conn:
        for invoice in listed:
            invoices.add(conn, invoice)
        invoices.move(conn, listed[0], moved(listed[0], InvoiceStatus.VOID, at=NOW))
        first = invoices.page(conn, limit=2)
        rest = invoices.page(conn, after=first[-1].id, limit=10)
        assert [*first, *rest][:4] == listed[:0:-1]
        assert [i.id for i in invoices.page(conn, status=InvoiceStatus.VOID, customer_id=ADA, limit=9)] == [listed[0].id]
        assert invoices.page(conn, customer_id=BEN, limit=9) == []
        assert invoices.page(conn, after=InvoiceId("inv_none"), limit=9) == []
        sums = invoices.sums_of_charge(conn, ADA, "tokens", listed[0].currency)
        assert sums == {
            InvoiceStatus.VOID: invoices.Sum(listed[0].total, days[0].end),
            InvoiceStatus.OPEN: invoices.Sum(sum((i.total for i in listed[2:]), listed[1].total), days[4].end),
        }
        assert invoices.open_of_charge(conn, ADA, "tokens") == listed[1]
        assert invoices.open_of_charge(conn, ADA, "other") is None
        assert invoices.sums_of_charge(conn, ADA, "other", listed[0].currency) == {}


def test_an_invoice_keeps_the_order_of_its_lines(database: Database) -> None:
    invoice = an_invoice(charges=[a_charge(key) for key in ("b", "c", "a")])
    with database.transaction("add") as conn:
        invoices.add(conn, invoice)
        assert invoices.get(conn, invoice.id) == invoice
