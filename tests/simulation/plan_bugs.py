"""Bugs of subscriptions, planted one at a time beside those of `bugs`."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tallystick import domain, storage
from tallystick.flows import _begin, _billables, _change, _preview, _subscriptions, _turn
from tests.simulation.bugs import bug, instead


@bug()
def a_period_is_invoiced_twice() -> Iterator[None]:
    real, forgotten = storage.subscriptions.note_invoiced, set[str]()

    def note_invoiced(conn: Any, subscription: Any, closed: Any) -> None:
        if subscription.id in forgotten:
            real(conn, subscription, closed)
        forgotten.add(subscription.id)

    with instead(storage.subscriptions, "note_invoiced", note_invoiced):
        yield


@bug()
def unused_fees_are_kept() -> Iterator[None]:
    def credits(_conn: Any, subscription: Any, *_: Any, **__: Any) -> Any:
        return _subscriptions.Billing(subscription)

    with instead(_subscriptions, "credits", credits):
        yield


@bug(seeds_max=30, seeds_from=57)
def a_preview_is_charged_as_of_the_day_it_is_accepted() -> Iterator[None]:
    real = _preview.accepted

    def accepted(ctx: Any, preview: Any, *, actor: str) -> Any:
        return real(ctx, replace(preview, at=ctx.clock.now()), actor=actor)

    with instead(_preview, "accepted", accepted), instead(_preview, "_check", lambda *_: None):
        yield


@bug(seeds_max=20)
def what_a_plan_gave_outlives_it() -> Iterator[None]:
    real = storage.entitlements.put

    def put(conn: Any, entitlement: Any, meter: Any) -> None:
        real(conn, replace(entitlement, withdrawn_at=None), meter)

    with instead(storage.entitlements, "put", put):
        yield


@bug(seeds_max=20)
def what_is_used_in_a_pause_is_forgotten() -> Iterator[None]:
    real = domain.subscriptions.resumed
    made = _change.made

    def forgets(ctx: Any, conn: Any, kept: Any, act: Any, proposal: Any, **how: Any) -> Any:
        if act == "resume":
            for each in storage.subscriptions.counted(conn, kept.subscription):
                at = proposal.after.period.start
                who = kept.subscription.customer_id
                storage.usage.advance_position(conn, who, each.charge_key, each.meter_key, billed_through=at)
        return made(ctx, conn, kept, act, proposal, **how)

    assert real is domain.subscriptions.resumed, "the rule itself stays"
    with instead(_change, "made", forgets):
        yield


@bug(late=0.4, seeds_max=20)
def late_usage_of_a_plan_is_forgotten() -> Iterator[None]:
    with instead(_billables, "late", lambda *_: []):
        yield


@bug(seeds_max=20)
def a_discount_is_given_back_too() -> Iterator[None]:
    real = domain.lines.credit_line

    def credit_line(customer: Any, line: Any, *, at: Any, discounted: Any, part: int) -> Any:
        return real(customer, line, at=at, discounted=replace(discounted, minor=0), part=part)

    with instead(domain.lines, "credit_line", credit_line):
        yield


@bug(crash=0.02, seeds_max=30)
def the_next_period_begins_before_the_last_one_is_kept() -> Iterator[None]:
    with instead(storage.subscriptions, "close", lambda *_, **__: None):
        yield


@bug(seeds_max=20)
def a_second_one_takes_the_id_of_the_first() -> Iterator[None]:
    real = _begin._named

    def named(conn: Any, wanted: Any) -> Any:
        subscription_id, known = real(conn, wanted)
        first = storage.subscriptions.of_customer(conn, wanted.customer_id)
        return (subscription_id, known) if not first else (first[0].subscription.id, None)

    with instead(_begin, "_named", named):
        yield


@bug(seeds_max=20)
def a_change_does_not_wait_for_what_is_over() -> Iterator[None]:
    """The fees of the new terms are asked for a time that the old ones are asked for as well."""
    with instead(_turn, "bring_up", lambda *_, **__: []):
        yield
