"""Usage from files, and what is amended of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli import amendments
from tallystick.cli.engine import Json, Progress, engine, facts, print_json, say

if TYPE_CHECKING:
    from tallystick.app import Tallystick
    from tallystick.collectors.csv_file import Mapped
    from tallystick.domain.usage import Answer, Event

group = typer.Typer(no_args_is_help=True, help="Facts of usage.")
_BATCH = 1000
_PROBLEMS_MAX = 20


def register(app: typer.Typer) -> None:
    amendments.register(group)
    app.add_typer(group, name="events")


@group.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file in UTF-8 with a heading.")],
    mapping: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A TOML file that says which column is what.")
    ] = None,
    time: Annotated[str | None, typer.Option(help="The column of the time.")] = None,
    meter: Annotated[list[str] | None, typer.Option(help="meter=column; may be given several times.")] = None,
    customer: Annotated[str | None, typer.Option(help="The column of the customer.")] = None,
    customers: Annotated[int, typer.Option(min=0, help="No such column: spread rows over so many, by row number.")] = 0,
    zone: Annotated[str, typer.Option(help="Of times that carry no offset.")] = "UTC",
    source: Annotated[str | None, typer.Option(help="The file's name for ever; its own name if not given.")] = None,
    as_json: Json = False,
) -> int:
    """Import usage from a CSV file; stop it at any time and run it again: no row is counted twice.

    Old events are taken too: that is a backfill, and is audited. Exit 1 if a row was refused.
    """
    from tallystick.collectors import csv_file

    if mapping is not None:
        from tallystick.cli.catalog import read_document

        mapped = csv_file.read_mapping(read_document(mapping), source=source or file.name)
    else:
        columns = {name: column or name for name, _, column in (part.partition("=") for part in meter or ())}
        mapped = csv_file.Mapped(
            source=source or file.name,
            time_column=time or "time",
            meters=columns,
            customer_column=customer,
            customers=customers,
            zone=zone,
        )
    with engine() as billing:
        tally = _import(billing, file, mapped)
    print_json({**tally.counts, "problems": tally.problems}) if as_json else _print(tally)
    return 1 if tally.problems else 0


class _Tally:
    def __init__(self) -> None:
        self.counts = {"rows": 0, "recorded": 0, "duplicate": 0, "conflict": 0, "refused": 0, "unreadable": 0}
        self.problems: list[str] = []

    def add(self, answers: "list[Answer]") -> None:
        for answer in answers:
            self.counts[answer.verdict.value] += 1
            if answer.reason is not None:
                self.problem(f"event {answer.event_id}: {answer.reason}")

    def problem(self, text: str) -> None:
        if len(self.problems) < _PROBLEMS_MAX:
            self.problems.append(text)


def _import(billing: "Tallystick", file: Path, mapped: "Mapped") -> _Tally:
    from tallystick.collectors import csv_file

    tally, waiting = _Tally(), list["Event"]()
    with Progress(f"importing {file.name}", csv_file.count_rows(file)) as progress:
        for row in csv_file.rows(file, mapped):
            tally.counts["rows"] += 1
            if row.problem is not None:
                tally.counts["unreadable"] += 1
                tally.problem(f"row {row.number}: {row.problem}")
            waiting += row.events
            if len(waiting) >= _BATCH:
                tally.add(billing.record(waiting, backfill=True, actor="shell"))
                waiting.clear()
            progress.advance(1)
        if waiting:
            tally.add(billing.record(waiting, backfill=True, actor="shell"))
    return tally


def _print(tally: _Tally) -> None:
    facts({name: count for name, count in tally.counts.items() if count or name in {"rows", "recorded"}})
    for problem in tally.problems:
        say(f"  {problem}")
