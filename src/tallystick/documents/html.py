"""A document as one page of HTML: no script, one style sheet of its own, nothing from anywhere else; it prints well."""

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path

from tallystick.domain.invoice_documents import Document, Sum
from tallystick.domain.line_documents import Row

_STYLE = Path(__file__).with_name("document.css")


def page(document: Document) -> str:
    """The page; every value is written as text."""
    title = f"{document.title} {document.number}"
    return (
        f'<!doctype html>\n<html lang="{document.language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>{_style()}</style>\n</head>\n<body>\n<main>\n{_body(document)}</main>\n</body>\n</html>\n"
    )


def _body(document: Document) -> str:
    stamp = "" if document.stamp is None else f'<p class="stamp">{escape(document.stamp)}</p>\n'
    rows, sums = _joined(_row(row) for row in document.rows), _joined(_sum(each) for each in document.sums)
    remarks = _joined(f"<p>{escape(remark)}</p>" for remark in document.remarks)
    return (
        f"<header>\n<div>\n<h1>{escape(document.title)}</h1>\n{stamp}</div>\n<dl>\n{_facts(document)}\n</dl>\n</header>\n"
        f'<div class="parties">\n{_party(document.seller)}\n{_party(document.buyer)}\n</div>\n'
        f'<table class="lines">\n<thead>\n{_head(document.columns)}\n</thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n'
        f'<table class="sums">\n<tbody>\n{sums}\n</tbody>\n</table>\n'
        f"{_link(document)}<footer>\n{remarks}\n</footer>\n"
    )


def policy() -> str:
    """The Content-Security-Policy of a page: its own style sheet, by its hash, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def _facts(document: Document) -> str:
    return _joined(f"<dt>{escape(fact.label)}</dt><dd>{escape(fact.value)}</dd>" for fact in document.facts)


def _party(lines: tuple[str, ...]) -> str:
    heading, name, *rest = lines
    said = _joined(f"<p>{escape(line)}</p>" for line in rest)
    return f'<section>\n<h2>{escape(heading)}</h2>\n<p class="name">{escape(name)}</p>\n{said}\n</section>'


def _head(columns: tuple[str, ...]) -> str:
    first, *rest = columns
    return f'<tr><th scope="col">{escape(first)}</th>{"".join(_column(column) for column in rest)}</tr>'


def _column(column: str) -> str:
    return f'<th scope="col" class="figure">{escape(column)}</th>' if column else '<td class="figure"></td>'


def _row(row: Row) -> str:
    details = "".join(f"<li>{escape(detail)}</li>" for detail in row.details)
    below = f'<p class="period">{escape(row.period)}</p>' + (f"<ul>{details}</ul>" if details else "")
    cells = "".join(f'<td class="figure">{escape(cell)}</td>' for cell in (row.quantity, row.price, row.amount))
    return f'<tr><td><p class="text">{escape(row.text)}</p>{below}</td>{cells}</tr>'


def _sum(each: Sum) -> str:
    kind = ' class="strong"' if each.strong else ""
    return f'<tr{kind}><th scope="row">{escape(each.label)}</th><td class="figure">{escape(each.amount)}</td></tr>'


def _link(document: Document) -> str:
    if document.link is None:
        return ""
    return f'<p class="link"><a href="{escape(document.link.value)}" rel="noreferrer">{escape(document.link.label)}</a></p>\n'


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(parts)


@cache
def _style() -> str:
    return _STYLE.read_text("utf-8")
