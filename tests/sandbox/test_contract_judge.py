"""An independent judge stands between the SDK and the sandbox, and finds nothing to object to on either side."""

import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe
import uvicorn

from tallystick.sandbox import Sandbox
from tallystick.sandbox.faces import asgi_app
from tests.sandbox.session import drive

JUDGE = Path(os.environ.get("TALLYSTICK_STRIPE_CONTRACT", Path(__file__).parents[3] / "shared/tools/stripe_contract.py"))
pytestmark = pytest.mark.skipif(not JUDGE.exists(), reason=f"the judge is not here: {JUDGE}; set TALLYSTICK_STRIPE_CONTRACT")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


@pytest.fixture
def sandbox_port(world: Any) -> Iterator[int]:
    yield from served(world.sandbox)


def served(sandbox: Sandbox) -> Iterator[int]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(asgi_app(sandbox), host="127.0.0.1", port=port, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_for(port)
    yield port
    server.should_exit = True
    thread.join()


@pytest.fixture
def judge(sandbox_port: int, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    port, log = free_port(), tmp_path / "judge.jsonl"
    upstream = f"http://127.0.0.1:{sandbox_port}"
    command = [sys.executable, str(JUDGE), "serve", "--port", str(port), "--log", str(log), "--upstream", upstream]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield port, log
    finally:
        process.terminate()
        process.wait()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(JUDGE), *arguments], capture_output=True, text=True, check=False)


def test_no_violation_in_a_session_over_every_endpoint(world: Any, judge: tuple[int, Path], sandbox_port: int) -> None:
    port, log = judge
    client = stripe.StripeClient(
        "sk_test_judged",
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=60),
        base_addresses={"api": f"http://127.0.0.1:{port}"},
    )
    numbers = itertools.count(1)
    drive(client.v1, world, lambda: {"idempotency_key": f"session:{next(numbers)}"})
    checked = run("check", str(log))
    assert checked.returncode == 0, checked.stdout
    answered = run("responses", "--upstream", f"http://127.0.0.1:{sandbox_port}")
    assert answered.returncode == 0, answered.stdout
