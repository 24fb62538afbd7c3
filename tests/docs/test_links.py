"""Links between the papers lead somewhere, and every paper can be reached from the index."""

import re
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, papers

LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)(?P<target>[^)#\s]+)(#[^)]*)?\)")


def targets(paper: Path, text: str) -> list[Path]:
    return [(paper.parent / link["target"]).resolve() for link in LINK.finditer(text)]


@pytest.mark.parametrize("paper", papers(), ids=lambda paper: paper.relative_to(ROOT).as_posix())
def test_the_links_of(paper: Path) -> None:
    assert [str(target) for target in targets(paper, paper.read_text()) if not target.exists()] == []


def test_every_paper_in_docs_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    reached = {index, *targets(index, index.read_text())}
    assert [str(paper) for paper in papers() if "docs" in paper.relative_to(ROOT).parts and paper not in reached] == []


def test_a_planted_dead_link_is_seen() -> None:
    found = targets(ROOT / "docs" / "x.md", "[a](gone.md) [b](../README.md#top) [c](https://example.com/x.md) [d](#here)")
    assert found == [ROOT / "docs" / "gone.md", ROOT / "README.md"]
