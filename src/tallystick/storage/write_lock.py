"""One writer at a time for one SQLite file: among threads by a lock, among processes by a lock on a file beside it."""

import os
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path

from tallystick.values.errors import Busy, WrongConfiguration

try:
    import fcntl
except ImportError:  # not on this system: threads are still kept apart, and BEGIN IMMEDIATE keeps processes apart
    fcntl = None  # type: ignore[assignment]

_PAUSE_MAX_S = 0.002


class WriteLock(AbstractContextManager[None]):
    """Held during each writing transaction. Not reentrant. Entering raises Busy when its turn is too long in coming."""

    def __init__(self, file: Path | None, *, wait_s: float) -> None:
        self._file, self._wait_s = file, wait_s
        self._threads = threading.Lock()
        self._handle: int | None = None

    def __enter__(self) -> None:
        if not self._threads.acquire(timeout=self._wait_s):
            raise Busy(f"other threads have been writing for {self._wait_s:g} s; try again")
        try:
            self._handle = self._file_locked()
        except BaseException:
            self._threads.release()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            if self._handle is not None:
                os.close(self._handle)
        finally:
            self._threads.release()

    def _file_locked(self) -> int | None:
        if self._file is None or fcntl is None:
            return None
        # Opened anew each time: a lock goes with what was opened, and a forked child would share ours.
        try:
            handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise WrongConfiguration(f"database: {self._file} cannot be written: {error.strerror}", field="database") from error
        try:
            self._wait_for(handle)
        except BaseException:
            os.close(handle)
            raise
        return handle

    def _wait_for(self, handle: int) -> None:
        waited, pause = 0.0, 0.0005
        while not _locked(handle):
            if waited >= self._wait_s:
                raise Busy(f"another program has been writing to {self._file} for {self._wait_s:g} s; try again")
            time.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, _PAUSE_MAX_S)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
