"""`import tallystick` is light and leaves the host's process as it found it; so is `tallystick --help`."""

import ast
import json
import subprocess
import sys

import pytest

from tests.architecture.source import ROOT, Source

HEAVY = ["fastapi", "starlette", "stripe", "pydantic", "typer", "uvicorn", "rich", "httpx2", "structlog", "tallystick.sandbox"]

OBSERVED = """
import decimal, json, locale, logging, signal, sys, threading, warnings
import sqlalchemy
warnings.simplefilter("error")
def world():
    return {
        "decimal": repr(decimal.getcontext()),
        "root logger": repr([logging.root.level, logging.root.handlers, logging.root.filters]),
        "locale": locale.setlocale(locale.LC_ALL),
        "warnings": repr(warnings.filters),
        "hooks": repr([sys.excepthook, threading.excepthook, signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)]),
        "threads": threading.active_count(),
        "path": repr(sys.path),
    }
before = world()
TOUCH
after = world()
print(json.dumps({"taken": [name for name in before if before[name] != after[name]], "loaded": sorted(sys.modules)}))
"""


def observe(touch: str) -> dict[str, list[str]]:
    """What a fresh interpreter has loaded after `touch`, and what of its global state that took."""
    script = OBSERVED.replace("TOUCH", touch)
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT / "src", capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


def test_importing_tallystick_is_light() -> None:
    loaded = observe("import tallystick; [getattr(tallystick, name) for name in getattr(tallystick, '__all__', [])]")["loaded"]
    assert [name for name in HEAVY if name in loaded] == []


def test_importing_tallystick_takes_no_global_state() -> None:
    assert observe("import tallystick; [getattr(tallystick, name) for name in getattr(tallystick, '__all__', [])]")["taken"] == []


def test_help_is_light() -> None:
    if not (ROOT / "src/tallystick/cli/__init__.py").exists():
        pytest.skip("tallystick.cli is not built yet")
    calls = "import contextlib, io, tallystick.cli\nsys.argv = ['tallystick', '--help']\n"
    calls += (
        "with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):\n    tallystick.cli.main()\n"
    )
    loaded = observe(calls + "assert 'serve' in out.getvalue(), out.getvalue()")["loaded"]
    assert [
        name for name in ("fastapi", "stripe", "uvicorn", "pydantic", "alembic", "tallystick.sandbox") if name in loaded
    ] == []


@pytest.mark.parametrize(
    ("touch", "taken"),
    [
        ("decimal.getcontext().prec = 50", "decimal"),
        ("logging.basicConfig()", "root logger"),
        ("warnings.simplefilter('ignore')", "warnings"),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "hooks"),
        ("threading.Thread(target=threading.Event().wait, daemon=True).start()", "threads"),
    ],
)
def test_a_planted_grip_on_the_process_is_seen(touch: str, taken: str) -> None:
    assert observe(touch)["taken"] == [taken]


def test_a_planted_heavy_import_is_seen() -> None:
    assert "stripe" in observe("import stripe")["loaded"]


def public_names_are_only_handed_on(source: Source) -> list[str]:
    """What breaks the rule that the package's first file holds a docstring, imports of ours, and a sorted `__all__`."""
    broken, imported, names = [], [], []
    for node in source.tree.body[1:]:
        match node:
            case ast.ImportFrom(module=str(module)) if module.startswith("tallystick"):
                imported += [alias.asname or alias.name for alias in node.names]
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List(elts=elements)):
                names = [element.value for element in elements if isinstance(element, ast.Constant)]
            case _:
                broken.append(source.at(node, "only re-exports stand here"))
    if names != sorted(imported):
        broken.append(f"{source.path}: __all__ is {names}, imported and sorted it would be {sorted(imported)}")
    return broken


def test_the_public_names_are_sorted_and_only_handed_on() -> None:
    path = "src/tallystick/__init__.py"
    assert public_names_are_only_handed_on(Source(path, (ROOT / path).read_text())) == []


@pytest.mark.parametrize(
    "planted",
    [
        '"""Doc."""\nfrom tallystick.app import Tallystick, A\n__all__ = ["Tallystick", "A"]',
        '"""Doc."""\nfrom tallystick.app import Tallystick\n__all__ = []',
        '"""Doc."""\nimport stripe',
        '"""Doc."""\nx = 1',
    ],
)
def test_a_planted_public_name_is_seen(planted: str) -> None:
    assert public_names_are_only_handed_on(Source("src/tallystick/__init__.py", planted))
