"""`import tallystick` is light and leaves the host's process as it found it; so is `tallystick --help`."""

import ast
import json
import subprocess
import sys
import tomllib

import pytest

import tallystick
from tests.architecture.source import ROOT, Source

HEAVY = ["fastapi", "starlette", "stripe", "pydantic", "typer", "uvicorn", "httpx2", "tallystick.sandbox"]

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


EVERY_NAME = "import tallystick; [getattr(tallystick, name) for name in tallystick.__all__]"


def test_importing_tallystick_is_light() -> None:
    loaded = observe(EVERY_NAME)["loaded"]
    assert [name for name in HEAVY if name in loaded] == []


def test_importing_tallystick_takes_no_global_state() -> None:
    assert observe(EVERY_NAME)["taken"] == []


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


def public_names(source: Source) -> list[str]:
    """What breaks the rule of the package's first file: a docstring, and three lists of names that say the same.

    `__all__` is sorted; what type checkers are told and where a name is found at run time agree with it.
    """
    broken: list[str] = []
    told: dict[str, str] = {}
    listed: list[str] = []
    homes: dict[str, str] = {}
    for node in source.tree.body[1:]:
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=imports):
                told = {alias.name: str(imported.module) for imported in imports for alias in imported.names}
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                listed = ast.literal_eval(value)
            case ast.Assign(targets=[ast.Name(id="_HOMES")], value=value):
                homes = ast.literal_eval(value)
            case ast.ImportFrom(module="importlib" | "typing") | ast.Assign(targets=[ast.Name(id="__version__")]):
                pass
            case ast.FunctionDef(name="__getattr__" | "__dir__"):
                pass
            case _:
                broken.append(source.at(node, "only public names are handed on here"))
    if listed != sorted(told) or homes != told:
        broken.append(f"{source.path}: __all__ is {listed}; types: {sorted(told.items())}; found: {sorted(homes.items())}")
    return broken


def test_the_public_names_are_sorted_and_only_handed_on() -> None:
    path = "src/tallystick/__init__.py"
    assert public_names(Source(path, (ROOT / path).read_text())) == []


def test_the_version_is_told_in_two_places_and_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert tallystick.__version__ == project["version"]


TYPES = (
    '"""Doc."""\nif TYPE_CHECKING:\n    from tallystick.app import Tallystick\n    from tallystick.values.time import Period\n'
)
FOUND = '_HOMES = {"Tallystick": "tallystick.app", "Period": "tallystick.values.time"}\n'


def test_names_that_are_handed_on_rightly_are_not_blamed() -> None:
    assert public_names(Source("src/tallystick/__init__.py", f'{TYPES}{FOUND}__all__ = ["Period", "Tallystick"]')) == []


@pytest.mark.parametrize(
    "planted",
    [
        f'{TYPES}{FOUND}__all__ = ["Tallystick", "Period"]',
        f'{TYPES}{FOUND}__all__ = ["Period"]',
        f'{TYPES}_HOMES = {{"Tallystick": "tallystick.app"}}\n__all__ = ["Period", "Tallystick"]',
        f'{TYPES}{FOUND}__all__ = ["Period", "Tallystick"]\nimport stripe',
        f'{TYPES}{FOUND}__all__ = ["Period", "Tallystick"]\nx = 1',
    ],
)
def test_a_planted_public_name_is_seen(planted: str) -> None:
    assert public_names(Source("src/tallystick/__init__.py", planted))
