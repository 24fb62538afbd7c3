"""`make bench`: each workload beside its floor, as one table, and as JSON in bench/results/."""

import argparse
import gc
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from time import perf_counter

from bench.measure import FULL, HEADINGS, QUICK, Effort, Row

WORKLOADS = {
    "W1": "w01_library_ingest",
    "W2": "w02_http_batches",
    "W3": "w03_http_single",
    "W4": "w04_leased_quota",
    "W5": "w05_history",
    "W6": "w06_billing",
    "W7": "w07_rating",
    "W10": "w10_start",
}
RESULTS = Path(__file__).with_name("results")


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    asked.add_argument("--only", action="append", choices=WORKLOADS, help="this workload; may be given again")
    asked.add_argument("--quick", action="store_true", help="a quarter of the work in three rounds: a first look")
    asked.add_argument("--full", action="store_true", help="W5 with 10⁷ events and W6 with 100,000 invoices: an hour more")
    given = asked.parse_args()
    effort = replace(QUICK if given.quick else FULL, large=given.full)
    start, rows, wrong = perf_counter(), [], []
    for name in given.only or WORKLOADS:
        gc.collect()
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            rows += _run(name)(effort)
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
    _print(rows)
    print(f"\n{_machine()}; {perf_counter() - start:.0f} s in all")
    print(f"written to {_written(rows, wrong, quick=given.quick)}")
    if wrong:
        sys.exit("WRONG ANSWERS\n" + "\n".join(wrong))


def _run(name: str) -> Callable[[Effort], list[Row]]:
    run: Callable[[Effort], list[Row]] = import_module(f"bench.{WORKLOADS[name]}").run
    return run


def _print(rows: list[Row]) -> None:
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS))]
    for line in lines:
        print("  ".join([line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))]))


def _written(rows: list[Row], wrong: list[str], *, quick: bool) -> Path:
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / ("quick.json" if quick else "full.json")
    document = {"machine": _machine(), "quick": quick, "rows": [row.document() for row in rows], "wrong": wrong}
    file.write_text(json.dumps(document, indent=2) + "\n")
    return file


def _machine() -> str:
    python, load = platform.python_version(), os.getloadavg()[0]
    return f"{os.cpu_count()} cores of {platform.machine()}, {platform.system()}, Python {python}, load {load:.1f}"


if __name__ == "__main__":
    main()
