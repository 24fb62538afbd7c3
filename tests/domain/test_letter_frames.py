"""The frame of every mail: the same in text and in HTML, and nothing that it holds is read as anything but text."""

import pytest

from tallystick.domain.letter_frames import Link, framed

HOSTILE = '<script>alert(1)</script> "&amp; {subject}\u2028Bcc: eve'


def test_what_is_said_is_said_in_text_and_in_html() -> None:
    letter = framed("80 % of calls used", ["ada has used 80.", "It begins anew on 1 March."], "en")
    assert letter.text == "ada has used 80.\n\nIt begins anew on 1 March.\n"
    assert letter.html.count("<p ") == 2
    assert 'lang="en"' in letter.html
    assert letter.attachments == ()


def test_a_letter_is_text_whatever_it_holds() -> None:
    letter = framed(HOSTILE, [HOSTILE], "ja", link=Link(HOSTILE, 'https://example.com/"><img src=x>?a=1&b=2'))
    assert letter.subject.count("\u2028") == 0
    assert "<script" not in letter.html
    assert "<img" not in letter.html
    assert 'href="https://example.com/&quot;&gt;&lt;img src=x&gt;?a=1&amp;b=2"' in letter.html
    assert "{subject}" in letter.text


def test_a_link_is_there_for_who_reads_text_too() -> None:
    letter = framed("Your card", ["It was declined."], "en", link=Link("Use another card", "https://example.com/card"))
    assert letter.text == "It was declined.\n\nUse another card: https://example.com/card\n"


def test_a_link_leads_to_a_page_and_runs_nothing() -> None:
    with pytest.raises(AssertionError):
        Link("Pay", "javascript:alert(1)")
