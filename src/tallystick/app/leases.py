"""All leases of one process: renewed and written down in the background, given back at the end."""

import atexit
import os
import threading
import weakref
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import structlog

from tallystick.app.engine import Engine
from tallystick.app.lease import Lease, Number, Terms
from tallystick.domain.customers import checked_key
from tallystick.domain.entitlements import Decision, checked_quantity
from tallystick.domain.leases import SIZE_DEFAULT, TTL_DEFAULT, checked_ttl
from tallystick.flows._spent import Written
from tallystick.values.errors import TallystickError
from tallystick.values.ids import CustomerId, MeterKey

log = structlog.get_logger("tallystick.leases")

PERIOD_S = 0.25  # between two times that everything is written down; the last use is on disk within a second
SPENT_MAX = 5_000
PATIENCE_S = 30.0


@dataclass(slots=True)
class Counts:
    """What became of the uses that were answered out of memory, since the start of this process.

    `recorded`: written down. `again`: had been before, and gave their part back. `refused`: another use has that op. `lost`: were
    written down so late that the lease had ended and its room was gone. `unchecked`: allowed by a soft or unlimited quota while
    the database could not be reached; of them, `dropped` were too many to remember. `failures` counts the failed attempts.
    """

    recorded: int = 0
    again: int = 0
    refused: int = 0
    lost: int = 0
    unchecked: int = 0
    dropped: int = 0
    failures: int = 0

    def add(self, written: Written) -> None:
        self.recorded += len(written.recorded)
        self.again += len(written.again)
        self.refused += len(written.refused)
        self.lost += len(written.lost)


class Leases:
    """Answers most uses of quotas from memory: it holds a part of each that is used, and never overspends any.

    Durable within a second, not before the answer: use `consume` where it must be. Safe to share between threads, and empty in
    a forked child. Close it before the engine, or use it in a `with`; at the end of the program
    one with a `background` is closed by itself.
    """

    def __init__(
        self, billing: Engine, *, size: Number = SIZE_DEFAULT, ttl: timedelta = TTL_DEFAULT, spent_max: int = SPENT_MAX,
        background: bool = True,
    ) -> None:  # fmt: skip
        """Holds `size` of each quota (less, where little is left) for `ttl` at a time.

        Without `background`, call `keep` several times a second yourself.
        """
        self.counts = Counts()
        self._context, self._background = billing.context, background
        self._terms = Terms(checked_quantity(size, field="size"), checked_ttl(ttl), spent_max)
        self._leases: dict[tuple[str, str], Lease] = {}
        self._thread: threading.Thread | None = None
        self._begin()
        itself = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _forget_parents(itself()))
        if background:
            atexit.register(self.close)

    def check(self, customer_id: str, meter_key: str, quantity: Number = 1) -> Decision:
        """Whether so much may be used now; nothing is taken. A no has been asked of the database."""
        lease = self._leases.get((customer_id, meter_key)) or self.of(customer_id, meter_key)
        return lease.check(quantity)

    def consume(self, customer_id: str, meter_key: str, quantity: Number = 1, *, op: str) -> Decision:
        """The decision; where it allows, the quantity is taken, and recorded within a second, once for `op`.

        Raises Conflict where the op was used for something else, as far as this process can know: see `counts.refused`.
        """
        lease = self._leases.get((customer_id, meter_key)) or self.of(customer_id, meter_key)
        return lease.consume(quantity, op=op)

    def of(self, customer_id: str, meter_key: str) -> Lease:
        """The lease of one quota; nothing is held of it before it is used."""
        key = checked_key(customer_id, field="customer"), checked_key(meter_key, field="meter")
        made = Lease(self._context, CustomerId(key[0]), MeterKey(key[1]), self._terms, self)
        return self._leases.setdefault(key, made)

    def keep(self) -> None:
        """Writes down what was spent, renews what is in use, and gives back what is not; a failure waits for the next time."""
        for lease in list(self._kept):
            self._keep(lease)

    def flush(self) -> None:
        """Everything that was spent so far is on disk. Raises Busy where the database cannot be reached."""
        for lease in list(self._kept):
            lease.keep()

    def close(self) -> None:
        """Writes down and gives back everything; where the database cannot be reached, what is left is lost, and counted."""
        self.is_closed = True
        self._woken.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(PATIENCE_S)
        self._thread = None
        for lease in list(self._kept):
            try:
                lease.keep(last=True)
            except TallystickError as error:
                log.error("lease.unwritten", error=error.message)
        self._kept.clear()
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What a lease tells its home

    def wake(self) -> None:
        self._woken.set()

    def keeps(self, lease: Lease) -> None:
        self._kept[lease] = None
        if self._background and self._thread is None and not self.is_closed:
            self._start()

    def drops(self, lease: Lease) -> None:
        self._kept.pop(lease, None)
        if self._leases.get((lease.customer_id, lease.meter_key)) is lease:
            self._leases.pop((lease.customer_id, lease.meter_key), None)

    def wrote(self, lease: Lease, written: Written) -> None:
        with self._counting:
            self.counts.add(written)
        for what, ops in (("refused", written.refused), ("lost", written.lost)):
            if ops:
                self._context.faults.mark(f"lease.{what}")
                log.error(f"lease.{what}", customer=lease.customer_id, meter=lease.meter_key, ops=ops[:20], count=len(ops))

    def failed(self, error: TallystickError) -> None:
        with self._counting:
            self.counts.failures += 1
        log.warning("lease.failed", error=error.message, code=error.code)

    def served_without(self, *, is_remembered: bool) -> None:
        with self._counting:
            self.counts.unchecked += 1
            self.counts.dropped += not is_remembered
        self._context.faults.mark("lease.unchecked" if is_remembered else "lease.dropped")

    def _begin(self) -> None:
        self._kept: dict[Lease, None] = {}  # in the order in which they came, which a set would not keep
        self._woken, self.is_closed = threading.Event(), False
        self._thread = None
        self._starting, self._counting = threading.Lock(), threading.Lock()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tallystick-leases", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self.is_closed:
            self._woken.wait(PERIOD_S)
            self._woken.clear()
            self.keep()

    def _keep(self, lease: Lease) -> None:
        try:
            lease.keep()
        except TallystickError:
            pass  # was counted, and told; what was spent waits
        except Exception:
            log.exception("lease.crashed")  # of the others none shall suffer from it

    def _forked(self) -> None:
        for lease in {*self._leases.values(), *self._kept}:
            lease.forget()
        self._leases.clear()
        self._begin()


def _forget_parents(leases: Leases | None) -> None:
    if leases is not None:
        leases._forked()
