"""Whether the provider answers: known from what was asked anyway, and asked for only where that was long ago."""

import threading
from datetime import timedelta
from typing import Literal

import structlog

from tallystick.app import Tallystick
from tallystick.domain.diagnosis import ProviderAccount
from tallystick.providers.protocol import Refused

CHECK_EVERY_S = 60.0
HEARD_FOR = timedelta(minutes=10)  # a question a minute would be more than Stripe allots to a small business in a month

log = structlog.get_logger("tallystick.web")

Standing = Literal["ok", "refused", "unknown", "unreachable"]


class ProviderCheck:
    """Remembers the last answer; reading it costs nothing, so that readiness never waits for somebody else."""

    def __init__(self, billing: Tallystick) -> None:
        self._billing = billing
        self._last: Standing = "unknown"

    def standing(self) -> Standing:
        """As far as this process knows."""
        return "ok" if self._heard() else self._last

    def refresh(self) -> None:
        """Asks, unless something was heard in the last minutes."""
        if self._heard():
            self._last = "ok"
            return
        told = self._billing.context.provider.fetch_account()
        if isinstance(told, ProviderAccount):
            self._last = "ok"
        else:
            self._last = "refused" if isinstance(told, Refused) else "unreachable"

    def run(self, stop: threading.Event) -> None:
        """Once a minute, until `stop` is set."""
        while not stop.is_set():
            try:
                self.refresh()
            except Exception as bug:  # of ours: readiness would go on saying what was true before it
                self._last = "unknown"
                log.error("provider_check.crashed", error=type(bug).__name__)
            stop.wait(CHECK_EVERY_S)

    def circuits(self) -> dict[str, str]:
        """The kinds of endpoints that are being left alone, or tried again, just now."""
        circuits = self._billing.context.provider.circuits
        states = {} if circuits is None else circuits.states()
        return {kind: state.value for kind, state in states.items() if state.value != "closed"}

    def _heard(self) -> bool:
        context = self._billing.context
        heard_at = None if context.provider.circuits is None else context.provider.circuits.heard_at
        return heard_at is not None and abs(context.clock.now() - heard_at) < HEARD_FOR and self._last != "refused"
