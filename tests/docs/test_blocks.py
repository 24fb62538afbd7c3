"""What the papers show is what the program does: every fenced block is run, or read, or says why it is not."""

from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, Unlike, blocks, first_unlike, papers, run

SAME = {ROOT / "README.ja.md"}  # shows the blocks of README.md: test_readmes.py


def _paper(paper: Path) -> object:
    """The READMEs start a service and a dozen commands: too much for `make check`."""
    marks = [pytest.mark.slow] if paper.name.startswith("README") and paper.parent == ROOT else []
    return pytest.param(paper, marks=marks, id=paper.relative_to(ROOT).as_posix())


@pytest.mark.parametrize("paper", [_paper(paper) for paper in papers() if paper not in SAME])
def test_the_blocks_of(paper: Path, tmp_path: Path) -> None:
    run(list(blocks(paper.read_text(), paper.relative_to(ROOT).as_posix())), tmp_path)


@pytest.mark.parametrize(
    "planted",
    [
        "```python\nassert 1 == 2\n```",
        "```python\nx = 1\n```\n\n```python\nassert x == 2\n```",
        "```console\n$ echo one\ntwo\n```",
        "```console\n$ false\n```",
        "```bash\nfalse\ntrue\n```",
        "```json\n{]\n```",
        "```toml\nx =\n```",
        "```yaml\nx: [\n```",
        "```mermaid\nnot a diagram\n```",
        "```jsx\n<App />\n```",
        "<!-- not run: -->\n```jsx\n<App />\n```",
    ],
)
def test_a_planted_untruth_is_seen(planted: str, tmp_path: Path) -> None:
    with pytest.raises(Unlike, match=r"paper\.md"):
        run(list(blocks(planted, "paper.md")), tmp_path)


def test_true_blocks_are_true(tmp_path: Path) -> None:
    paper = """
1. In a list:
   ```python
   x = 1
   ```
```python
assert x == 1
```
```console
$ echo "one   two"; echo three
one two
…
$ cat <<END
four
END
four
```
<!-- not run: needs a browser -->
```jsx
<App />
```
"""
    found = list(blocks(paper, "paper.md"))
    assert [block.exempt for block in found] == [None, None, None, "needs a browser"]
    run(found, tmp_path)


def test_shown_output_is_matched_loosely_but_in_order() -> None:
    output = "invoice  INV-000001\ntotal  12.34 USD\ndone"
    assert first_unlike("invoice INV-…\n…\ndone", output) is None
    assert first_unlike("total 12.34", output) is None
    assert first_unlike("done\ninvoice INV-000001", output) == "invoice INV-000001"
    assert first_unlike("total 12.35 USD", output) == "total 12.35 USD"
