"""The arrows of pyproject.toml hold, and the machine that checks them does see a wrong one."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT_IMPORTS, "--no-logo", "--no-cache"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_arrows_point_down() -> None:
    run = lint(ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


WRONG = {
    "a new floor without a name": ("utils/__init__.py", ""),
    "a new module of the domain without a floor": ("domain/misc.py", ""),
    "the domain reads a table": ("domain/usage.py", "from tallystick import storage"),
    "the domain knows a library": ("domain/usage.py", "import sqlalchemy"),
    "values wait": ("values/money.py", "import time"),
    "a lower floor of the domain looks up": ("domain/customers.py", "from tallystick.domain import invoices"),
    "storage calls a provider": ("storage/jobs.py", "from tallystick import providers"),
    "the sandbox knows our rules": ("sandbox/planted.py", "from tallystick import domain"),
    "a flow knows Stripe": ("flows/planted.py", "import stripe"),
    "a flow imports a flow": ("flows/planted.py", "from tallystick.flows import planted_too"),
    "a door opens a table": ("web/planted.py", "from tallystick.storage import schema"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_planted_arrow_is_seen(wrong: str, tmp_path: Path) -> None:
    house = tmp_path / "src" / "tallystick"
    shutil.copytree(ROOT / "src" / "tallystick", house, ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for room in ("storage/__init__.py", "providers/__init__.py", "flows/__init__.py", "flows/planted_too.py", "web/__init__.py"):
        _append(house / room, "")
    _append(house / WRONG[wrong][0], WRONG[wrong][1])
    run = lint(tmp_path)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "BROKEN" in run.stdout or "not listed" in run.stdout.lower() or "Undeclared" in run.stdout, run.stdout


def test_no_arrow_is_ignored_without_the_decision_that_allows_it() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    ignored = {arrow for contract in contracts for arrow in contract.get("ignore_imports", [])}
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    silent = [line for line in lines if any(f'"{arrow}"' in line for arrow in ignored) and "# ADR 0" not in line]
    assert ignored
    assert silent == []


def _append(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(f"\n{text}\n")
