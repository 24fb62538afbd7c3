"""In whatever order usage is told, corrected, retracted and billed: what is billed in the end is the final truth, to the cent."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count, pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tallystick.domain.amendments import name_of
from tallystick.domain.catalog import Charge, UnitPrice
from tallystick.domain.usage import Aggregation, Event, Meter, Verdict, measure
from tallystick.testing import FakeClock, in_memory
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.money import USD
from tallystick.values.time import Period

CLOCK = FakeClock()
BILLING = in_memory(CLOCK)
CUSTOMERS = count()
METERS = {
    kind: Meter(MeterKey(kind), kind, 2, unique_property="user" if kind is Aggregation.UNIQUE else None) for kind in Aggregation
}
for made in METERS.values():
    BILLING.put_meter(made)
    BILLING.put_charge(Charge(made.key, made.key, UnitPrice(Decimal(1), currency=USD)))


@dataclass
class Story:
    """What one customer's programs and people do; `truth` is what counts after it, by name."""

    customer: CustomerId
    meter: Meter
    truth: dict[tuple[str, str, str], Event] = field(default_factory=dict)
    told: int = 0

    def event(self, hundredths: int, ago: int) -> Event:
        self.told += 1
        at = CLOCK.now() - timedelta(minutes=ago)
        user = {"user": f"u{hundredths % 5}"}
        quantity = Decimal(hundredths).scaleb(-2)
        return Event(self.customer, EventId(f"e{self.told}"), self.meter.key, quantity, at, properties=user)

    def tells(self, hundredths: int, ago: int, _: int) -> None:
        event = self.event(hundredths, ago)
        assert BILLING.record([event])[0].verdict is Verdict.RECORDED
        self.truth[name_of(event)] = event

    def corrects(self, hundredths: int, ago: int, which: int) -> None:
        mine = list(self.truth.values())
        if mine:
            wrong, said = mine[which % len(mine)], self.event(hundredths, ago)
            right = replace(said, id=wrong.id) if which % 2 else said
            amendment = BILLING.correct(*name_of(wrong), replacement=right, reason="a test")
            assert amendment.replacement is not None
            del self.truth[name_of(wrong)]
            self.truth[amendment.replacement] = replace(right, id=amendment.replacement.id)

    def retracts(self, hundredths: int, ago: int, which: int) -> None:
        mine = list(self.truth)
        if mine:
            BILLING.retract(*mine[which % len(mine)], reason="a test")
            del self.truth[mine[which % len(mine)]]

    def bills(self, *_: object) -> None:
        BILLING.bill(self.customer)

    def waits(self, hundredths: int, ago: int, which: int) -> None:
        CLOCK.advance(timedelta(minutes=1 + ago))


@pytest.fixture(scope="module", autouse=True)
def _proved() -> Iterator[None]:
    """All that these stories leave behind."""
    yield
    report = BILLING.verify()
    assert report.clean, report.violations[:5]


acts = st.tuples(
    st.sampled_from([Story.tells] * 4 + [Story.corrects] * 3 + [Story.retracts] * 2 + [Story.bills] * 3 + [Story.waits] * 3),
    st.integers(0, 999),
    st.integers(0, 300) | st.sampled_from([0, 0, 60, 120]),
    st.integers(0, 9),
)


# A level reaches over a whole period that has no event of its own; then it is taken away.
REACHES = [(Story.tells, 500, 0, 0), *[(Story.waits, 0, 200, 0), (Story.bills, 0, 0, 0)] * 2, (Story.retracts, 0, 0, 0)]
# The first event that counts is behind the position, in the hour of one that was late.
MOVES_ON = [
    (Story.tells, 100, 0, 0),
    (Story.waits, 0, 0, 0),
    (Story.bills, 0, 0, 0),
    *[(Story.tells, 1, 0, 0), (Story.corrects, 2, 0, 0)] * 2,
]


@pytest.mark.parametrize("kind", Aggregation)
@settings(max_examples=40, deadline=None)
@given(told=st.lists(acts, min_size=8, max_size=24))
@example(told=REACHES)
@example(told=MOVES_ON)
def test_what_is_billed_in_the_end_is_the_final_truth(kind: Aggregation, told) -> None:
    story = Story(CustomerId(f"customer-{next(CUSTOMERS)}"), METERS[kind])
    for act, *facts in told:
        act(story, *facts)
    CLOCK.advance(timedelta(minutes=1))
    BILLING.bill(story.customer)
    assert BILLING.bill(story.customer) == []
    _check(story, METERS[kind])


def _check(story: Story, meter: Meter) -> None:
    mine = list(story.truth.values())
    billed: dict[Period, int] = defaultdict(int)
    for invoice in BILLING.invoices(customer_id=story.customer, limit=200):
        for line in invoice.lines:
            if line.charge_key == meter.key:
                billed[line.period] += line.amount.minor
    periods = sorted(billed, key=lambda period: period.start)
    assert all(a.end == b.start for a, b in pairwise(periods))
    assert all(_holds(periods, event.at) for event in mine), "each event is in a period that was billed"
    for period in periods:
        counted = [event for event in mine if event.at < period.end]
        if meter.aggregation is not Aggregation.TIME_WEIGHTED:
            counted = [event for event in counted if event.at in period]
        assert billed[period] == measure(meter, counted, period).quantity * 100, period
    if meter.aggregation in {Aggregation.SUM, Aggregation.COUNT}:
        assert sum(billed.values()) == measure(meter, mine).quantity * 100, "however it is cut into periods"


def _holds(periods: list[Period], at: datetime) -> bool:
    return bool(periods) and periods[0].start <= at < periods[-1].end
