"""The shell, in a folder of its own with an empty database and no key anywhere."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from tallystick import cli


class Shell:
    """Runs commands as `tallystick …` would; remembers what they printed."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str, exit_status: int = 0) -> str:
        self.capsys.readouterr()
        status = cli.run(list(arguments))
        self.out, self.err = self.capsys.readouterr()
        assert status == exit_status, self.out + self.err
        return self.out

    def json(self, *arguments: str, exit_status: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", exit_status=exit_status))

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, "utf-8")
        return str(path)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """A shell without settings: SQLite in an empty folder, the sandbox for Stripe."""
    for name in ("STRIPE_SECRET_KEY", "STRIPE_API_KEY", "DATABASE_URL", "DEBUG", "PORT", "HOST", "CURRENCY", "HOURLY_RATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    yield Shell(tmp_path, capsys)
    structlog.reset_defaults()  # a command sends the log to this test's standard error, which is closed after it


ShellRun = Callable[..., str]
