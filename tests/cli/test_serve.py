"""What stops the service before it begins: said in a line, and nobody else is harmed by it."""

import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Shell


def test_a_port_that_is_in_use_is_said_before_anything_is_done(shell: Shell) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        printed = shell("serve", "--port", port, exit_status=1)
    assert printed == "", "no address, and no key that would be shown this once"
    assert f"PORT: {port} on 127.0.0.1 cannot be listened on" in shell.err
    assert "such as PORT=8001 [wrong_configuration]" in shell.err
    assert not list(shell.folder.iterdir()), "whoever serves there goes on hearing of the sandbox"


def test_a_host_that_is_not_ours_is_said_the_same_way(shell: Shell) -> None:
    shell("serve", "--host", "192.0.2.1", exit_status=1)
    assert "on 192.0.2.1 cannot be listened on" in shell.err


@pytest.mark.parametrize("kept", [b"no database at all, but a line of text", None])
def test_a_sandbox_that_cannot_be_read_is_said_in_a_line(shell: Shell, kept: bytes | None) -> None:
    path = Path("tallystick-sandbox.db")
    if kept is None:
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA user_version = 99")
    else:
        path.write_bytes(kept)
    for command in (["verify"], ["serve", "--port", "65535"]):
        shell(*command, exit_status=1)
        assert "sandbox: tallystick-sandbox.db cannot be opened" in shell.err
        assert "TALLYSTICK_SANDBOX_PATH [wrong_configuration]" in shell.err


def test_a_sandbox_in_a_folder_that_is_not_there_is_said_in_a_line(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYSTICK_SANDBOX_PATH", "nowhere/sandbox.db")
    shell("verify", exit_status=1)
    assert "sandbox: nowhere/sandbox.db cannot be opened (unable to open database file)" in shell.err
    assert "nowhere/sandbox.db cannot be opened" in shell("doctor", exit_status=1)
