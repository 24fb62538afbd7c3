"""Which function answers which method and path, and which params of the SDK it takes."""

from collections.abc import Callable
from dataclasses import dataclass

from tallystick.sandbox.call import Call
from tallystick.sandbox.lists import page
from tallystick.sandbox.state import Doc

Answer = Callable[[Call], Doc]


@dataclass(frozen=True)
class Route:
    """`label` is how faults name it: "POST /v1/payment_intents/{id}/confirm"."""

    method: str
    template: str
    params: str
    answer: Answer
    is_publishable: bool

    @property
    def label(self) -> str:
        return f"{self.method} {self.template}"


class Routes:
    """A table that the files of `objects` fill, each with its own rows."""

    def __init__(self) -> None:
        self.rows: list[Route] = []

    def add(self, method: str, template: str, params: str, *, publishable: bool = False) -> Callable[[Answer], Answer]:
        def register(answer: Answer) -> Answer:
            self.rows.append(Route(method, template, params, answer, publishable))
            return answer

        return register

    def readable(self, kind: str, url: str, params: str, filters: tuple[str, ...] = ()) -> None:
        """Retrieve and list, where they need no rules of their own; the first filter must be an indexed one."""

        def retrieve(call: Call) -> Doc:
            return call.get(kind, call.ids[0])

        def list_page(call: Call) -> Doc:
            wanted = [(name, call.params[name]) for name in filters if name in call.params]
            return page(
                call,
                kind,
                by=wanted[0] if wanted else None,
                where=lambda doc: all(doc.get(name) == value for name, value in wanted[1:]),
            )

        self.add("GET", f"{url}/{{id}}", f"{params}RetrieveParams")(retrieve)
        self.add("GET", url, f"{params}ListParams")(list_page)


class Router:
    """Finds the row for a path; a literal segment goes before a placeholder."""

    def __init__(self, tables: list[Routes]) -> None:
        self._rows: dict[tuple[str, int], list[tuple[list[str], Route]]] = {}
        for row in sorted((row for table in tables for row in table.rows), key=lambda row: row.template.count("{")):
            parts = row.template.split("/")
            self._rows.setdefault((row.method, len(parts)), []).append((parts, row))

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
        asked = path.split("/")
        for parts, row in self._rows.get((method, len(asked)), ()):
            if all(part == given or (part[:1] == "{" and given) for part, given in zip(parts, asked, strict=True)):
                return row, tuple(given for part, given in zip(parts, asked, strict=True) if part[:1] == "{")
        return None
