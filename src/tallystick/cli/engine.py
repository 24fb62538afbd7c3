"""What every command shares: the engine that the settings describe, and one way to print."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

if TYPE_CHECKING:
    from tallystick.app import Tallystick
    from tallystick.values.money import Money

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be done; exit 2 if there is something to do.")]
WOULD_ACT = 2
_FIGURE = re.compile(r"-?\d[\d.,]*( ?%| [A-Z]{3})?")  # a number, a share or an amount; not a sentence that begins with one


@contextmanager
def engine() -> Iterator["Tallystick"]:
    """The engine of the settings in the environment and `.env`, closed at the end."""
    from tallystick.app import Tallystick
    from tallystick.cli import logs
    from tallystick.settings import read_settings

    settings = read_settings()
    logs.configure(debug=settings.debug)
    billing = Tallystick.from_settings(settings)
    try:
        yield billing
    finally:
        billing.close()


def say(text: str = "") -> None:
    print(text)


def print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def told(said: str, shown: Mapping[str, object], *, as_json: bool) -> None:
    """What was done: in a line, or as JSON."""
    print_json(shown) if as_json else say(said)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns as wide as they must be; numbers and amounts to the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max([len(heading), *(len(row[i]) for row in texts)]) for i, heading in enumerate(headings)]
    print("  ".join(heading.ljust(width) for heading, width in zip(headings, widths, strict=True)).rstrip())
    for row in texts:
        print("  ".join(_aligned(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _aligned(cell: str, width: int) -> str:
    return cell.rjust(width) if _FIGURE.fullmatch(cell) else cell.ljust(width)


def money_json(money: "Money") -> dict[str, Any]:
    """An amount in minor units, with its currency beside it."""
    return {"amount": money.minor, "currency": money.currency.code}


class Progress:
    """A bar on a terminal, plain lines elsewhere; both on standard error, so that the output can be piped."""

    def __init__(self, what: str, total: int | None) -> None:
        self.what, self.total, self.done, self._said = what, total, 0, 0
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Bar(*columns, console=Console(stderr=True))
            self._bar.start()
            self._task = self._bar.add_task(self.what, total=self.total)
        return self

    def advance(self, by: int) -> None:
        self.done += by
        if self._bar is not None:
            self._bar.advance(self._task, by)
        elif self.done - self._said >= max((self.total or 0) // 10, 1000):
            self._said = self.done
            print(f"{self.what}: {self.done}{'' if self.total is None else f' of {self.total}'}", file=sys.stderr)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


def facts(values: Mapping[str, object]) -> None:
    """Names and values, one a line."""
    width = max(len(name) for name in values)
    for name, value in values.items():
        print(f"{name.ljust(width)}  {value}")
