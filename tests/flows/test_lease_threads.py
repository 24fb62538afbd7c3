"""Leases among threads, in the background, in forked children and at the end of a program."""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tallystick.app import Leases, Tallystick
from tallystick.domain.entitlements import Policy, Quota, Reset
from tallystick.domain.usage import Meter
from tallystick.values.ids import MeterKey
from tests.flows.crowd import at_once, patiently, recorded
from tests.flows.test_quota_concurrency import engine

THREADS = 8


@pytest.fixture
def billing(database_url: str) -> Iterator[Tallystick]:
    made = engine(database_url)
    made.put_meter(Meter(MeterKey("calls"), decimals=0))
    made.grant("ada", "calls", Quota(Decimal(1000), reset=Reset.NEVER))
    yield made
    made.close()


def within(seconds: float, is_so) -> bool:
    """Whether it comes to be so."""
    end = time.monotonic() + seconds
    while not (so := is_so()) and time.monotonic() < end:
        time.sleep(0.02)
    return so


def test_threads_take_every_unit_once_and_no_more(billing: Tallystick) -> None:
    with Leases(billing, size=100) as leases:

        def work(thread: int) -> int:
            asked = (patiently(lambda n=n: leases.consume("ada", "calls", op=f"{thread}-{n}")) for n in range(200))
            return sum(answer.allowed for answer in asked)

        assert sum(at_once(THREADS, work)) == 1000, "of 1600 that were asked"
    stands = billing.check("ada", "calls")
    assert (stands.used, stands.reserved) == (1000, 0)
    assert recorded(billing, "ada", "calls") == 1000
    assert billing.verify().clean


def test_threads_that_send_the_same_ops_take_each_once(billing: Tallystick) -> None:
    with Leases(billing, size=50) as leases:

        def work(_: int) -> int:
            return sum(patiently(lambda n=n: leases.consume("ada", "calls", op=f"op-{n}")).allowed for n in range(300))

        assert at_once(THREADS, work) == [300] * THREADS
    assert billing.check("ada", "calls").used == 300
    assert recorded(billing, "ada", "calls") == 300
    assert billing.verify().clean


def test_of_a_soft_quota_threads_take_as_much_as_they_like(billing: Tallystick) -> None:
    billing.grant("ben", "calls", Quota(Decimal(50), Policy.SOFT))
    with Leases(billing, size=20) as leases:

        def work(thread: int) -> int:
            return sum(patiently(lambda n=n: leases.consume("ben", "calls", op=f"{thread}-{n}")).allowed for n in range(40))

        assert sum(at_once(THREADS, work)) == 40 * THREADS
    assert recorded(billing, "ben", "calls") == billing.check("ben", "calls").used == 40 * THREADS


def test_what_was_spent_is_on_disk_within_a_second(billing: Tallystick) -> None:
    leases = Leases(billing)
    for number in range(5):
        leases.consume("ada", "calls", op=f"op-{number}")
    assert within(10, lambda: recorded(billing, "ada", "calls") == 5), "a second, where nobody else works on this machine"
    leases.close()


def test_a_forked_child_holds_nothing_of_what_its_parent_holds(billing: Tallystick) -> None:
    leases = Leases(billing, background=False)
    held = leases.of("ada", "calls")
    held.consume(op="parent")
    child = os.fork()
    if child == 0:
        holds_nothing = held._lease is None and not held._spent and not leases._kept and not leases._leases
        os._exit(0 if holds_nothing else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    leases.close()
    assert recorded(billing, "ada", "calls") == 1


def test_at_the_end_of_a_program_everything_is_written_down_and_given_back(database_url: str, billing: Tallystick) -> None:
    program = f"""
        from tallystick import Leases
        from tests.flows.test_quota_concurrency import engine

        leases = Leases(engine({database_url!r}))
        assert all(leases.consume("ada", "calls", op=f"op-{{n}}").allowed for n in range(20))
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, env=environment)
    stands = billing.check("ada", "calls")
    assert (stands.used, stands.reserved) == (20, 0)
    assert billing.verify().clean
