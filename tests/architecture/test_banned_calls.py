"""Time, chance, secrets, settings and errors each come through one door; floats stay out of money."""

import ast
import re
from collections.abc import Callable, Iterator

import pytest

from tests.architecture.source import Source, dotted, sources

WALL = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "uuid.uuid1",
    "uuid.uuid4",
}
WALL |= {f"datetime.{name}" for name in WALL if name.startswith("date")} | {"uuid1", "uuid4"}
BROAD = {"Exception", "BaseException"}
SECRET = re.compile(r"secret|signature|token_hash", re.IGNORECASE)
CHANGING = {"append", "add", "update", "pop", "popitem", "clear", "setdefault", "extend", "insert", "remove", "discard"}
FLOATS_ALLOWED = {"values/time.py": "the protocol of a monotonic clock, which is for waiting and never for money"}
# Filled by decorators while the modules are imported, and never after.
REGISTERS = {"sandbox/expand.py": {"_INCLUDED"}, "sandbox/objects/due.py": {"_TASKS"}}


def the_wall_is_read_in_one_place(source: Source) -> Iterator[str]:
    if source.room != "values/time.py":
        yield from (
            source.at(call, "ask the Clock or the Ids you were given") for call in _calls(source) if dotted(call.func) in WALL
        )


def chance_is_handed_in(source: Source) -> Iterator[str]:
    for node in source.nodes:
        name = dotted(node)
        if name.startswith("random.") and name != "random.Random":
            yield source.at(node, "randomness is handed in; a seeded random.Random may be")
        if isinstance(node, ast.ImportFrom) and node.module == "random" and any(alias.name != "Random" for alias in node.names):
            yield source.at(node, "randomness is handed in; a seeded random.Random may be")


def secrets_come_from_ids(source: Source) -> Iterator[str]:
    if source.room != "values/ids.py":
        yield from (source.at(node, "secrets come from Ids.secret()") for node in _imports(source, "secrets"))


def the_environment_is_read_by_settings(source: Source) -> Iterator[str]:
    if source.room != "settings.py":
        for node in source.nodes:
            if dotted(node) in {"os.environ", "os.getenv", "os.putenv"}:
                yield source.at(node, "the environment is read by settings.py")


def only_the_shell_prints(source: Source) -> Iterator[str]:
    if not source.room.startswith("cli"):
        yield from (source.at(call, "only cli prints") for call in _calls(source) if dotted(call.func) in {"print", "pprint"})


def money_knows_no_floats(source: Source) -> Iterator[str]:
    if not source.room.startswith(("values/", "domain/")) or source.room in FLOATS_ALLOWED:
        return
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield source.at(node, "a float; write a Decimal, a Fraction or an int")
        if isinstance(node, ast.Name) and node.id == "float":
            yield source.at(node, "the name float; exact numbers only")


def secrets_are_compared_in_constant_time(source: Source) -> Iterator[str]:
    for node in source.nodes:
        if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
            continue
        sides = [node.left, *node.comparators]
        if any(SECRET.search(dotted(side)) for side in sides) and not any(isinstance(side, ast.Constant) for side in sides):
            yield source.at(node, "compare secrets with hmac.compare_digest")


def errors_are_not_swallowed(source: Source) -> Iterator[str]:
    for node in source.nodes:
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            yield source.at(node, "a bare except")
        elif _is_broad(node.type) and not _raises(node) and not _says_why(source, node):
            yield source.at(node, "except Exception without raise: say why in a comment on that line")


def no_module_keeps_state(source: Source) -> Iterator[str]:
    constants: set[str] = set()
    for node in source.tree.body:
        for name, value in _bound(node):
            if name.strip("_").isupper() or name.startswith("__"):
                constants.add(name)
            elif isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
                yield source.at(node, f"{name} can change: a module keeps constants only")
    for function in source.functions():
        yield from _changes(source, function, constants - REGISTERS.get(source.room, set()))


def _changes(source: Source, function: ast.AST, constants: set[str]) -> Iterator[str]:
    for node in ast.walk(function):
        match node:
            case ast.Global():
                yield source.at(node, "global: state belongs to an object")
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()) if name in constants:
                yield source.at(node, f"changes the constant {name}")
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr)) if attr in CHANGING and name in constants:
                yield source.at(node, f"changes the constant {name}")


def _calls(source: Source) -> Iterator[ast.Call]:
    return (node for node in source.nodes if isinstance(node, ast.Call))


def _imports(source: Source, module: str) -> Iterator[ast.AST]:
    for node in source.nodes:
        if isinstance(node, ast.Import) and any(alias.name == module for alias in node.names):
            yield node
        if isinstance(node, ast.ImportFrom) and node.module == module:
            yield node


def _is_broad(kind: ast.expr) -> bool:
    return any(dotted(part) in BROAD for part in (kind.elts if isinstance(kind, ast.Tuple) else [kind]))


def _raises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) for statement in handler.body for node in ast.walk(statement))


def _says_why(source: Source, handler: ast.ExceptHandler) -> bool:
    near = source.lines[handler.lineno - 2 : handler.lineno + 1]
    reasons = [re.sub(r"noqa(: ?[A-Z0-9, ]+)?", "", line.split("#", 1)[1]) for line in near if "#" in line]
    return any(len(reason.split()) >= 3 for reason in reasons)


def _bound(node: ast.stmt) -> Iterator[tuple[str, ast.expr | None]]:
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from ((target.id, value) for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name), value=value):
            yield name, value


RULES: dict[Callable[[Source], Iterator[str]], list[tuple[str, str]]] = {
    the_wall_is_read_in_one_place: [
        ("flows/bill.py", "at = datetime.now(UTC)"),
        ("domain/x.py", "import uuid\nid = uuid.uuid4()"),
    ],
    chance_is_handed_in: [("sandbox/x.py", "import random\nx = random.choice([1])"), ("flows/x.py", "from random import random")],
    secrets_come_from_ids: [("web/x.py", "import secrets"), ("cli/x.py", "from secrets import token_hex")],
    the_environment_is_read_by_settings: [("app.py", "import os\nport = os.environ['PORT']"), ("app.py", "os.getenv('PORT')")],
    only_the_shell_prints: [("flows/bill.py", "print('billed')")],
    money_knows_no_floats: [("domain/rating.py", "share = 0.5"), ("values/money.py", "x = float('1')")],
    secrets_are_compared_in_constant_time: [("web/x.py", "ok = given == expected_signature"), ("app.py", "self.secret != other")],
    errors_are_not_swallowed: [
        ("app.py", "try:\n    x()\nexcept:\n    pass"),
        ("app.py", "try:\n    x()\nexcept Exception:\n    pass"),
        ("app.py", "try:\n    x()\nexcept (ValueError, Exception):  # noqa: BLE001\n    pass"),
    ],
    no_module_keeps_state: [
        ("app.py", "cache = {}"),
        ("app.py", "CACHE = {}\ndef f():\n    CACHE['x'] = 1"),
        ("app.py", "_SEEN = set()\ndef f():\n    _SEEN.add(1)"),
        ("app.py", "def f():\n    global x\n    x = 1"),
    ],
}

BLAMELESS = '''
"""A module that breaks nothing."""
import random
TRANSITIONS = {1: {2}}
__all__ = ["x"]
def f(clock, secret):
    at = clock.now()
    dice = random.Random(7)
    if secret == "":
        return at, dice
    try:
        seen = {}
        seen["x"] = 1
    except Exception:  # whatever the host's hook does, the reading goes on
        pass
    try:
        f(1, 2)
    except Exception as error:
        raise ValueError from error
'''


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_rule_that(rule: Callable[[Source], Iterator[str]]) -> None:
    assert [broken for source in sources("src/tallystick") for broken in rule(source)] == []


@pytest.mark.parametrize(("rule", "room", "text"), [(rule, *plant) for rule, plants in RULES.items() for plant in plants])
def test_a_planted_violation_is_seen(rule: Callable[[Source], Iterator[str]], room: str, text: str) -> None:
    assert list(rule(Source(f"src/tallystick/{room}", text)))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_blameless_code_is_not_blamed(rule: Callable[[Source], Iterator[str]]) -> None:
    assert list(rule(Source("src/tallystick/domain/blameless.py", BLAMELESS))) == []
