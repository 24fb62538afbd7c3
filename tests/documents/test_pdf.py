"""PDF: the same document is the same bytes, in every process and thread; over pages; and nothing in it is markup."""

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tallystick.documents.pdf import Press
from tallystick.domain.invoice_documents import Document, Fact, Sum
from tallystick.domain.letter_frames import Locale
from tallystick.domain.line_documents import Row
from tests.architecture.source import ROOT

FONTS = ROOT / "src/tallystick/documents/fonts"
HOSTILE = '#panic("x") *bold* _it_ $x$ `raw` @ref <label> [#read("/etc/passwd")] \\ // /* = - + ~ \u200b\ufffd"'
BYTES = """
import hashlib, sys
sys.path.insert(0, ".")
from tests.documents.test_pdf import sample
from tallystick.documents.pdf import Press
press = Press()
print(*(hashlib.sha256(press.pdf(sample(locale))).hexdigest() for locale in ("en", "ja")))
"""


def sample(locale: Locale = "en", lines: int = 3) -> Document:
    japanese = locale == "ja"
    row = Row("API 呼び出し" if japanese else "API calls", "1 Jan 2026", ("Tier 1: 10 × $1 = $10",), "10 calls", "by tier", "$10")
    return Document(
        language=locale,
        title="請求書" if japanese else "Invoice",
        number="INV-000001",
        stamp="支払済" if japanese else "Paid",
        written_at=datetime(2026, 2, 1, 9, 30, 15, 123456, tzinfo=UTC),
        facts=(Fact("Number", "INV-000001"), Fact("Customer", "x" * 80)),
        seller=("From", "Example Ltd", "1 Main Street"),
        buyer=("To", "髙橋・﨑山 𠮷野 株式会社"),
        columns=("Description", "Quantity", "Price", "Amount"),
        rows=tuple(replace(row, amount=f"${i}") for i in range(lines)),
        sums=(Sum("Total", "$30", strong=True),),
        remarks=("Please pay.",),
        page="Page {page} of {pages}",
        link=Fact("Pay here", "https://example.com/pay?a=1&b=2"),
    )


@pytest.fixture(scope="module")
def press() -> Press:
    return Press()


def test_the_same_document_is_the_same_bytes_in_another_process(press: Press) -> None:
    run = subprocess.run([sys.executable, "-c", BYTES], cwd=ROOT, capture_output=True, text=True, check=True)
    here = [hashlib.sha256(press.pdf(sample(locale))).hexdigest() for locale in ("en", "ja")]
    assert run.stdout.split() == here


def test_what_was_written_before_leaves_no_trace(press: Press) -> None:
    first = press.pdf(sample())
    press.pdf(sample("ja", 40))
    assert press.pdf(sample()) == first


def test_threads_do_not_mix_their_documents(press: Press) -> None:
    documents = [sample(lines=lines) for lines in range(1, 9)]
    alone = [press.pdf(document) for document in documents]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(press.pdf, documents)) == alone


def test_its_date_is_that_of_the_document(press: Press) -> None:
    assert b"D:20260201093015" in press.pdf(sample())


def test_two_hundred_lines_go_over_pages(press: Press) -> None:
    assert len(press.png(sample(), ppi=20)) == 1
    pages = press.png(sample(lines=200), ppi=20)
    assert 5 <= len(pages) <= 15
    assert len(set(pages)) == len(pages), "each has its own number"


def test_what_looks_like_markup_is_text(press: Press) -> None:
    plain = sample()
    row = Row(HOSTILE, HOSTILE, (HOSTILE,), HOSTILE, HOSTILE, HOSTILE)
    hostile = replace(
        plain,
        rows=(row,),
        buyer=(HOSTILE, HOSTILE, HOSTILE),
        seller=(HOSTILE, HOSTILE),
        facts=(Fact(HOSTILE, HOSTILE),),
        sums=(Sum(HOSTILE, HOSTILE, strong=True),),
        remarks=(HOSTILE, HOSTILE),
        stamp=HOSTILE,
        number=HOSTILE,
        page=HOSTILE,
    )
    assert press.pdf(hostile).startswith(b"%PDF-")
    # Were it read as markup, the asterisks would make what is between them bold, and not be there.
    starred, bare = (press.png(replace(plain, remarks=(text,)), ppi=40) for text in ("*stars*", "stars"))
    assert starred != bare


@pytest.mark.parametrize("text", ["x" * 5000, "한국어 ไทย עברית 👋", "", " ", "\n\n", "a\nb", "\t"])
def test_any_text_can_be_written(press: Press, text: str) -> None:
    row = Row(text, text, (text,), text, text, text)
    assert press.pdf(replace(sample(), rows=(row,), remarks=(text,), buyer=("To", text))).startswith(b"%PDF-")


def test_the_fonts_lie_beside_with_their_licence_and_no_others_are_looked_at() -> None:
    import typst

    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])
    assert sorted({(font.family, font.weight) for font in fonts.fonts()}) == [
        ("Noto Sans", 400),
        ("Noto Sans", 700),
        ("Noto Sans CJK JP", 400),
        ("Noto Sans CJK JP", 700),
    ]
    assert "SIL OPEN FONT LICENSE Version 1.1" in Path(FONTS / "OFL.txt").read_text("utf-8")
