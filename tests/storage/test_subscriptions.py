"""What must hold of subscriptions finds what is planted against it; and two who change one at once do not both succeed."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from tallystick import Tallystick, worker
from tallystick.domain.usage import Event
from tallystick.storage import subscriptions
from tallystick.storage.invariants import INVARIANTS
from tallystick.testing import FakeClock, SeededIds
from tallystick.values.errors import Conflict
from tallystick.values.ids import CustomerId, EventId, MeterKey, SubscriptionId
from tests.storage.tampering import free, undone

DAY = timedelta(days=1)
FLAT = {"currency": "usd", "model": "flat"}
PLANS = {
    "meters": [{"key": "calls", "decimals": 0}],
    "plans": [
        {
            "key": key,
            "charges": [
                {"key": "base", "kind": "recurring", "prices": [FLAT | {"amount": amount}]},
                {
                    "key": "calls",
                    "kind": "usage",
                    "meter": "calls",
                    "prices": [{"currency": "usd", "model": "per_unit", "unit_amount": "0.01", "included": "100"}],
                },
            ],
        }
        for key, amount in (("small", "10"), ("large", "50"))
    ],
}
PLANTED = (
    ("fees", "invoice_lines", "UPDATE tallystick_invoice_lines SET amount = amount + 1 WHERE kind = 'recurring'"),
    ("fees", "invoice_lines", "UPDATE tallystick_invoice_lines SET share = '1/2' WHERE kind = 'recurring' AND share = '1'"),
    ("fees", "invoice_lines",
     "UPDATE tallystick_invoice_lines SET period_start = period_start + 86400000000 WHERE kind = 'credit'"),
    ("no time twice", "invoice_lines", "DELETE FROM tallystick_invoice_lines WHERE kind = 'credit'"),
    ("no time twice", "invoice_lines",
     "UPDATE tallystick_invoice_lines SET period_start = period_start + 1 WHERE kind = 'credit'"),
    ("periods", "subscription_periods",
     "DELETE FROM tallystick_subscription_periods WHERE period_start > (SELECT started_at + 1 FROM tallystick_subscriptions)"),
    ("periods", "subscription_periods", "UPDATE tallystick_subscription_periods SET period_end = period_end + 1"),
    ("going on", "subscriptions", "UPDATE tallystick_subscriptions SET due_at = NULL"),
    ("complete and disjoint", "subscription_meters", "DELETE FROM tallystick_subscription_meters"),
    ("balances", "deferred_revenue", "DELETE FROM tallystick_deferred_revenue"),
)  # fmt: skip


@pytest.fixture
def business(database_url: str) -> Iterator[Tallystick]:
    """A customer who has gone from the small plan to the large one, three months ago."""
    clock = FakeClock()
    app = Tallystick.from_url(database_url, clock=clock, ids=SeededIds())
    app.apply_catalogue(PLANS)
    named = app.subscribe("ada", "small").id
    clock.advance(10 * DAY)
    app.record([Event(CustomerId("ada"), EventId("one"), MeterKey("calls"), Decimal(200), clock.now())])
    clock.advance(DAY)
    app.change_subscription(named, plan="large")
    for _ in range(3):
        clock.advance(31 * DAY)
        worker.loop.catch_up(app.context)
    yield app
    app.close()


def test_what_is_planted_against_subscriptions_is_found(business: Tallystick) -> None:
    assert business.verify().clean
    by_name = {invariant.name: invariant for invariant in INVARIANTS}
    missed = []
    for name, table, tampering in PLANTED:
        with undone(business) as conn:
            free(conn, f"tallystick_{table}")
            assert conn.exec_driver_sql(tampering).rowcount > 0, tampering
            if not by_name[name].check(conn, 5).violations:
                missed.append((name, tampering))
    assert missed == []


def test_who_changes_what_has_changed_meanwhile_is_refused(business: Tallystick) -> None:
    (subscription,) = business.subscriptions("ada")
    database = business.context.database
    with database.reading() as conn:
        read = subscriptions.get(conn, SubscriptionId(subscription.id))
    assert read is not None
    business.cancel(subscription.id)
    with pytest.raises(Conflict, match="has changed meanwhile"), database.transaction("late") as conn:
        subscriptions.save(conn, read.subscription, read)
