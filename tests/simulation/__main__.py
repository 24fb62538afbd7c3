"""python -m tests.simulation: one seed with its trace, or many with a table."""

import argparse
import sys
import time

from tests.simulation import story, table
from tests.simulation.world import Failure


def main() -> int:
    ask = argparse.ArgumentParser(prog="python -m tests.simulation")
    ask.add_argument("--seed", type=int, default=0, help="the first seed")
    ask.add_argument("--seeds", type=int, default=1, help="how many, from there")
    ask.add_argument("--trace", action="store_true", help="print every step")
    ask.add_argument("--digest", action="store_true", help="print nothing but the digests")
    ask.add_argument("--url", default="sqlite://", help="an empty, migrated database; by default one in memory per seed")
    told = ask.parse_args()
    total, failed, start = story.Told(), 0, time.monotonic()
    for seed in range(told.seed, told.seed + told.seeds):
        try:
            one = story.run_seed(seed, url=told.url, tracing=told.trace)
        except Failure as failure:
            failed += 1
            print(failure)
            continue
        total.add(one)
    if told.digest:
        print("\n".join(total.digests))
        return failed
    seconds = time.monotonic() - start
    print(table.of(total))
    print(f"{told.seeds} seeds, {failed} failed, {seconds:.1f} s, {seconds * 1000 / told.seeds:.0f} ms per seed")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
