"""Work that is metered: held before, counted after, given back where it fails, and counted once under one name."""

import asyncio
import inspect
import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from tallystick import metered
from tallystick.app import Tallystick
from tallystick.domain.entitlements import Quota, Reset
from tallystick.domain.usage import Meter
from tallystick.values.errors import Conflict, Forbidden, InvalidInput, QuotaExceeded
from tallystick.values.ids import MeterKey
from tests.scenarios.world import World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    made.billing.put_meter(Meter(MeterKey("calls"), decimals=0))
    made.billing.grant("ada", "calls", Quota(Decimal(10)))
    yield made
    assert made.billing.verify().clean
    made.billing.close()


@pytest.fixture
def billing(world: World) -> Tallystick:
    return world.billing


def stands(billing: Tallystick) -> tuple[Decimal, Decimal]:
    decision = billing.check("ada", "calls")
    return decision.used, decision.reserved


def test_what_is_held_is_counted_once_the_work_is_done(billing: Tallystick) -> None:
    with billing.hold("ada", "calls", 4) as held:
        assert stands(billing) == (0, 4)
        held.actual = 3
    assert stands(billing) == (3, 0)
    assert [event.quantity for event in billing.events("ada")] == [3]


def test_work_that_fails_has_used_nothing(billing: Tallystick) -> None:
    with pytest.raises(ZeroDivisionError), billing.hold("ada", "calls", 4):
        raise ZeroDivisionError
    assert stands(billing) == (0, 0)


def test_where_there_is_no_room_the_work_is_not_begun_and_the_answer_says_how_it_stands(billing: Tallystick) -> None:
    billing.consume("ada", "calls", 8, op="a")
    with pytest.raises(QuotaExceeded) as refused:
        billing.hold("ada", "calls", 3)
    said = refused.value.extra
    assert (said["meter"], said["limit"], said["used"], said["remaining"]) == ("calls", "10", "8", "2")
    assert (said["resets_at"], said["retry_after"]) == ("2026-02-01T00:00:00Z", 31 * 86_400 + 1)
    billing.grant("ada", "calls", Quota(Decimal(1), reset=Reset.NEVER))
    with pytest.raises(QuotaExceeded) as for_ever:
        billing.hold("ada", "calls", 3)
    assert for_ever.value.extra["retry_after"] is None


def test_without_an_entitlement_it_is_forbidden(billing: Tallystick) -> None:
    with pytest.raises(Forbidden, match="no active plan") as refused:
        billing.hold("bob", "calls")
    assert refused.value.code == "unknown_customer"


def test_work_of_one_name_is_counted_once_however_often_it_is_done(billing: Tallystick) -> None:
    for actual in (2, 4):
        with billing.hold("ada", "calls", 5, op="run") as held:
            assert held.is_counted is (actual == 4)
            held.actual = actual
    with pytest.raises(ZeroDivisionError), billing.hold("ada", "calls", 5, op="run"):
        raise ZeroDivisionError
    assert stands(billing) == (2, 0), "what was done first stands"


def test_work_that_failed_may_be_tried_again_under_its_name(billing: Tallystick) -> None:
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), billing.hold("ada", "calls", 5, op="run"):
            raise ZeroDivisionError
    for _ in range(2):
        with billing.hold("ada", "calls", 5, op="run"):
            pass
    assert stands(billing) == (5, 0)
    with pytest.raises(Conflict):
        billing.hold("ada", "calls", 6, op="run")


def test_more_than_was_held_is_counted_although_the_limit_is_passed(billing: Tallystick) -> None:
    with billing.hold("ada", "calls", 4) as held:
        held.actual = 12
    assert stands(billing) == (12, 0)
    assert billing.check("ada", "calls").remaining == 0


def test_nothing_used_is_nothing_counted(billing: Tallystick) -> None:
    with billing.hold("ada", "calls", 4) as held:
        held.actual = 0
    assert (stands(billing), billing.events("ada")) == ((0, 0), [])


def test_work_that_takes_longer_than_its_reservation_is_counted_all_the_same_and_once(billing: Tallystick, world: World) -> None:
    held = billing.hold("ada", "calls", 4, op="long")
    world.clock.advance(timedelta(minutes=16))
    assert stands(billing) == (0, 0)
    for _ in range(2):
        held.finish()
    assert stands(billing) == (4, 0)


def test_of_two_that_do_the_same_work_at_once_one_is_counted_though_the_other_fails(billing: Tallystick) -> None:
    first, second = (billing.hold("ada", "calls", 4, op="twin") for _ in range(2))
    second.release()
    first.finish()
    assert stands(billing) == (4, 0)
    one, other = (billing.hold("ada", "calls", 2, op="twins") for _ in range(2))
    one.finish()
    other.release()
    other.finish()
    assert stands(billing) == (6, 0)


def test_a_function_is_metered_and_stays_what_it_was(billing: Tallystick) -> None:
    @billing.metered("calls", customer=lambda name, **_: name.lower())
    def greet(name: str, *, loud: bool = False) -> str:
        """Greets."""
        return f"hello {name}{'!' if loud else ''}"

    assert (greet("Ada", loud=True), greet.__name__, greet.__doc__) == ("hello Ada!", "greet", "Greets.")
    assert stands(billing) == (1, 0)


def test_the_customer_is_the_argument_of_that_name(billing: Tallystick) -> None:
    @metered("calls", 2, op=lambda _x, user_id="ada", call="c1": f"{user_id}:{call}", billing=lambda: billing)
    def work(_x: int, user_id: str | None = "ada", call: str = "c1") -> None: ...

    work(1)
    work(1, user_id="ada")
    work(1, call="c2")
    assert stands(billing) == (4, 0)
    with pytest.raises(InvalidInput, match="user_id"):
        work(1, None)
    with pytest.raises(TypeError, match="customer="):
        billing.metered("calls")(lambda x: x)


def test_an_async_function_is_metered_and_stays_async(billing: Tallystick) -> None:
    @billing.metered("calls", 2)
    async def work(customer_id: str, how: str) -> int:
        await asyncio.sleep(0)
        if how == "hangs":
            await asyncio.sleep(60)
        if how == "fails":
            raise ZeroDivisionError
        return 7

    async def story() -> None:
        assert await work("ada", "well") == 7
        with pytest.raises(ZeroDivisionError):
            await work("ada", "fails")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(work("ada", "hangs"), 0.2)

    assert inspect.iscoroutinefunction(work)
    asyncio.run(story())
    assert stands(billing) == (2, 0)


def test_what_yields_is_not_for_the_decorator(billing: Tallystick) -> None:
    with pytest.raises(TypeError, match="hold"):

        @billing.metered("calls")
        def stream(customer_id: str) -> Iterator[int]:
            yield 1


def test_threads_together_never_begin_more_than_there_is_room_for(billing: Tallystick) -> None:
    done: list[str] = []

    @billing.metered("calls")
    def work(customer_id: str) -> None:
        done.append(customer_id)

    def worker() -> None:
        for _ in range(4):
            try:
                work("ada")
            except QuotaExceeded:
                done.append("refused")

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (done.count("ada"), done.count("refused")) == (10, 6)
    assert stands(billing) == (10, 0)
