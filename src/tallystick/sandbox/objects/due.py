"""What the world does by itself when its time has come: one queue per clock, walked in order of time."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tallystick.sandbox import halves
from tallystick.sandbox.call import Call
from tallystick.sandbox.state import Doc

WALL = "wall"
Task = Callable[[Call, Doc], None]
_TASKS: dict[str, Task] = {}


def task(name: str) -> Callable[[Task], Task]:
    """Registers what is done under that name; it must do nothing where its object has moved on."""

    def register(function: Task) -> Task:
        _TASKS[name] = function
        return function

    return register


def schedule(call: Call, clock: str | None, at: int, name: str, **facts: Any) -> None:
    call.state.schedule(clock or WALL, at, {"do": name, **facts})


def run(call: Call) -> None:
    """Does all that is due on the wall clock, each at its own time; what was left half done before anything else."""
    halves.follow(call, until=call.wall)
    while (taken := call.state.take(WALL, call.wall)) is not None:
        halves.follow(call)
        at, facts = taken
        perform(replace(call, now=at), facts)


def perform(call: Call, facts: Doc) -> None:
    _TASKS[facts["do"]](call, facts)
