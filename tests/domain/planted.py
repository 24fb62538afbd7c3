"""python -m tests.domain.planted MODULE OLD NEW: the sweeps, small, on an engine in which that text of that module is another.

Ends with 0 where they noticed nothing. An empty MODULE changes nothing.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

ZONES = ("Europe/Berlin", "Asia/Beirut", "America/Havana")


class _Planted(SourceFileLoader):
    """Loads the module with the change in its source; never from, and never into, a cache of bytecode."""

    change = ("", "")

    def get_data(self, path: str) -> bytes:
        source = super().get_data(path).decode()
        old, new = self.change
        assert source.count(old) == 1, f"{path}: holds {old!r} {source.count(old)} times; plant the mistake anew"
        return source.replace(old, new).encode()

    def path_stats(self, path: str) -> dict[str, float]:
        raise OSError("no bytecode")


class _Finder(MetaPathFinder):
    def __init__(self, module: str) -> None:
        self._module = module

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None, /) -> ModuleSpec | None:
        if name != self._module:
            return None
        spec = PathFinder.find_spec(name, path, target)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _Planted(name, spec.origin)
        return spec


def main(module: str, old: str, new: str) -> None:
    if module:
        _Planted.change = (old, new)
        sys.meta_path.insert(0, _Finder(module))
    from tests.domain import period_sweep, price_sweep, proration_sweep

    try:
        if not module.endswith(("rating", "tiers")):
            period_sweep.sweep(ZONES, days=range(31, 0, -1), cadences=("month", "quarter", "year"))
            proration_sweep.sweep("planted", 1000)
        price_sweep.sweep("planted", 4000)
    except AssertionError as noticed:
        sys.exit(f"noticed: {noticed}")


if __name__ == "__main__":
    main(*sys.argv[1:])
