"""W10: how long it takes to start, beyond a Python that does nothing: help, import, and the service until it is ready."""

import subprocess
import sys
from collections.abc import Callable

from bench import servers
from bench.floors import bare_python
from bench.measure import Effort, Row, delays, in_turn, seconds

STARTS = {"tallystick --help": ["-m", "tallystick", "--help"], "import tallystick": ["-c", "import tallystick"]}
BARS = {"tallystick --help": 0.25, "import tallystick": 0.15}
SERVE_BAR = 2.5


def run(effort: Effort) -> list[Row]:
    rows = [_row(f"W10 {name}", _start(arguments), effort, BARS[name]) for name, arguments in STARTS.items()]
    return [*rows, _row("W10 tallystick serve, until it is ready", _serve, effort, SERVE_BAR)]


def _row(workload: str, ours: Callable[[], float], effort: Effort, bar: float) -> Row:
    in_turn(1, ours, _bare)  # the first start reads the disk
    return delays(workload, in_turn(effort.rounds, ours, _bare), bar=bar)


def _start(arguments: list[str]) -> Callable[[], float]:
    command = [sys.executable, *arguments]
    return lambda: seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))


def _bare() -> float:
    return seconds(bare_python)


def _serve() -> float:
    """With a database that is not there yet, so that its making is part of it."""
    with servers.new_folder() as folder:
        return servers.seconds_until_ready(f"sqlite:///{folder / 'new.db'}", folder)
