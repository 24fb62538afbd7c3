"""What threads are answered at once could have been answered one by one: small histories of many threads, against a model.

How many are recorded is said by TALLYSTICK_QUOTA_HISTORIES.
"""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from tallystick.app import Leases, Tallystick
from tallystick.domain.entitlements import Quota
from tallystick.domain.usage import Meter
from tallystick.values.errors import Conflict
from tallystick.values.ids import MeterKey
from tests.flows.crowd import at_once, patiently
from tests.flows.histories import Call, History, order
from tests.flows.test_quota_concurrency import engine

HISTORIES = int(os.environ.get("TALLYSTICK_QUOTA_HISTORIES", "500"))
FEW = 25
THREADS, CALLS, LIMIT = 4, 4, 7


@dataclass(frozen=True)
class State:
    """One hard quota: what each op took, or holds; a reservation that was given back is 0 held."""

    taken: frozenset[tuple[str, int]] = frozenset()
    held: frozenset[tuple[str, int]] = frozenset()
    ended: frozenset[str] = frozenset()
    told: frozenset[tuple[str, int]] = frozenset()  # of leases: which op was granted by which process

    @property
    def filled(self) -> int:
        return sum(quantity for _, quantity in self.taken) + sum(quantity for _, quantity in self.held)


def model(state: State, call: Call) -> State | None:
    """The state after the call, where a quota that serves one at a time answers the same."""
    match call.kind:
        case "check":
            return state if call.answer == (state.filled + call.arguments[0] <= LIMIT) else None
        case "consume":
            return _consumed(state, *call.arguments, call.answer)
        case "reserve":
            return _reserved(state, *call.arguments, call.answer)
        case "leased":
            return _leased(state, *call.arguments, call.answer)
        case _:
            return _ended(state, call)


def _leased(state: State, op: str, quantity: int, process: int, answer: bool) -> State | None:
    """Out of a lease: a yes is within the limit, like any other; a no may also mean that other processes hold the rest.

    What another process granted a moment ago is not written down yet, and so may be denied here; what this one granted, never.
    """
    if not answer:
        return state if (op, process) not in state.told else None
    after = _consumed(state, op, quantity, True)
    return None if after is None else replace(after, told=after.told | {(op, process)})


def _consumed(state: State, op: str, quantity: int, answer: bool) -> State | None:
    if (op, quantity) in state.taken:
        return state if answer else None
    if (state.filled + quantity <= LIMIT) != answer:
        return None
    return replace(state, taken=state.taken | {(op, quantity)}) if answer else state


def _reserved(state: State, op: str, quantity: int, answer: bool | str) -> State | None:
    was = [held for held in state.held if held[0] == op]
    if was:
        return state if answer is True else None
    if op in state.ended or any(taken[0] == op for taken in state.taken):
        return state if answer == "ended" or (answer is True and op not in state.ended) else None
    if (state.filled + quantity <= LIMIT) != answer:
        return None
    return replace(state, held=state.held | {(op, quantity)}) if answer else state


def _ended(state: State, call: Call) -> State | None:
    """Commit, or release: of what is held, once; what has ended stays as it is."""
    op, actual = call.arguments
    was = [held for held in state.held if held[0] == op]
    if was:
        after = replace(state, held=state.held - set(was))
        if call.kind == "release":
            return replace(after, ended=after.ended | {op}) if call.answer is True else None
        return replace(after, taken=after.taken | {(op, actual)}) if call.answer is True else None
    if op in state.ended:
        return state if call.answer == (True if call.kind == "release" else "ended") else None
    return state if call.answer == (True if call.kind == "commit" else "ended") else None


def _or_ended(ask: Callable[[], bool]) -> bool | str:
    try:
        return ask()
    except Conflict as conflict:
        return "ended" if conflict.code in {"reservation_ended", "operation_conflict"} else conflict.code


def act(billing: Tallystick, customer: str, history: History, chance: random.Random) -> None:
    """One thing that a program does, with its answer."""
    quantity, op = chance.choice((1, 1, 2, 3)), f"op-{chance.randrange(5)}"
    kind = chance.choice(("consume", "consume", "check", "reserve"))
    if kind == "check":
        history.record("check", (quantity,), lambda: billing.check(customer, "calls", quantity).allowed)
    elif kind == "consume":
        quantity = 1 + int(op[-1]) % 3  # the same op is always of the same quantity
        history.record("consume", (op, quantity), lambda: billing.consume(customer, "calls", quantity, op=op).allowed)
    else:
        _hold(billing, customer, history, chance, f"hold-{chance.randrange(3)}")


def _hold(billing: Tallystick, customer: str, history: History, chance: random.Random, op: str) -> None:
    held: list[Any] = []

    def reserve() -> bool:
        held.append(billing.reserve(customer, "calls", 2, op=op))
        return bool(held[-1].decision.allowed)

    history.record("reserve", (op, 2), lambda: _or_ended(reserve))
    if not held or not held[-1].decision.allowed:
        return
    if chance.random() < 0.5:
        history.record("commit", (op, 1), lambda: _or_ended(lambda: held[-1].commit(1).allowed))
    else:
        history.record("release", (op, 0), lambda: _or_ended(lambda: held[-1].release() or True))


@pytest.fixture
def billing(database_url: str) -> Iterator[Tallystick]:
    made = engine(database_url)
    made.put_meter(Meter(MeterKey("calls"), decimals=0))
    yield made
    made.close()


NUMBERS = [pytest.param(FEW, id="few"), pytest.param(HISTORIES, id="all", marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]


@pytest.mark.parametrize("histories", NUMBERS)
def test_every_history_of_a_quota_could_have_been_one_by_one(
    billing: Tallystick, histories: int, counted: Callable[[str], None]
) -> None:
    calls = 0
    for number in range(histories):
        customer, history = f"customer-{number}", History()
        billing.grant(customer, "calls", Quota(Decimal(LIMIT)))

        def work(thread: int, customer: str = customer, history: History = history, number: int = number) -> None:
            chance = random.Random(f"{number}:{thread}")
            for _ in range(CALLS):
                act(billing, customer, history, chance)

        at_once(THREADS, work)
        assert order(history.calls, State(), model) is not None, sorted(history.calls, key=lambda call: call.begun)
        calls += len(history.calls)
    counted(f"{histories} histories of {THREADS} threads, {calls} calls")
    assert billing.verify().clean


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("histories", NUMBERS)
def test_every_history_of_leases_could_have_been_one_by_one(
    billing: Tallystick, histories: int, processes: int, counted: Callable[[str], None]
) -> None:
    """In one process in the strict sense; of several, each may also be denied what another one holds."""
    calls, kind = 0, "consume" if processes == 1 else "leased"
    for number in range(histories):
        customer, history = f"customer-{number}", History()
        billing.grant(customer, "calls", Quota(Decimal(LIMIT)))
        leases = [Leases(billing, size=4, background=False) for _ in range(processes)]

        def work(
            thread: int, customer: str = customer, history: History = history, number: int = number, leases: list[Leases] = leases
        ) -> None:
            chance, mine = random.Random(f"{number}:{thread}"), leases[thread % processes]
            for _ in range(CALLS):
                place = chance.randrange(8)
                op, quantity = f"op-{place}", 1 + place % 3
                ask = partial(patiently, partial(mine.consume, customer, "calls", quantity, op=op))
                asked = (op, quantity) if processes == 1 else (op, quantity, thread % processes)
                history.record(kind, asked, lambda ask=ask: ask().allowed)
                if chance.random() < 0.2:
                    mine.keep()

        at_once(THREADS, work)
        for each in leases:
            each.close()
        assert order(history.calls, State(), model) is not None, sorted(history.calls, key=lambda call: call.begun)
        stands = billing.check(customer, "calls")
        granted = {call.arguments[:2] for call in history.calls if call.answer}
        assert (stands.used, stands.reserved) == (sum(quantity for _, quantity in granted), 0)
        calls += len(history.calls)
    counted(f"{histories} histories of {THREADS} threads, {calls} calls")
    assert billing.verify().clean


def test_the_search_finds_what_cannot_have_been_one_by_one() -> None:
    both = [Call("consume", ("a", 4), True, 0, 10), Call("consume", ("b", 4), True, 5, 15)]
    assert order(both, State(), model) is None, "two that do not fit together"
    stale = [Call("consume", ("a", 4), True, 0, 10), Call("check", (4,), True, 11, 12)]
    assert order(stale, State(), model) is None, "a check that does not see what was granted before it began"
    assert order([stale[0], replace(stale[1], begun=9)], State(), model) is not None, "but it may, where the two overlap"
    denied = [Call("consume", ("a", 7), False, 0, 10)]
    assert order(denied, State(), model) is None, "denied where there was room"
    assert order([replace(denied[0], kind="leased", arguments=("a", 7, 0))], State(), model) is not None, "which only a lease may"
    mine = [Call("leased", ("a", 4, 0), True, 0, 1), Call("leased", ("a", 4, 0), False, 2, 3)]
    assert order(mine, State(), model) is None, "a process denies what it has granted itself"
    theirs = [mine[0], replace(mine[1], arguments=("a", 4, 1))]
    assert order(theirs, State(), model) is not None, "but may not know yet what another one has granted"
    twice = [Call("consume", ("a", 4), True, 0, 1), Call("consume", ("a", 4), True, 2, 3), Call("check", (3,), True, 4, 5)]
    assert order(twice, State(), model) is not None
    assert order([*twice[:2], replace(twice[2], answer=False)], State(), model) is None, "the same op took twice"
