"""The threads beside the routes: jobs, this machine's uptime, and the sandbox's webhooks; each stops when it is told to."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx2
import structlog

from tallystick.app import Tallystick
from tallystick.collectors.uptime import UptimeBilling
from tallystick.settings import Settings
from tallystick.values.errors import TallystickError
from tallystick.web.provider_check import ProviderCheck
from tallystick.worker.loop import run_forever

if TYPE_CHECKING:
    from tallystick.sandbox.server import Sandbox

UPTIME_EVERY_S = 30.0
DELIVER_EVERY_S = 0.5
_STOP_S = 30.0
_POST_S = 10.0

log = structlog.get_logger("tallystick.web")

Work = Callable[[threading.Event], None]


class Background:
    """Threads that were started together, and stop together."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, name: str, work: Work) -> None:
        """`work` runs in a thread of its own until the event is set."""
        thread = threading.Thread(target=work, args=(self._stop,), name=f"tallystick-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Returns when each has ended what it was at; one that does not is left behind, and said."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_STOP_S)
            if thread.is_alive():
                log.error("background.stuck", thread=thread.name)


def started(
    billing: Tallystick, settings: Settings, uptime: UptimeBilling | None, check: ProviderCheck | None = None
) -> Background:
    """Everything that the settings ask for, running."""
    background = Background()
    if settings.worker:
        background.start("worker", lambda stop: run_forever(billing.context, stop))
    if check is not None:
        background.start("provider", check.run)
    if uptime is not None:
        background.start("uptime", lambda stop: _meter(uptime, stop))
    if billing.sandbox is not None:
        sandbox = billing.sandbox
        background.start("webhooks", lambda stop: _deliver(sandbox, stop))
    return background


def _meter(uptime: UptimeBilling, stop: threading.Event) -> None:
    """Records the uptime every half minute, and once more at the end."""
    while True:
        try:
            uptime.record()
        except TallystickError as error:
            log.warning("uptime.not_recorded", code=error.code, detail=error.message)
        except Exception as bug:  # of ours, or of the kernel's: a thread that died of it would leave hours unbilled
            log.error("uptime.crashed", error=type(bug).__name__)
        if stop.is_set():
            return
        stop.wait(UPTIME_EVERY_S)


def _deliver(sandbox: "Sandbox", stop: threading.Event) -> None:
    """Posts what the sandbox has to tell, as Stripe would: over HTTP, to whatever address listens."""
    with httpx2.Client(timeout=_POST_S, trust_env=False) as client:

        def post(url: str, headers: dict[str, str], body: bytes) -> int:
            try:
                return client.post(url, headers=headers, content=body).status_code
            except httpx2.HTTPError as error:
                raise OSError(str(error)) from error

        while not stop.wait(DELIVER_EVERY_S):
            try:
                sandbox.webhooks.deliver_due(post)
            except Exception as bug:  # such as a file that another process holds: what is due stays due
                log.error("webhooks.crashed", error=type(bug).__name__)
