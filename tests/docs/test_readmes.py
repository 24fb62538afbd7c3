"""The two READMEs say the same: the same sections, and the same blocks but for their comments."""

from tests.docs.blocks import ROOT, blocks


def shown(name: str) -> list[tuple[str, str]]:
    """The language and the text of each block, without comments."""
    found = blocks((ROOT / name).read_text(), name)
    return [(block.language, "\n".join(x for x in block.text.splitlines() if not x.startswith("#"))) for block in found]


def headings(name: str) -> list[str]:
    """The depth of each heading outside the blocks, in order."""
    text, fenced = (ROOT / name).read_text(), "".join(block.text for block in blocks((ROOT / name).read_text(), name))
    inside = {line for line in fenced.splitlines() if line.startswith("#")}
    return [line.split(" ")[0] for line in text.splitlines() if line.startswith("#") and line not in inside]


def test_both_show_the_same_blocks() -> None:
    assert shown("README.ja.md") == shown("README.md")


def test_both_have_the_same_sections() -> None:
    assert headings("README.ja.md") == headings("README.md")
