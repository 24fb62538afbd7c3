"""Files and functions stay small enough to be read in one go; the limits only ever move down."""

import math
from statistics import median

import pytest

from tests.architecture.source import Source, sources

# Lines: (p95, hard). A flow is one story; 60 lines tell two.
FILE_LIMITS = {"src": (300, 500), "tests": (400, 600)}
FUNCTION_LIMITS = {"src": (30, 60), "src/tallystick/flows": (50, 60), "tests": (30, 60)}

HISTORY = "src/tallystick/storage/migrations/versions/"  # tables as they were once; never edited, seldom read


def living(folder: str) -> list[Source]:
    return [source for source in sources(folder) if not source.path.startswith(HISTORY)]


def file_sizes(found: list[Source]) -> dict[str, int]:
    return {source.path: len(source.lines) for source in found}


def function_sizes(found: list[Source]) -> dict[str, int]:
    """The lines of each function from its `def` to its end."""
    return {
        f"{source.path}:{function.lineno} {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for source in found
        for function in source.functions()
    }


def too_long(sizes: dict[str, int], *, p95: int, hard: int) -> list[str]:
    broken = [f"{where}: {size} lines, at most {hard}" for where, size in sizes.items() if size > hard]
    ordered = sorted(sizes.values())
    if ordered and (reached := ordered[math.ceil(0.95 * len(ordered)) - 1]) > p95:
        longest = sorted(sizes, key=lambda where: -sizes[where])[:10]
        broken.append(f"p95 is {reached}, at most {p95}; the longest: {', '.join(f'{w} ({sizes[w]})' for w in longest)}")
    if ordered:
        print(f"{len(ordered)}: median {median(ordered):g}, p95 {reached}, longest {ordered[-1]}")
    return broken


@pytest.mark.parametrize("folder", FILE_LIMITS)
def test_files_are_short(folder: str) -> None:
    p95, hard = FILE_LIMITS[folder]
    assert too_long(file_sizes(living(folder)), p95=p95, hard=hard) == []


@pytest.mark.parametrize("folder", FUNCTION_LIMITS)
def test_functions_are_short(folder: str) -> None:
    p95, hard = FUNCTION_LIMITS[folder]
    assert too_long(function_sizes(living(folder)), p95=p95, hard=hard) == []


def test_a_planted_giant_is_seen() -> None:
    giant = Source("src/giant.py", "def giant():\n" + "    x = 1\n" * 60)
    assert too_long(function_sizes([giant]), p95=100, hard=60) == ["src/giant.py:1 giant: 61 lines, at most 60"]
    assert too_long(file_sizes([giant]), p95=100, hard=60)
    assert too_long({str(i): 40 for i in range(20)}, p95=30, hard=60), "many that are long, none too long"
    assert not too_long({"small": 1, "large": 60}, p95=60, hard=60)
