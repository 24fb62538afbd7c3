"""The fenced code blocks of the papers, and how each kind of them is run or read."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import Self

import yaml

from tests.docs.service import Service

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>```+)(?P<language>[\w+-]*)[^`]*$")
BESIDE = "<!-- run beside: tallystick serve -->"
EXEMPT = re.compile(r"^<!-- not run: (?P<reason>\S.*\S) -->$")
DIAGRAMS = ("flowchart ", "graph ", "sequenceDiagram", "stateDiagram", "erDiagram", "classDiagram")
SECONDS_MAX = 120


@dataclass(frozen=True)
class Block:
    """One fenced block; `exempt` is the visible reason why it is not run, `beside` says that it needs the service."""

    file: str
    line: int
    language: str
    text: str
    exempt: str | None = None
    beside: bool = False


class Unlike(AssertionError):
    """The paper shows one thing, and the program does another."""


def papers() -> list[Path]:
    """Every paper whose blocks must be true."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def blocks(text: str, file: str) -> Iterator[Block]:
    lines = iter(enumerate(text.splitlines(), 1))
    last = ""
    for number, line in lines:
        fence = FENCE.match(line)
        if fence is None:
            last = line.strip() or last
            continue
        inside: list[str] = []
        for _, inner in lines:
            if inner.strip() == fence["ticks"]:
                break
            inside.append(inner.removeprefix(fence["indent"]))
        exempt = EXEMPT.match(last)
        yield Block(
            file, number, fence["language"], "\n".join(inside) + "\n", exempt["reason"] if exempt else None, last == BESIDE
        )
        last = ""


def run(found: list[Block], folder: Path) -> None:
    """Runs or reads the blocks of one paper in order, in one folder; its Python blocks share their names.

    Raises Unlike with the place of the block that is not true.
    """
    with ExitStack() as stack:
        python = stack.enter_context(Python(folder))
        ways = READ | {"python": python.run, "console": _run_console, "bash": _run_shell, "sh": _run_shell}
        service: Service | None = None
        for block in found:
            if block.exempt:
                continue
            try:
                if block.language not in ways:
                    raise Unlike(f"no way is known to check {block.language!r}; say why with <!-- not run: … --> before it")
                if block.beside and service is None:
                    service = Service(folder, _environment(folder))
                    stack.callback(service.stop)
                ways[block.language](service.here(block.text) if service else block.text, folder)
            except (Unlike, ValueError, RuntimeError, yaml.YAMLError) as error:
                raise Unlike(f"{block.file}:{block.line}: {error}") from error


class Python:
    """One interpreter for all Python blocks of a paper, so that a console block may stand between two of them."""

    LISTEN = """
import contextlib, io, json, sys, traceback
names, said = {"__name__": "__main__"}, sys.stdout
for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        try:
            exec(compile(json.loads(line), "<paper>", "exec"), names)
            wrong = ""
        except BaseException:
            wrong = traceback.format_exc()
    print(json.dumps(wrong and out.getvalue() + wrong), file=said, flush=True)
"""

    def __init__(self, folder: Path) -> None:
        self._folder, self._process = folder, None

    def __enter__(self) -> Self:
        return self

    def run(self, text: str, folder: Path) -> None:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", self.LISTEN], cwd=folder, env=_environment(folder), stdin=PIPE, stdout=PIPE, text=True
            )
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        if wrong := json.loads(self._process.stdout.readline() or '"the interpreter ended"'):
            raise Unlike(wrong)

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.communicate(timeout=SECONDS_MAX)


def _read_mermaid(text: str, _: Path) -> None:
    if not text.lstrip().startswith(DIAGRAMS):
        raise Unlike(f"not a diagram; it begins with one of {', '.join(DIAGRAMS)}")
    for opened, closed in ("()", "[]", "{}"):
        if text.count(opened) != text.count(closed):
            raise Unlike(f"{opened} and {closed} do not pair")


def _run_shell(text: str, folder: Path) -> None:
    _shell("set -euo pipefail\n" + text, folder)


def _run_console(text: str, folder: Path) -> None:
    for step in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, shown = _command(step)
        output = _shell(command, folder)
        if missing := first_unlike(shown, output):
            raise Unlike(f"$ {command}\nshows {missing!r}, and the program said:\n{output}")


def _command(step: str) -> tuple[str, str]:
    """The command, over as many lines as its backslashes, quotes or here-document need, and what the paper shows below it."""
    lines = step.split("\n")
    ends = (n for n in range(1, len(lines) + 1) if not lines[n - 1].endswith("\\") and "\n".join(lines[:n]).count("'") % 2 == 0)
    end = next(ends, len(lines))
    if (here := re.search(r"<<\s*'?(\w+)'?", lines[0])) and here[1] in lines:
        end = lines.index(here[1]) + 1
    return "\n".join(lines[:end]), "\n".join(lines[end:])


def _shell(command: str, folder: Path) -> str:
    done = _process(["bash", "-c", command], folder)
    may_act = "--dry-run" in command and done.returncode == 2
    if done.returncode and not may_act:
        raise Unlike(f"$ {command}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def _process(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments, cwd=folder, env=_environment(folder), capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )


def _environment(folder: Path) -> dict[str, str]:
    """A stranger's shell: our commands on the path, none of our settings."""
    ours = ("STRIPE_", "TALLYSTICK_", "DATABASE_", "PYTEST")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    return kept | {"PATH": path, "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "120", "HOME": str(folder)}


def first_unlike(shown: str, output: str) -> str | None:
    """The first shown line that the output does not have in this order; "…" stands for anything, alone for any lines."""
    said = iter(_squeezed(line) for line in output.splitlines())
    for line in shown.splitlines():
        wanted = _squeezed(line).replace("...", "…")
        if wanted in {"", "…"}:
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in wanted.split("…")))
        if not any(pattern.search(given) for given in said):
            return line
    return None


def _squeezed(line: str) -> str:
    return " ".join(line.split())


READ: dict[str, Callable[[str, Path], object]] = {
    "": lambda text, _: text,
    "text": lambda text, _: text,
    "json": lambda text, _: json.loads(text),
    "jsonl": lambda text, _: [json.loads(line) for line in text.splitlines()],
    "toml": lambda text, _: tomllib.loads(text),
    "yaml": lambda text, _: yaml.safe_load(text),
    "mermaid": _read_mermaid,
}
