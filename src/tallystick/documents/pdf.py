"""A document as PDF, by Typst: the same document is the same bytes. Typst comes with the extra `pdf`, and its fonts with us."""

import json
import re
import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tallystick.domain.invoice_documents import Document
from tallystick.values.errors import InvalidInput

if TYPE_CHECKING:
    import typst

_HERE = Path(__file__).parent
_TEMPLATE = _HERE / "document.typ"
_LONG_WORD = re.compile("[!-~\u00a1-\u02ff]{24,}")
_MAY_BREAK = "\u200b"


class Press:
    """Writes documents, one at a time: what it has learned of the template and the fonts makes the next one quick.

    It is made with the first document. Nothing of a document stays that another one could show.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._compiler: typst.Compiler | None = None

    def pdf(self, document: Document) -> bytes:
        """Raises InvalidInput where Typst is not installed."""
        (pdf,) = self._printed(document, "pdf", timestamp=document.written_at.replace(microsecond=0))
        return pdf

    def png(self, document: Document, *, ppi: float = 144) -> list[bytes]:
        """Its pages as pictures, to look at."""
        return self._printed(document, "png", ppi=ppi)

    def _printed(self, document: Document, form: Literal["pdf", "png"], **how: Any) -> list[bytes]:
        # As data and never as markup: nothing in it is read as Typst's own language.
        said = {"document": json.dumps(_written(document), ensure_ascii=False)}
        with self._lock:
            if self._compiler is None:
                self._compiler = _compiler()
            printed = self._compiler.compile(format=form, sys_inputs=said, **how)
        assert printed is not None, "without a file to write to, it is handed back"
        return printed if isinstance(printed, list) else [printed]


def installed() -> bool:
    from importlib.util import find_spec

    return find_spec("typst") is not None


def _compiler() -> "typst.Compiler":
    try:
        import typst
    except ImportError:
        raise InvalidInput(
            "PDF: is not installed here; install it with `pip install 'tallystick[pdf]'`, or ask for HTML",
            code="pdf_not_installed",
        ) from None
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(_HERE / "fonts")])
    return typst.Compiler(_TEMPLATE, root=_HERE, font_paths=fonts)


def _written(document: Document) -> dict[str, Any]:
    """What the template takes; a word that is longer than a column may break in it."""
    values = {name: _breakable(value) for name, value in asdict(document).items() if name != "written_at"}
    values["link"] = None if document.link is None else asdict(document.link)
    return values


def _breakable(value: Any) -> Any:
    match value:
        case str():
            return _LONG_WORD.sub(lambda long: _MAY_BREAK.join(re.findall(".{1,6}", long[0])), value)
        case dict():
            return {name: _breakable(part) for name, part in value.items()}
        case list() | tuple():
            return [_breakable(part) for part in value]
        case _:
            return value
