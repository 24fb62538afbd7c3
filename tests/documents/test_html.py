"""The page: well-formed, all of it text, and its policy lets nothing run but its own style sheet."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

from tallystick.documents.html import page, policy
from tallystick.domain.invoice_documents import Fact, Sum
from tallystick.domain.line_documents import Row
from tests.documents.test_pdf import sample

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(1)>\"' &lt; {page}"
VOID = {"meta"}


class Reader(HTMLParser):
    """The tags that are open, the names of all of them, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.names.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def test_all_of_the_document_stands_on_the_page() -> None:
    text = read(page(sample(lines=2))).text
    for said in (
        "Invoice",
        "Paid",
        "INV-000001",
        "Example Ltd",
        "髙橋・﨑山 𠮷野 株式会社",
        "Tier 1: 10 × $1 = $10",
        "$30",
        "Please pay.",
    ):
        assert said in text
    assert text.count("API calls") == 2


def test_what_others_have_named_is_text() -> None:
    row = Row(HOSTILE, HOSTILE, (HOSTILE,), HOSTILE, HOSTILE, HOSTILE)
    hostile = replace(
        sample(),
        title=HOSTILE,
        number=HOSTILE,
        stamp=HOSTILE,
        rows=(row,),
        buyer=(HOSTILE, HOSTILE, HOSTILE),
        seller=(HOSTILE, HOSTILE),
        facts=(Fact(HOSTILE, HOSTILE),),
        columns=(HOSTILE, HOSTILE),
        sums=(Sum(HOSTILE, HOSTILE),),
        remarks=(HOSTILE,),
        link=Fact(HOSTILE, f"https://example.com/{HOSTILE}"),
    )
    reader = read(page(hostile))
    assert reader.names.isdisjoint({"script", "img", "iframe", "object", "link", "base", "form"})
    assert reader.text.count(HOSTILE) >= 20


def test_the_policy_names_the_one_style_sheet_by_its_hash() -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", page(sample()), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy()
    assert "default-src 'none'" in policy()
    assert "style=" not in page(sample()), "an attribute would be refused by it"
    assert "url(" not in style
    assert "@import" not in style
