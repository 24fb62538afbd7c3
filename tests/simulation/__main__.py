"""python -m tests.simulation: one seed with its trace, or many on every core with a table."""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.simulation import story, table
from tests.simulation.world import Failure

_AT_ONCE = 20


def main() -> int:
    ask = argparse.ArgumentParser(prog="python -m tests.simulation")
    ask.add_argument("--seed", type=int, default=0, help="the first seed")
    ask.add_argument("--seeds", type=int, default=1, help="how many, from there")
    ask.add_argument("--trace", action="store_true", help="print every step")
    ask.add_argument("--digest", action="store_true", help="print nothing but the digests")
    told = ask.parse_args()
    seeds, start = range(told.seed, told.seed + told.seeds), time.monotonic()
    if told.seeds > _AT_ONCE:
        chunks = [seeds[place : place + _AT_ONCE] for place in range(0, told.seeds, _AT_ONCE)]
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            total, failures = _sum(pool.map(_lived, chunks))
    else:
        total, failures = _sum([_lived(seeds, tracing=told.trace)])
    if told.digest:
        print("\n".join(total.digests))
        return len(failures)
    seconds = time.monotonic() - start
    print(*failures, table.of(total), sep="\n\n")
    print(f"{told.seeds} seeds, {len(failures)} failed, {seconds:.1f} s, {seconds * 1000 / told.seeds:.0f} ms per seed")
    return 1 if failures else 0


def _lived(seeds: range, *, tracing: bool = False) -> tuple[story.Told, list[str]]:
    total, failures = story.Told(), []
    for seed in seeds:
        try:
            total.add(story.run_seed(seed, tracing=tracing))
        except Failure as failure:
            failures.append(str(failure))
    return total, failures


def _sum(parts) -> tuple[story.Told, list[str]]:
    total, failures = story.Told(), []
    for told, failed in parts:
        total.add(told)
        failures += failed
    return total, failures


if __name__ == "__main__":
    sys.exit(main())
