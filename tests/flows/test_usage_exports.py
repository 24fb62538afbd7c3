"""Usage reaches the provider's meters once, whatever is lost on the way, and what counts no longer is taken back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import capture_logs

from tallystick import storage
from tallystick.domain.usage import Event, Meter
from tallystick.domain.usage_exports import Export, ExportStatus, Part
from tallystick.flows.compare_usage import compare_usage
from tallystick.flows.sync_usage import SyncOrder, plan_sync, sync_usage
from tallystick.sandbox.objects.meters import total
from tallystick.storage.invariants import INVARIANTS
from tallystick.storage.provider_events import Settlement
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.time import EPOCH, Period
from tallystick.worker import loop
from tests.flows.test_unheard import works_with_a_revoked_key
from tests.scenarios.world import World, day
from tests.storage.tampering import free, undone

SEND, CANCEL = "POST /v1/billing/meter_events", "POST /v1/billing/meter_event_adjustments"
MARCH = Period(day("2026-03-01"), day("2026-04-01"))


class Struck(BaseException):
    """The process is gone."""


class StrikesAt:
    """Faults that strike at one point, counted from the first; and never again."""

    def __init__(self, place: int) -> None:
        self.left = place

    def point(self, name: str) -> None:
        self.left -= 1
        if self.left == 0:
            raise Struck(name)

    def mark(self, name: str) -> None:
        """Nothing is counted."""


class Exporting(World):
    """A business of which Stripe counts the calls too."""

    def __init__(self, url: str) -> None:
        super().__init__(url, at="2026-03-10")
        self.billing.put_meter(Meter(MeterKey("calls"), decimals=3, export_as="api_calls"))
        self.meter = self.sandbox_call(
            "POST", "/v1/billing/meters", display_name="Calls", event_name="api_calls", default_aggregation__formula="sum"
        )["id"]

    def counted(self, customer: str = "ada") -> Any:
        """What Stripe has for the customer, ever."""
        with self.billing.context.database.reading() as conn:
            found = storage.customers.get(conn, CustomerId(customer))
        if found is None or found.provider_ref is None:
            return Decimal(0)
        return total(self.sandbox.state, self.meter, found.provider_ref, 0, 2**40)

    def rows(self, name: str, customer: str = "ada", source: str = "api") -> list[Export]:
        with self.billing.context.database.reading() as conn:
            return storage.usage_exports.of_event(conn, CustomerId(customer), source, EventId(name))

    def statuses(self, name: str) -> list[str]:
        return [row.status.value for row in self.rows(name)]

    def struck(self, place: int) -> bool:
        """The worker catches up, and dies at that point; whether there was one."""
        context = replace(self.billing.context, faults=StrikesAt(place))
        try:
            loop.catch_up(context)
        except Struck:
            return True
        return False

    def retracts(self, name: str) -> None:
        self.billing.retract("ada", "api", name, reason="a mistake", actor="ops")

    def corrects(self, name: str, quantity: str) -> None:
        first = self.billing.event("ada", "api", name)
        said = Event(first.customer_id, EventId(""), first.meter_key, Decimal(quantity), first.at)
        self.billing.correct("ada", "api", name, replacement=said, reason="a mistake", actor="ops")

    def compares(self) -> Any:
        now = self.clock.now()
        start = now - (now - EPOCH) % timedelta(days=1)
        (compared,) = compare_usage(self.billing.context, Period(start - timedelta(days=35), start + timedelta(days=1)))
        return compared


@pytest.fixture
def world(database_url: str) -> Iterator[Exporting]:
    made = Exporting(database_url)
    yield made
    made.billing.close()


def test_what_is_recorded_is_counted_there_once(world: Exporting) -> None:
    world.uses("ada", "calls", "2.5", name="e1", times=2)
    world.uses("ada", "calls", 4, at="2026-03-01")
    world.uses("ben", "calls", 1)
    for _ in range(3):
        world.later(minutes=2).works()
    assert (world.counted("ada"), world.counted("ben")) == (Decimal("6.5"), Decimal(1))
    assert world.statuses("e1") == ["sent"]


def test_what_comes_later_of_an_hour_that_was_sent_is_sent_too(world: Exporting) -> None:
    world.uses("ada", "calls", 2, at="2026-03-09")
    world.works()
    world.later(minutes=5)
    world.uses("ada", "calls", 3, at="2026-03-09")
    world.works()
    assert world.counted() == 5


def test_a_meter_that_is_not_exported_stays_here(world: Exporting) -> None:
    world.billing.put_meter(Meter(MeterKey("other")))
    world.uses("ada", "other", 2)
    world.later(hours=2).works()
    assert world.counted() == 0


@pytest.mark.parametrize("fault", ["lost_request", "lost_reply", "timeout_after_success", "rate_limited", "lock_timeout"])
def test_an_answer_that_is_lost_neither_doubles_nor_loses(world: Exporting, fault: str) -> None:
    for number in range(3):
        world.uses("ada", "calls", 2, name=f"e{number}")
    world.sandbox.faults.next(fault, on=SEND)
    world.works()
    assert world.statuses("e0") == ["pending"]
    world.later(hours=1).works()
    assert [world.statuses(f"e{number}") for number in range(3)] == [["sent"]] * 3
    assert world.counted() == 6


@pytest.mark.parametrize("effect", ["done", "half", "none"])
def test_a_failure_that_is_stored_under_the_key_is_asked_past(world: Exporting, effect: str) -> None:
    world.uses("ada", "calls", 2, name="e1")
    world.sandbox.faults.next("stored_500", on=SEND, effect=effect)
    for _ in range(3):
        world.later(hours=1).works()
    assert (world.statuses("e1"), world.counted()) == (["sent"], 2)


@pytest.mark.parametrize(("fault", "attempt"), [("lost_reply", 0), ("lost_request", 1)])
def test_after_a_day_it_is_looked_for_before_it_is_sent_again(world: Exporting, fault: str, attempt: int) -> None:
    world.uses("ada", "calls", 5)
    world.uses("ada", "calls", 2, name="e1")
    world.works()
    world.uses("ada", "calls", 7, name="e2")
    world.sandbox.faults.next(fault, on=SEND)
    world.later(minutes=2).works()
    world.later(hours=30).works()
    world.later(minutes=2).works()
    (row,) = world.rows("e2")
    assert (row.status, row.attempt) == (ExportStatus.SENT, attempt)
    assert world.counted() == 14


def test_a_wrong_key_is_no_refusal(world: Exporting) -> None:
    world.uses("ada", "calls", 2, name="e1")
    works_with_a_revoked_key(world)
    assert world.rows("e1")[0].asked_at is None
    world.later(hours=1).works()
    assert world.counted() == 2


def test_what_is_retracted_before_it_is_sent_is_never_sent(world: Exporting) -> None:
    world.uses("ada", "calls", 2, name="e1")
    world.uses("ada", "calls", 3, name="e2")
    world.retracts("e1")
    world.works()
    assert world.statuses("e1") == []
    assert (world.counted(), world.statuses("e2")) == (3, ["sent"])


def test_what_is_retracted_while_it_waits_is_dropped(world: Exporting) -> None:
    world.uses("ada", "calls", 2, name="e1")
    world.sandbox.faults.next("rate_limited", on=SEND)
    world.works()
    world.retracts("e1")
    world.later(hours=1).works()
    assert (world.statuses("e1"), world.counted()) == (["dropped"], 0)


def test_what_is_retracted_within_a_day_is_canceled(world: Exporting) -> None:
    world.uses("ada", "calls", 2, name="e1")
    world.works()
    world.retracts("e1")
    world.later(hours=1).works()
    assert (world.statuses("e1"), world.counted()) == (["canceled"], 0)


@pytest.mark.parametrize("fault", ["lost_request", "lost_reply", "rate_limited"])
@pytest.mark.parametrize("hours", [1, 30])
def test_a_cancellation_whose_answer_is_lost_takes_back_once(world: Exporting, fault: str, hours: int) -> None:
    world.uses("ada", "calls", 2, name="e1")
    world.uses("ada", "calls", 5, name="e2")
    world.works()
    world.retracts("e1")
    world.sandbox.faults.next(fault, on=CANCEL)
    world.later(minutes=2).works()
    world.later(hours=hours).works()
    world.later(minutes=2).works()
    assert world.counted() == 5
    world.later(days=3).works()
    assert world.counted() == 5


def test_what_is_retracted_later_is_made_up_for_by_its_difference(world: Exporting) -> None:
    world.uses("ada", "calls", "2.5", name="e1")
    world.works()
    world.later(days=3)
    world.retracts("e1")
    for _ in range(3):
        world.later(hours=1).works()
    usage, reversal = world.rows("e1")
    assert (usage.status, reversal.status) == (ExportStatus.REVERSED, ExportStatus.SENT)
    assert (reversal.part, reversal.quantity, reversal.at) == (Part.REVERSAL, Decimal("-2.5"), usage.at)
    assert world.counted() == 0


@pytest.mark.parametrize("days", [0, 3])
def test_a_correction_takes_back_the_first_and_sends_what_counts_in_its_place(world: Exporting, days: int) -> None:
    world.uses("ada", "calls", 20, name="e1")
    world.works()
    world.later(days=days)
    world.corrects("e1", "2")
    for _ in range(3):
        world.later(hours=1).works()
    assert world.counted() == 2


def test_what_the_provider_would_not_count_says_why(world: Exporting) -> None:
    old = Event(CustomerId("ada"), EventId("old"), MeterKey("calls"), Decimal(2), day("2026-02-20"))
    world.send(old)
    world.uses("ada", "calls", "1234567890123.125", name="long")
    world.later(days=20)
    world.billing.put_meter(Meter(MeterKey("calls"), decimals=3, export_as="api_calls"))
    world.works()
    codes = {row.event_id: row.code for name in ("old", "long") for row in world.rows(name)}
    assert codes == {"old": "timestamp_too_far_in_past", "long": "meter_event_value_too_many_digits"}
    assert world.counted() == 0


def test_what_was_too_old_when_the_export_began_is_no_part_of_it(world: Exporting) -> None:
    event = Event(CustomerId("ada"), EventId("old"), MeterKey("calls"), Decimal(2), day("2026-01-01"))
    world.billing.record([event], backfill=True)
    world.later(hours=2).works()
    assert world.rows("old") == []


def report(world: Exporting) -> None:
    """The provider's report comes, as often as it comes, and is looked into."""
    world.later(minutes=10)
    assert 200 in world.delivers(times=2)
    world.works()


def test_what_is_refused_late_is_open_again_with_the_reason(world: Exporting) -> None:
    world.uses("ada", "calls", 1)
    world.works()
    world.sandbox_call("POST", f"/v1/billing/meters/{world.meter}/deactivate")
    world.uses("ada", "calls", 2, name="e1")
    world.later(minutes=2).works()
    assert world.statuses("e1") == ["sent"]
    report(world)
    (row,) = world.rows("e1")
    assert (row.status, row.code) == (ExportStatus.REJECTED, "archived_meter")
    world.sandbox_call("POST", f"/v1/billing/meters/{world.meter}/reactivate")
    sync_usage(world.billing.context, SyncOrder(MARCH, retry=True))
    assert (world.statuses("e1"), world.counted()) == (["sent"], 3)


def test_a_report_about_nothing_of_ours_is_ignored(world: Exporting) -> None:
    world.sandbox_call(
        "POST",
        SEND.split()[1],
        event_name="api_calls",
        identifier="theirs",
        payload__stripe_customer_id="cus_x",
        payload__value=1,
    )
    report(world)
    with world.billing.context.database.reading() as conn:
        ignored = storage.provider_events.page(conn, settlement=Settlement.IGNORED, limit=100)
    assert any(each.delivery.kind == "v1.billing.meter.error_report_triggered" for each in ignored)


def test_the_figures_of_both_sides_are_compared(world: Exporting) -> None:
    world.uses("ada", "calls", 2, name="e1")
    world.uses("ada", "calls", 3)
    world.works()
    compared = world.compares()
    assert (compared.recorded, compared.held.counted, compared.provider, compared.difference) == (5, 5, 5, 0)
    world.uses("ada", "calls", 4)
    world.later(hours=1)
    ref = world.rows("e1")[0].identifier
    world.sandbox_call("POST", CANCEL.split()[1], event_name="api_calls", type="cancel", cancel__identifier=ref)
    compared = world.compares()
    assert (compared.recorded, compared.provider, compared.difference) == (9, 3, -6)
    world.works()
    assert world.compares().difference == -2


def test_a_meter_that_does_not_add_up_is_told_by_name(world: Exporting) -> None:
    world.billing.put_meter(Meter(MeterKey("runs"), export_as="runs"))
    world.sandbox_call("POST", "/v1/billing/meters", display_name="Runs", event_name="runs", default_aggregation__formula="count")
    world.uses("ada", "runs", 2)
    world.works()
    compared = world.compares()
    assert compared.provider is None
    assert "formula sum" in (compared.problem or "")


def test_a_rehearsal_sends_nothing_and_shows_what_would_be_sent(world: Exporting) -> None:
    world.uses("ada", "calls", 2, name="e1")
    world.uses("ada", "calls", 3, name="e2", at="2026-03-05")
    world.uses("ada", "calls", 100, name="early", at="2026-02-27")
    order = SyncOrder(MARCH)

    def planned() -> list[tuple[Any, ...]]:
        found = world.billing.rehearse(lambda: plan_sync(world.billing.context, order))
        return [(each.key.customer_id, each.key.what, each.count, each.quantity) for each in found]

    assert planned() == planned() == [("ada", "send", 2, 5)]
    assert (world.rows("e1"), world.counted()) == ([], 0)
    report: Any = sync_usage(world.billing.context, order)
    assert [(each.key.what, each.count, each.quantity) for each in report.synced] == [("sent", 2, 5)]
    assert planned() == []
    assert sync_usage(world.billing.context, order).synced == ()
    assert world.counted() == 5


def test_an_outage_leaves_the_rest_to_the_worker(world: Exporting) -> None:
    for number in range(4):
        world.uses("ada", "calls", 2, name=f"e{number}")
    world.sandbox.faults.next("lost_reply", on=SEND)
    report = sync_usage(world.billing.context, SyncOrder(MARCH))
    assert report.waiting == ("ada",)
    world.later(hours=1).works()
    assert world.counted() == 8


def test_what_takes_the_place_of_as_much_in_the_same_hour_need_not_be_told(world: Exporting) -> None:
    world.uses("ada", "calls", 2, name="e1")
    world.works()
    world.retracts("e1")
    world.uses("ada", "calls", 2, name="e2")
    world.later(hours=1).works()
    assert (world.statuses("e1"), world.statuses("e2"), world.counted()) == (["sent"], [], 2)
    world.proves()
    world.uses("ada", "calls", 3, name="e3", at="2026-03-10")
    world.later(hours=1).works()
    assert (world.statuses("e1"), world.statuses("e2"), world.counted()) == (["canceled"], ["sent"], 5)


def test_wherever_the_worker_dies_nothing_is_lost_or_doubled() -> None:
    place, lived = 0, True
    world = Exporting("sqlite://")
    while lived:
        place += 1
        world.uses("ada", "calls", 1, name=f"first-{place}")
        world.works()
        world.retracts(f"first-{place}")
        world.uses("ada", "calls", 2, name=f"second-{place}")
        world.later(minutes=10)
        lived = world.struck(place)
        world.later(minutes=10).works()
        assert (world.statuses(f"first-{place}"), world.statuses(f"second-{place}")) == (["canceled"], ["sent"])
        assert world.counted() == 2 * place
    assert place > 5, "there were points to die at"
    world.proves()
    world.billing.close()


PLANTED = (
    ("told once", "usage_exports", "UPDATE tallystick_usage_exports SET quantity = quantity + 1 WHERE event_id = 'e1'"),
    ("told once", "usage_exports", "UPDATE tallystick_usage_exports SET at = at + 1 WHERE part = 'reversal'"),
    ("told once", "usage_exports", "UPDATE tallystick_usage_exports SET identifier = 'use_x' WHERE event_id = 'e2'"),
    ("told once", "usage_exports", "UPDATE tallystick_usage_exports SET asked_at = NULL WHERE event_id = 'e2'"),
    ("told once", "usage_exports", "UPDATE tallystick_usage_exports SET amended = 1 WHERE event_id = 'e2'"),
    ("told once", "usage_exports", "DELETE FROM tallystick_usage_exports WHERE part = 'reversal'"),
    ("told once", "usage_exports", "UPDATE tallystick_usage_exports SET status = 'sent' WHERE status = 'reversed'"),
    ("exported", "usage_exports", "DELETE FROM tallystick_usage_exports WHERE event_id = 'e2'"),
)


def test_each_invariant_of_exports_finds_what_is_planted_against_it(world: Exporting) -> None:
    world.uses("ada", "calls", 2, name="e1")
    world.works()
    world.later(days=2)
    world.retracts("e1")
    world.uses("ada", "calls", 3, name="e2")
    world.later(hours=1).works()
    world.later(hours=1).works()
    report = world.billing.verify()
    assert (report.clean, report.checked["told once"]) == (True, 3)
    by_name = {invariant.name: invariant for invariant in INVARIANTS}
    for name, table, tampering in PLANTED:
        with undone(world.billing) as conn:
            free(conn, f"tallystick_{table}")
            assert conn.exec_driver_sql(tampering).rowcount > 0, tampering
            assert by_name[name].check(conn, 5).violations, tampering


def test_a_difference_is_told_once_a_day_with_its_figures(world: Exporting) -> None:
    world.uses("ada", "calls", 5, name="e1")
    world.works()
    ref = world.rows("e1")[0].identifier
    world.sandbox_call("POST", CANCEL.split()[1], event_name="api_calls", type="cancel", cancel__identifier=ref)
    world.later(days=1)
    with capture_logs() as logs:
        world.works()
    (told,) = [entry for entry in logs if entry["event"] == "usage.differs"]
    assert (told["customer"], told["recorded"], told["difference"]) == ("ada", "5", "-5")
