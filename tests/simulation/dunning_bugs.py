"""Bugs of dunning, planted one at a time beside those of `bugs`."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tallystick import domain, storage
from tallystick.domain.dunning import Move, Next, State
from tallystick.domain.payments import Payment, PaymentStatus
from tallystick.flows import _dunning
from tests.simulation.bugs import bug, instead


@bug(seeds_max=20)
def a_declined_card_is_tried_again_at_once() -> Iterator[None]:
    real = domain.dunning.follows

    def follows(policy: Any, dunning: Any, *, now: Any) -> Any:
        step = real(policy, dunning, now=now)
        is_soft = dunning.state is State.RETRYING and step.move is Move.WAIT
        return Next(Move.TRY, dunning.failed_at) if is_soft else step

    with instead(domain.dunning, "follows", follows):
        yield


@bug(seeds_max=20)
def tries_are_not_counted() -> Iterator[None]:
    real = domain.dunning.trying

    def trying(dunning: Any, cause: Any, *, now: Any) -> Any:
        return replace(real(dunning, cause, now=now), tries=dunning.tries)

    with instead(domain.dunning, "trying", trying):
        yield


@bug(seeds_max=20)
def what_is_paid_is_dunned_for_all_the_same() -> Iterator[None]:
    real = _dunning.follow

    def follow(ctx: Any, conn: Any, before: Any, after: Any, **said: Any) -> None:
        if after.status is not PaymentStatus.SUCCEEDED:
            real(ctx, conn, before, after, **said)

    with instead(_dunning, "follow", follow):
        yield


@bug(seeds_max=20)
def a_new_card_is_new_each_time_that_news_of_it_comes() -> Iterator[None]:
    real = storage.dunning.tries

    def tries(conn: Any, customer_id: Any, invoice_id: Any) -> Any:
        return [replace(each, payment_method=None) for each in real(conn, customer_id, invoice_id)]

    with instead(storage.dunning, "tries", tries):
        yield


@bug(seeds_max=20)
def a_failure_is_forgotten_where_its_news_comes_later() -> Iterator[None]:
    with instead(storage.dunning, "begin", lambda *_: False):
        yield


@bug(bounded=1.0, seeds_max=20)
def what_is_held_is_charged_all_the_same() -> Iterator[None]:
    with instead(Payment, "is_held", property(lambda _: False)):
        yield
