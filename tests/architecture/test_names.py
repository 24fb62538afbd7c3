"""Names say what a thing is, in the words of docs/glossary.md; each module says what it is for; nothing is left undone."""

import ast
import re
from collections.abc import Callable, Iterator

import pytest

from tests.architecture.source import Source, kept_files, sources

EMPTY_WORDS = {"manager", "managers", "helper", "helpers", "util", "utils", "handler", "handlers", "processor", "processors"}
EMPTY_WORDS |= {"data", "info"}
EMPTY_VERBS = ("do_", "handle_", "process_")
ALLOWED = {
    "do_GET": "the name that http.server calls",
    "do_POST": "the name that http.server calls",
    "do_DELETE": "the name that http.server calls",
    "handle_error": "the name that socketserver calls",
    "handle_exit": "the name that uvicorn calls when it is told to stop",
    "process_bind_param": "the name that SQLAlchemy calls in a column type",
    "process_result_value": "the name that SQLAlchemy calls in a column type",
    "get_route_handler": "the name that FastAPI calls in a route class",
    "get_extra_info": "the name that httpcore2 calls in a stream",
    "project_data_processing": "a name that programs call already: what is projected is a service that processes data",
    "data": "the word for the rows of a list, in our API as in Stripe's",
}
STRIPES_ROOMS = ("sandbox/", "providers/")  # they speak Stripe's words, and price_data is one of them
LONG_DOCSTRINGS = {"src/tallystick/values/errors.py": "draws the tree of the errors"}
UNDONE = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")


def names_say_something(source: Source) -> Iterator[str]:
    for node, name in _given_names(source):
        words = re.findall(r"[A-Z]+(?=[A-Z][a-z]|$)|[A-Z]?[a-z0-9]+|[A-Z]+", name)
        lowered = [word.lower() for word in words]
        spoken = set(lowered) - {"data"} if source.room.startswith(STRIPES_ROOMS) else set(lowered)
        empty = EMPTY_WORDS & spoken or (isinstance(node, ast.ClassDef) and lowered[:1] == ["base"])
        if name not in ALLOWED and (empty or name.startswith(EMPTY_VERBS)):
            yield source.at(node, f"{name}: says nothing about billing; docs/glossary.md has better words")


def modules_say_what_they_are_for(source: Source) -> Iterator[str]:
    docstring = ast.get_docstring(source.tree, clean=False)
    if not docstring or not docstring.strip():
        yield source.at(source.tree, "no docstring: say in one to three lines what lives here")
    elif len(docstring.strip().splitlines()) > 3 and source.path not in LONG_DOCSTRINGS:
        yield source.at(source.tree, "the docstring of a module has one to three lines")


def nothing_is_left_undone(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.lines, 1):
        if UNDONE.search(line):
            yield f"{source.path}:{number}: do it now, or write down elsewhere what is to be done"


def _given_names(source: Source) -> Iterator[tuple[ast.AST, str]]:
    yield source.tree, source.path.rsplit("/", 1)[-1].removesuffix(".py")
    for node in source.nodes:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.arg(arg=name):
                yield node, name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield node, name


RULES: dict[Callable[[Source], Iterator[str]], list[tuple[str, str]]] = {
    names_say_something: [
        ("flows/bill.py", "class InvoiceManager: ..."),
        ("flows/bill.py", "class BaseFlow: ..."),
        ("flows/bill.py", "def process_refund(): ..."),
        ("flows/bill.py", "def refund(payment_info): ..."),
        ("flows/bill.py", "def usage_data(): ..."),
        ("storage/utils.py", "x = 1"),
    ],
    modules_say_what_they_are_for: [
        ("flows/bill.py", "x = 1"),
        ("flows/bill.py", '"""One.\n\nThree.\n\nFive."""'),
    ],
    nothing_is_left_undone: [("flows/bill.py", "x = 1  # TO" + "DO: more")],
}
BLAMELESS = '"""What lives here."""\n\n\nclass Basis:\n    def settle(self, metadata: str, database: str) -> None: ...\n'


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_in_the_house(rule: Callable[[Source], Iterator[str]]) -> None:
    assert [broken for source in sources("src/tallystick") for broken in rule(source)] == []


def test_tests_too_say_what_they_are_for_and_leave_nothing_undone() -> None:
    found = [source for source in sources("tests", "bench", "scripts", "examples") if source.text.strip()]
    rules = (modules_say_what_they_are_for, nothing_is_left_undone)
    assert [broken for source in found for rule in rules for broken in rule(source)] == []


def test_nothing_is_left_undone_in_the_papers() -> None:
    papers = [Source(path.name, path.read_text()) for path in kept_files() if path.suffix in {".md", ".toml", ".sh", ".yaml"}]
    assert [broken for paper in papers for broken in nothing_is_left_undone(paper)] == []


@pytest.mark.parametrize(("rule", "room", "text"), [(rule, *plant) for rule, plants in RULES.items() for plant in plants])
def test_a_planted_violation_is_seen(rule: Callable[[Source], Iterator[str]], room: str, text: str) -> None:
    assert list(rule(Source(f"src/tallystick/{room}", text)))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_blameless_code_is_not_blamed(rule: Callable[[Source], Iterator[str]]) -> None:
    assert list(rule(Source("src/tallystick/domain/basis.py", BLAMELESS))) == []
