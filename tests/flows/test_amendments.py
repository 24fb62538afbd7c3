"""What was recorded stands; what counts is corrected or retracted, and every bill, open or closed, comes to the truth."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tallystick import Tallystick
from tallystick.domain.catalog import Charge, PercentagePrice, UnitPrice
from tallystick.domain.entitlements import Quota
from tallystick.domain.invoices import Invoice
from tallystick.domain.usage import Aggregation, Event, Meter, Verdict
from tallystick.testing import FakeClock, SeededIds
from tallystick.values.errors import Conflict, InvalidInput, NotFound
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.money import USD, Money
from tallystick.values.time import Period
from tests.flows.crowd import at_once, billed, patiently

HOUR = timedelta(hours=1)
WHY = "the import was wrong"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def billing(clock: FakeClock, database_url: str) -> Iterator[Tallystick]:
    billing = Tallystick.from_url(database_url, clock=clock, ids=SeededIds())
    yield billing
    billing.close()


def sells(billing: Tallystick, kind: Aggregation = Aggregation.SUM, price: Any = None) -> None:
    unique = "user" if kind is Aggregation.UNIQUE else None
    billing.put_meter(Meter(MeterKey("m"), kind, 0, unique_property=unique))
    billing.put_charge(Charge("m", MeterKey("m"), price or UnitPrice(Decimal(1), currency=USD)))


def an_event(billing: Tallystick, name: str, quantity: int | str = 1, *, ago: timedelta = timedelta(0)) -> Event:
    at = billing.context.clock.now() - ago
    return Event(CustomerId("ada"), EventId(name), MeterKey("m"), Decimal(quantity), at, properties={"user": name})


def uses(billing: Tallystick, name: str, quantity: int | str = 1, *, ago: timedelta = timedelta(0)) -> Event:
    event = an_event(billing, name, quantity, ago=ago)
    assert billing.record([event])[0].verdict is Verdict.RECORDED
    return event


def lines(invoices: list[Invoice]) -> list[tuple[int, Decimal, Money]]:
    return [(line.part, line.quantity, line.amount) for invoice in invoices for line in invoice.lines]


# What three events of 4, 9 and 5, an hour apart and in this order, come to over the six hours from the first on; then without
# the second, and then with 2 in its place.
TRUTHS = {
    Aggregation.COUNT: (3, 2, 3),
    Aggregation.SUM: (18, 9, 11),
    Aggregation.MAX: (9, 5, 5),
    Aggregation.LATEST: (5, 5, 5),
    Aggregation.UNIQUE: (3, 2, 3),
    Aggregation.TIME_WEIGHTED: (6, 5, 4),  # (4 + 9 + 4×5) / 6 is 5.5; (4×2 + 4×5) / 6 is 4.67; (4 + 2 + 4×5) / 6 is 4.33
}


@pytest.mark.parametrize("is_billed", [False, True], ids=["before the bill", "after the bill"])
@pytest.mark.parametrize("is_corrected", [False, True], ids=["retracted", "corrected"])
@pytest.mark.parametrize("kind", Aggregation)
def test_what_is_amended_counts_as_if_it_had_been_so_from_the_beginning(
    billing: Tallystick, clock: FakeClock, kind: Aggregation, is_corrected: bool, is_billed: bool
) -> None:
    sells(billing, kind)
    start = clock.now()
    for number, quantity in enumerate((4, 9, 5)):
        uses(billing, f"e{number}", quantity)
        clock.advance(HOUR)
    clock.advance(3 * HOUR)
    period = Period(start, clock.now())
    before, retracted, corrected = (Decimal(truth) for truth in TRUTHS[kind])
    truth = corrected if is_corrected else retracted
    assert billing.usage("ada", "m", period).quantity == before
    first = billing.bill("ada") if is_billed else []
    for _ in range(2):
        if is_corrected:
            right = replace(billing.event("ada", "api", "e1"), quantity=Decimal(2), properties={"user": "somebody"})
            billing.correct("ada", "api", "e1", replacement=right, reason=WHY)
        else:
            billing.retract("ada", "api", "e1", reason=WHY)
    assert billing.usage("ada", "m", period).quantity == truth
    second = billing.bill("ada")
    assert sum(amount.minor for _, _, amount in lines(first + second)) == truth * 100
    assert [billing.invoice(invoice.id).total for invoice in first] == [invoice.total for invoice in first]
    assert billing.bill("ada") == []
    assert billing.verify().clean, billing.verify().violations


def test_a_closed_period_that_was_too_high_is_credited_on_the_next_invoice(billing: Tallystick, clock: FakeClock) -> None:
    sells(billing)
    uses(billing, "e1", 100)
    uses(billing, "e2", 20)
    clock.advance(HOUR)
    (january,) = billing.bill("ada")
    billing.retract("ada", "api", "e1", reason=WHY)
    uses(billing, "e3", 130)
    clock.advance(HOUR)
    (february,) = billing.bill("ada")
    assert lines([february]) == [(1, -100, Money(-100_00, USD)), (0, 130, Money(130_00, USD))]
    assert (january.total, february.total) == (Money(120_00, USD), Money(30_00, USD))
    assert billing.verify().clean


def test_where_no_usage_follows_the_credit_is_carried_and_whoever_bills_all_finds_it(
    billing: Tallystick, clock: FakeClock
) -> None:
    sells(billing)
    uses(billing, "e1", 10)
    clock.advance(HOUR)
    billing.bill("ada")
    billing.retract("ada", "api", "e1", reason=WHY)
    assert list(billing.customers_with_usage()) == ["ada"], "although nothing of hers counts any more"
    (credit,) = billing.bill("ada")
    assert (credit.total, credit.carried_out) == (Money(0, USD), Money(-10_00, USD))
    uses(billing, "e2", 30)
    clock.advance(HOUR)
    assert billing.bill("ada")[0].total == Money(20_00, USD)
    assert billing.verify().clean


def test_a_correction_moves_usage_to_the_period_where_it_belongs(billing: Tallystick, clock: FakeClock) -> None:
    sells(billing)
    uses(billing, "e0", 1)
    clock.advance(HOUR)
    billing.bill("ada")
    wrong = uses(billing, "e1", 50)
    clock.advance(HOUR)
    billing.bill("ada")
    billing.correct("ada", "api", "e1", replacement=replace(wrong, at=wrong.at - HOUR), reason=WHY)
    assert lines(billing.bill("ada")) == [(1, 50, Money(50_00, USD)), (1, -50, Money(-50_00, USD))]
    assert billing.verify().clean


def test_what_was_retracted_before_the_first_bill_is_in_no_period(billing: Tallystick, clock: FakeClock) -> None:
    sells(billing)
    uses(billing, "e1", 50)
    clock.advance(HOUR)
    second = uses(billing, "e2", 1)
    billing.retract("ada", "api", "e1", reason=WHY)
    clock.advance(HOUR)
    assert billing.bill("ada")[0].period.start == second.at
    assert billing.verify().clean


def test_the_first_event_that_counts_may_be_one_that_is_not_billed_yet(billing: Tallystick, clock: FakeClock) -> None:
    sells(billing)
    uses(billing, "e1", 50)
    clock.advance(HOUR / 2)
    billing.bill("ada")
    uses(billing, "e2", 60)  # in the hour of the one that is late now
    billing.retract("ada", "api", "e1", reason=WHY)
    clock.advance(HOUR / 2)
    assert lines(billing.bill("ada")) == [(1, -50, Money(-50_00, USD)), (0, 60, Money(60_00, USD))]
    assert billing.verify().clean


def test_a_percentage_is_taken_of_the_events_that_count(billing: Tallystick, clock: FakeClock) -> None:
    sells(billing, price=PercentagePrice(Decimal(10), Decimal("0.50"), currency=USD))
    uses(billing, "e1", 100)
    uses(billing, "e2", 40)
    clock.advance(HOUR)
    assert lines(billing.bill("ada")) == [(0, 140, Money(15_00, USD))]
    billing.correct("ada", "api", "e2", replacement=an_event(billing, "right", 60, ago=HOUR), reason=WHY)
    assert lines(billing.bill("ada")) == [(1, 20, Money(2_00, USD))]
    billing.retract("ada", "api", "right", reason=WHY)
    assert lines(billing.bill("ada")) == [(2, -60, Money(-6_50, USD))]
    assert billing.verify().clean


def test_a_retracted_level_reaches_into_every_period_until_the_next_one(billing: Tallystick, clock: FakeClock) -> None:
    sells(billing, Aggregation.TIME_WEIGHTED)
    uses(billing, "four", 4)
    clock.advance(HOUR)
    wrong = uses(billing, "nine", 9)
    for _ in range(3):
        clock.advance(2 * HOUR)
        billing.bill("ada")
    uses(billing, "five", 5)
    clock.advance(2 * HOUR)
    assert lines(billing.bill("ada")) == [(0, 5, Money(5_00, USD))]
    billing.retract("ada", "api", wrong.id, reason=WHY)
    # (4 + 2 × 9) / 3 is 7, and then 9 and 9: it was 4 all the time, until it was 5.
    assert lines(billing.bill("ada")) == [(1, Decimal(-3), Money(-3_00, USD)), *[(1, Decimal(-5), Money(-5_00, USD))] * 2]
    uses(billing, "late", 6, ago=5 * HOUR + HOUR / 2)  # half an hour before the second of them ended
    assert [part for part, _, _ in lines(billing.bill("ada"))] == [2, 2]
    assert billing.verify().clean, billing.verify().violations


def test_what_is_older_than_35_days_can_be_corrected(billing: Tallystick, clock: FakeClock) -> None:
    sells(billing)
    old = uses(billing, "e1", 5)
    clock.advance(timedelta(days=400))
    billing.correct("ada", "api", "e1", replacement=replace(old, quantity=Decimal(6)), reason=WHY)
    assert billing.bill("ada")[0].total == Money(6_00, USD)
    with pytest.raises(InvalidInput, match="ahead"):
        billing.correct("ada", "api", "e1", replacement=replace(old, at=clock.now() + HOUR), reason=WHY)


def test_a_replacement_is_corrected_in_its_turn(billing: Tallystick, clock: FakeClock) -> None:
    sells(billing)
    wrong = uses(billing, "e1", 5)
    one = billing.correct("ada", "api", "e1", replacement=replace(wrong, quantity=Decimal(6)), reason=WHY)
    assert one.replacement is not None
    better = replace(billing.event(*one.replacement), quantity=Decimal(7))
    two = billing.correct(*one.replacement, replacement=better, reason="and once more")
    assert two.replacement is not None
    assert len({"e1", one.replacement.id, two.replacement.id}) == 3
    clock.advance(HOUR)
    assert [event.quantity for event in billing.events("ada")] == [7]
    billing.retract(*two.replacement, reason="it never happened")
    assert billing.preview("ada") == []
    assert billing.verify().clean


def test_sent_again_it_is_the_same_and_with_other_content_a_conflict(billing: Tallystick, clock: FakeClock) -> None:
    sells(billing)
    wrong, other = uses(billing, "e1", 5), uses(billing, "e2", 5)
    right = replace(wrong, quantity=Decimal(6))
    first = billing.correct("ada", "api", "e1", replacement=right, reason=WHY, actor="ben")
    clock.advance(HOUR)
    assert billing.correct("ada", "api", "e1", replacement=right, reason="said otherwise") == first
    for attempt in (
        lambda: billing.correct("ada", "api", "e1", replacement=replace(wrong, quantity=Decimal(7)), reason=WHY),
        lambda: billing.correct("ada", "api", "e1", replacement=replace(right, id=EventId("another")), reason=WHY),
        lambda: billing.retract("ada", "api", "e1", reason=WHY),
    ):
        with pytest.raises(Conflict) as refused:
            attempt()
        assert refused.value.code == "already_amended"
    with pytest.raises(Conflict) as refused:
        billing.correct("ada", "api", "e2", replacement=replace(other, id=first.replacement.id), reason=WHY)
    assert refused.value.code == "replacement_recorded"
    assert billing.amendment("ada", "api", "e2") is None, "neither half of it is kept"
    gone = billing.retract("ada", "api", "e2", reason=WHY)
    assert billing.retract("ada", "api", "e2", reason=WHY) == gone == billing.amendment("ada", "api", "e2")
    assert billing.record([wrong, other])[0].verdict is Verdict.DUPLICATE, "what was recorded stands"
    assert billing.usage("ada", "m", Period(wrong.at, clock.now())).quantity == 6
    assert billing.verify().clean


def test_who_did_it_to_what_and_why_is_audited(billing: Tallystick) -> None:
    sells(billing)
    wrong = uses(billing, "e1", 5)
    uses(billing, "e2", 1)
    billing.correct("ada", "api", "e1", replacement=replace(wrong, quantity=Decimal(6)), reason=WHY, actor="ben")
    billing.retract("ada", "api", "e2", reason="a test", actor="eve")
    billing.retract("ada", "api", "e2", reason="a test", actor="eve")
    retracted, corrected = (entry.act for entry in billing.audit(limit=2))
    assert (corrected.actor, corrected.action, corrected.subject) == ("ben", "event.corrected", "ada/api/e1")
    assert (corrected.reason, corrected.before["quantity"], corrected.after["quantity"]) == (WHY, "5", "6")
    assert (retracted.actor, retracted.action, retracted.after) == ("eve", "event.retracted", None)


def test_only_what_is_there_can_be_amended_and_only_by_the_like(billing: Tallystick) -> None:
    sells(billing)
    event = uses(billing, "e1", 5)
    for name in (("ada", "api", "e2"), ("ada", "web", "e1"), ("bob", "api", "e1")):
        with pytest.raises(NotFound):
            billing.retract(*name, reason=WHY)
    billing.put_meter(Meter(MeterKey("other"), decimals=0))
    for wrong in (
        {"customer_id": CustomerId("bob")},
        {"meter_key": MeterKey("other")},
        {"quantity": Decimal("1.5")},
        {"quantity": Decimal(-1)},
    ):
        with pytest.raises(InvalidInput):
            billing.correct("ada", "api", "e1", replacement=replace(event, **wrong), reason=WHY)
    for reason in ("", " ", "x" * 501, "two\nlines"):
        with pytest.raises(InvalidInput, match="reason"):
            billing.retract("ada", "api", "e1", reason=reason)
    assert billing.amendment("ada", "api", "e1") is None


def test_a_sum_that_is_full_can_be_corrected(billing: Tallystick) -> None:
    sells(billing)
    full = uses(billing, "e1", 2**63 - 1)
    billing.correct("ada", "api", "e1", replacement=replace(full, quantity=Decimal(2**63 - 2)), reason=WHY)
    assert billing.usage("ada", "m", Period(full.at, full.at + HOUR)).quantity == 2**63 - 2
    assert billing.verify().clean


def test_a_meter_whose_events_were_all_retracted_still_means_what_it_meant(billing: Tallystick) -> None:
    sells(billing)
    uses(billing, "e1", 5)
    billing.retract("ada", "api", "e1", reason=WHY)
    with pytest.raises(Conflict):
        billing.put_meter(Meter(MeterKey("m"), decimals=3))
    assert billing.event("ada", "api", "e1").quantity == 5


def test_an_amended_use_is_off_the_bill_and_stays_used_in_the_quota(billing: Tallystick, clock: FakeClock) -> None:
    sells(billing)
    billing.grant("ada", "m", Quota(Decimal(10)))
    for op in ("a", "b"):
        assert billing.consume("ada", "m", 4, op=op).allowed
    billing.retract("ada", "quota", "a", reason=WHY)
    billing.correct("ada", "quota", "b", replacement=replace(billing.event("ada", "quota", "b"), quantity=Decimal(3)), reason=WHY)
    assert billing.check("ada", "m").used == 8
    assert billing.consume("ada", "m", 4, op="a").used == 8, "asked again, it was taken once"
    assert not billing.consume("ada", "m", 3, op="c").allowed
    clock.advance(HOUR)
    assert billing.bill("ada")[0].total == Money(3_00, USD)
    assert billing.verify().clean, billing.verify().violations


def test_an_invoice_shows_what_was_amended_as_such(billing: Tallystick, clock: FakeClock) -> None:
    sells(billing)
    wrong = uses(billing, "e1", 5)
    uses(billing, "e2", 4)
    clock.advance(HOUR)
    (invoice,) = billing.bill("ada")
    billing.correct("ada", "api", "e1", replacement=replace(wrong, quantity=Decimal(6)), reason=WHY)
    explained = billing.explain(invoice.id)
    listed = [(event.id, explained.amendment(event)) for event in explained.events[0]]
    assert {name: found and found.word for name, found in listed} == {"e1": "corrected", "e2": None, _replaces(listed): None}


def _replaces(listed: list[Any]) -> str:
    (found,) = [amendment.replacement.id for _, amendment in listed if amendment is not None]
    return found


def test_of_two_who_amend_one_event_at_once_one_is_told_that_it_was_amended(billing: Tallystick, clock: FakeClock) -> None:
    sells(billing)
    wrong = [uses(billing, f"e{number}", 5) for number in range(6)]
    clock.advance(HOUR)
    billing.bill("ada")

    def amend(number: int) -> list[bool]:
        done = []
        for event in wrong:
            try:
                if number % 2:
                    patiently(lambda event=event: billing.retract("ada", "api", event.id, reason=WHY))
                else:
                    right = replace(event, quantity=Decimal(1 + number))
                    patiently(
                        lambda event=event, right=right: billing.correct("ada", "api", event.id, replacement=right, reason=WHY)
                    )
                done.append(True)
            except Conflict:
                done.append(False)
        return done

    told = at_once(4, amend)
    for place, event in enumerate(wrong):
        retracted, by_0, by_2 = told[1][place] and told[3][place], told[0][place], told[2][place]
        assert told[1][place] == told[3][place]
        assert [retracted, by_0, by_2].count(True) == 1
        assert billing.amendment("ada", "api", event.id) is not None
    truth = sum(event.quantity for event in billing.events("ada"))
    billing.bill("ada")
    assert billed(billing, "ada", "m") == truth
    assert billing.verify().clean


def test_no_amendment_slips_between_a_biller_and_its_position(billing: Tallystick, clock: FakeClock) -> None:
    """In small rounds, so that the two meet at every place."""
    sells(billing)
    rounds, each = 10, 3

    def work(number: int) -> None:
        for turn in range(rounds):
            if number == 0:
                patiently(lambda: billing.bill("ada"))
                clock.advance(timedelta(minutes=1))
                continue
            batch = [an_event(billing, f"{number}-{turn}-{i}", 4) for i in range(each)]
            patiently(lambda batch=batch: billing.record(batch))
            patiently(lambda batch=batch: billing.retract("ada", "api", batch[0].id, reason=WHY))
            right = replace(batch[1], quantity=Decimal(1))
            patiently(lambda batch=batch, right=right: billing.correct("ada", "api", batch[1].id, replacement=right, reason=WHY))

    at_once(3, work)
    clock.advance(HOUR)
    patiently(lambda: billing.bill("ada"))
    assert billed(billing, "ada", "m") == 2 * rounds * (1 + 4)
    assert billing.bill("ada") == []
    assert billing.verify().clean, billing.verify().violations
