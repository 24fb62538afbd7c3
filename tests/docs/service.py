"""The service that runs beside a paper's blocks, on a port of its own, for as long as the paper is read."""

import socket
import subprocess
import time
import urllib.request
from pathlib import Path

SHOWN = "localhost:8000"
SECONDS_TO_START = 60


class Service:
    """`tallystick serve` in the folder of the paper; what the paper calls localhost:8000 is where it listens."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._log = folder / "serve.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                ["tallystick", "serve"], cwd=folder, env=environment | {"PORT": str(self._port)}, stdout=log, stderr=log
            )
        self._wait()

    def here(self, text: str) -> str:
        """The text of a block, with the address that holds here."""
        return text.replace(SHOWN, f"localhost:{self._port}")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait(self) -> None:
        end = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < end and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/healthz", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"tallystick serve did not come up: {self._log.read_text()}")
