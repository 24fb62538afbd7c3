"""What nobody can tell of usage at the provider, a person tells: it counts once, whatever they say, and however often."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tallystick.domain.usage_exports import Export
from tallystick.values.errors import Conflict, InvalidInput, NotFound
from tests.flows.test_usage_exports import CANCEL, SEND, Exporting


@pytest.fixture
def world(database_url: str) -> Iterator[Exporting]:
    made = Exporting(database_url)
    yield made
    made.proves()
    made.billing.close()


def unclear(world: Exporting, fault: str) -> Export:
    """The answer to ada's event of 5 was lost for a day, and somebody else has sent 3 for the same minute."""
    world.uses("ada", "calls", 1, at="2026-03-09")
    world.works()
    world.uses("ada", "calls", 5, name="e1")
    world.sandbox.faults.next(fault, SEND)
    world.works()
    at, ref = int(world.rows("e1")[0].at.timestamp()), world.billing.customer("ada").provider_ref
    body = {"event_name": "api_calls", "timestamp": at, "payload__stripe_customer_id": ref, "payload__value": 3}
    world.sandbox_call("POST", "/v1/billing/meter_events", **body)
    # Nobody asks for a day, and then it is too late to ask under the same key.
    world.later(hours=24).works()
    (row,) = world.rows("e1")
    assert row.status == "unclear", row
    return row


def clear(world: Exporting, said: str, name: str = "e1") -> Export:
    return world.billing.clear_usage("ada", "api", name, said, reason="I looked at the dashboard", actor="ben")


def settled(world: Exporting) -> None:
    for _ in range(3):
        world.later(minutes=2).works()


@pytest.mark.parametrize(("fault", "has"), [("lost_reply", "8"), ("lost_request", "3")])
def test_it_is_shown_with_what_the_provider_counts_in_that_minute(world: Exporting, fault: str, has: str) -> None:
    row = unclear(world, fault)
    (found,) = world.billing.unclear_usage()
    assert (found.row, found.without, found.with_it, found.provider) == (row, Decimal(0), Decimal(5), Decimal(has))
    (unasked,) = world.billing.unclear_usage("ada", ask=False)
    assert unasked.provider is None
    assert world.billing.unclear_usage("ben") == []
    assert world.billing.unclear_usage(after=("ada", "api", "e1", "usage")) == []
    world.sandbox.faults.outage(world.clock.now(), world.clock.now().replace(hour=23))
    (unheard,) = world.billing.unclear_usage()
    assert unheard.provider is None
    assert unheard.problem


def test_what_was_delivered_is_not_sent_again(world: Exporting) -> None:
    unclear(world, "lost_reply")
    for _ in range(2):
        assert clear(world, "delivered").status == "sent"
    settled(world)
    assert world.counted() == 1 + 5 + 3
    assert world.statuses("e1") == ["sent"]
    (act,) = [entry.act for entry in world.billing.audit() if entry.act.action.startswith("usage_export.")]
    assert (act.actor, act.action, act.reason) == ("ben", "usage_export.delivered", "I looked at the dashboard")
    with pytest.raises(Conflict, match="nothing about it is unclear"):
        clear(world, "send_again")


def test_what_was_not_is_sent_under_the_name_that_it_had(world: Exporting) -> None:
    named = unclear(world, "lost_request").identifier
    for _ in range(2):
        assert clear(world, "send_again").status == "pending"
    settled(world)
    (row,) = world.rows("e1")
    assert (row.status, row.identifier, row.attempt) == ("sent", named, 0)
    assert clear(world, "send_again") == row, "said again, once it was sent, it is not sent once more"
    settled(world)
    assert world.counted() == 1 + 5 + 3
    with pytest.raises(Conflict):
        clear(world, "delivered")


def test_who_is_wrong_within_the_day_counts_it_once_all_the_same(world: Exporting) -> None:
    """It had come; sent again under the same name, the provider knows it."""
    world.uses("ada", "calls", 5, name="e1")
    world.works()
    row = world.rows("e1")[0]
    free = "UPDATE tallystick_usage_exports SET status = 'unclear', version = version + 1"
    with world.billing.context.database.transaction("a test") as conn:
        conn.exec_driver_sql(free)
    clear(world, "send_again")
    settled(world)
    assert (world.counted(), world.rows("e1")[0].identifier) == (5, row.identifier)


@pytest.mark.parametrize(("said", "fault"), [("delivered", "lost_reply"), ("send_again", "lost_request")])
def test_what_counts_no_longer_is_made_up_for_or_never_sent(world: Exporting, said: str, fault: str) -> None:
    unclear(world, fault)
    world.retracts("e1")
    settled(world)
    clear(world, said)
    settled(world)
    assert world.counted() == 1 + 3
    assert world.statuses("e1") == (["reversed", "sent"] if said == "delivered" else ["dropped"])


def test_a_cancellation_of_which_nobody_can_tell_is_cleared_likewise(world: Exporting) -> None:
    world.uses("ada", "calls", 5, name="e1")
    world.works()
    world.retracts("e1")
    world.sandbox.faults.next("lost_request", CANCEL)
    world.works()
    at, ref = int(world.rows("e1")[0].at.timestamp()), world.billing.customer("ada").provider_ref
    body = {"event_name": "api_calls", "timestamp": at, "payload__stripe_customer_id": ref, "payload__value": 3}
    world.sandbox_call("POST", "/v1/billing/meter_events", **body)
    world.later(hours=24).works()
    assert world.statuses("e1") == ["unclear"]
    clear(world, "delivered")
    settled(world)
    assert (world.counted(), world.statuses("e1")) == (3, ["reversed", "sent"])


def test_what_is_not_unclear_or_not_there_is_told(world: Exporting) -> None:
    world.uses("ada", "calls", 5, name="e1")
    world.works()
    with pytest.raises(Conflict, match="its export is sent"):
        clear(world, "delivered")
    with pytest.raises(NotFound):
        clear(world, "delivered", "e2")
    with pytest.raises(InvalidInput, match="said: one of delivered, send_again"):
        clear(world, "perhaps")
    with pytest.raises(InvalidInput, match="reason"):
        world.billing.clear_usage("ada", "api", "e1", "delivered", reason=" ")
