"""The frame that every mail of ours has: a subject, paragraphs, perhaps a link, as plain text and as plain HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

Locale = Literal["en", "ja"]

# Mail programs read no style sheets, and no scripts; what is here they all know.
_BODY = "margin:0;padding:24px 12px;background:#f4f5f7;color:#1c2230;font:16px/1.6 'Segoe UI','Noto Sans JP',sans-serif"
_CARD = "max-width:560px;margin:0 auto;padding:28px 32px;background:#fff;border:1px solid #e2e5ea;border-radius:8px"
_TITLE = "margin:0 0 16px;font-size:20px;line-height:1.35;overflow-wrap:anywhere"
_TEXT = "margin:0 0 14px;overflow-wrap:anywhere;white-space:pre-line"
_LINK = "display:inline-block;padding:10px 18px;background:#1f4e79;color:#fff;border-radius:6px;text-decoration:none"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a letter."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """The same twice: for who reads text, and for who reads HTML."""

    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """What can be done about it, and where."""

    text: str
    url: str

    def __post_init__(self) -> None:
        assert self.url.startswith(("https://", "http://")), "a letter leads to a page, and runs nothing"


def framed(subject: str, paragraphs: Sequence[str], locale: Locale, *, link: Link | None = None) -> Letter:
    """The letter that says this. Whatever it holds is text: nothing in it is read as HTML, and the subject has one line."""
    subject = " ".join(subject.split())
    said = [*paragraphs, *([] if link is None else [f"{link.text}: {link.url}"])]
    written = "\n".join(f'<p style="{_TEXT}">{escape(paragraph)}</p>' for paragraph in paragraphs)
    if link is not None:
        written += f'\n<p style="{_TEXT}"><a style="{_LINK}" href="{escape(link.url)}">{escape(link.text)}</a></p>'
    html = (
        f'<!doctype html>\n<html lang="{locale}"><head><meta charset="utf-8"><title>{escape(subject)}</title></head>\n'
        f'<body style="{_BODY}">\n<div style="{_CARD}">\n<h1 style="{_TITLE}">{escape(subject)}</h1>\n{written}\n</div>\n'
        "</body></html>\n"
    )
    return Letter(subject, "\n\n".join(said) + "\n", html)
