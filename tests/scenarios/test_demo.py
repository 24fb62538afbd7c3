"""The year that `tallystick demo` shows, a smaller one: its books are whole, and the same seed tells the same story."""

from datetime import UTC, datetime, timedelta

from tallystick import demo
from tallystick.app import Tallystick

BEGAN = datetime(2026, 1, 22, tzinfo=UTC)


def lived(*, customers: int, days: int, seed: int) -> Tallystick:
    billing, clock = demo.opened("sqlite://", began_at=BEGAN, seed=seed)
    over: list[int] = []
    demo.Year(billing, clock, customers=customers, days=days, seed=seed).run(over.append)
    assert sum(over) == days
    assert clock.now() == BEGAN + timedelta(days=days)
    return billing


def told(billing: Tallystick) -> list[tuple[object, ...]]:
    invoices = billing.invoices(limit=200)
    return [(i.number, i.customer_id, i.total, i.status, len(i.lines), i.credits_applied, i.discount) for i in invoices]


def test_the_books_of_the_year_are_whole_and_its_story_is_told_again_by_its_seed() -> None:
    first, second = (lived(customers=6, days=12, seed=3) for _ in range(2))
    assert first.verify().clean
    assert first.reconcile().findings == []
    story = told(first)
    assert story == told(second)
    assert {status for _, _, _, status, *_ in story} >= {"paid"}
    assert any(credit.minor for *_, credit, _ in story), "the downtime is made up for"
    assert any(discount.minor for *_, discount in story), "those who were there first pay less"
    for billing in (first, second):
        billing.close()
