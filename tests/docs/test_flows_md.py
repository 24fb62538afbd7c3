"""docs/flows.md walks through real files: each path that it names exists."""

import re

import pytest

from tests.docs.blocks import ROOT

PATH = re.compile(r"(?<![\w/.])(?:[\w.-]+/)+[\w.-]+\.(?:py|toml|md|html)\b")
HOUSE = ROOT / "src" / "tallystick"


def missing_paths(text: str) -> list[str]:
    """The named paths that are neither in the repository nor in the package."""
    return sorted({name for name in PATH.findall(text) if not (ROOT / name).exists() and not (HOUSE / name).exists()})


def test_each_path_in_the_walks_exists() -> None:
    paper = ROOT / "docs" / "flows.md"
    if not paper.exists():
        pytest.skip("docs/flows.md is not written yet")
    text = paper.read_text()
    assert len(set(PATH.findall(text))) >= 10, "the walks name the files they go through"
    assert missing_paths(text) == []


def test_a_planted_path_is_seen() -> None:
    assert missing_paths("`values/money.py` then `flows/no_such.py`, see src/tallystick/values/time.py") == ["flows/no_such.py"]
