"""Posts to the endpoints of others, guarded: a name is resolved once, each address judged, and the judged one connected to."""

import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from ssl import SSLContext
from typing import Any

import httpcore2
from httpcore2 import ConnectError, ConnectTimeout, NetworkBackend, NetworkStream, ReadTimeout, SyncBackend, WriteTimeout

from tallystick.domain.egress import Target, refusal
from tallystick.domain.messages import REPLY_LENGTH_MAX, Reply
from tallystick.values.time import Clock, SystemClock

SECONDS_MAX = 10.0
REPLY_BYTES_MAX = 64 * 1024
_ADDRESSES_MAX = 3  # of a name that has many; each is tried within the same ten seconds

Resolve = Callable[[str, int], Sequence[str]]


class Refused(Exception):
    """The name leads where nothing is sent."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of the name, in the system's order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class HttpEgress:
    """No redirect is followed, no proxy asked, and no answer waited for longer than ten seconds in all.

    `local` lets loopback addresses be reached: for development.
    """

    def __init__(
        self, *, local: bool = False, resolved_by: Resolve = resolve, tls: SSLContext | None = None,
        seconds_max: float = SECONDS_MAX, before_call: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._local, self._resolve, self._tls, self._seconds_max = local, resolved_by, tls, seconds_max
        self._before_call = before_call
        # This machine's, and not the engine's, which may stand still: a stranger's server would be waited for for ever.
        self._clock: Clock = SystemClock()

    def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Reply:
        self._before_call()
        deadline = _Deadline(self._clock, self._seconds_max)
        guard = _Guard(deadline, self._resolve, local=self._local)
        try:
            with httpcore2.ConnectionPool(ssl_context=self._tls, network_backend=guard) as pool:
                return _asked(pool, target, headers, body)
        except Refused as why:
            return Reply(error=str(why))
        except httpcore2.TimeoutException:
            return Reply(error=f"no answer within {self._seconds_max:g} seconds")
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            return Reply(error=f"no answer: {type(error).__name__}")


def _asked(pool: httpcore2.ConnectionPool, target: Target, headers: Mapping[str, str], body: bytes) -> Reply:
    read, size = list[bytes](), 0
    pairs: Sequence[tuple[bytes | str, bytes | str]] = list(headers.items())
    with pool.stream("POST", target.url, headers=pairs, content=body) as response:
        for chunk in response.iter_stream():
            read.append(chunk)
            size += len(chunk)
            if size >= REPLY_BYTES_MAX:  # the rest is not read: what it says does not matter, only its status
                break
        kept = b"".join(read)[:REPLY_LENGTH_MAX]
        return Reply(response.status, kept.decode("utf-8", "replace"))


class _Deadline:
    """One for all that happens to a message: a server that sends a byte a second gets no more time than another."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock, self._until = clock, clock.monotonic() + seconds

    def left(self, late: type[httpcore2.TimeoutException]) -> float:
        """Seconds. Raises `late` once there are none."""
        left = self._until - self._clock.monotonic()
        if left <= 0:
            raise late
        return left


class _Guard(NetworkBackend):
    """Connects by name, to addresses that were judged: between the two nobody is asked again what the name leads to."""

    def __init__(self, deadline: _Deadline, resolved_by: Resolve, *, local: bool) -> None:
        self._deadline, self._resolve, self._local = deadline, resolved_by, local

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> NetworkStream:
        addresses = self._judged(host, port)
        for address in addresses[:-1]:
            try:
                return self._connected(address, port)
            except ConnectError:
                continue
        return self._connected(addresses[-1], port)

    def _connected(self, address: str, port: int) -> NetworkStream:
        stream = SyncBackend().connect_tcp(address, port, timeout=self._deadline.left(ConnectTimeout), socket_options=[])
        return _Timed(stream, self._deadline)

    def _judged(self, host: str, port: int) -> Sequence[str]:
        addresses = self._resolved(host, port)
        for address in addresses:
            why = refusal(address, local=self._local)
            if why is not None:  # one is enough: a name with two faces is not to be trusted with either
                raise Refused(f"its name leads to an address that is {why}")
        return addresses[:_ADDRESSES_MAX]

    def _resolved(self, host: str, port: int) -> Sequence[str]:
        """Asked in a thread, since a resolver has no time limit of its own that we could set."""
        found: list[Sequence[str]] = []

        def ask() -> None:
            try:
                found.append(self._resolve(host, port))
            except (OSError, UnicodeError):
                found.append([])

        thread = threading.Thread(target=ask, name="tallystick-resolve", daemon=True)
        thread.start()
        thread.join(self._deadline.left(ConnectTimeout))
        if not found:
            raise ConnectTimeout
        if not found[0]:
            raise Refused("its name leads nowhere")
        return found[0]


class _Timed(NetworkStream):
    """A stream on which everything together takes no longer than the deadline."""

    def __init__(self, stream: NetworkStream, deadline: _Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, *_: Any, **__: Any) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(ReadTimeout))

    def write(self, buffer: bytes, *_: Any, **__: Any) -> None:
        self._stream.write(buffer, self._deadline.left(WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, ssl_context: SSLContext, server_hostname: str | None = None, *_: Any, **__: Any) -> NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left(ConnectTimeout))
        return _Timed(secured, self._deadline)

    def get_extra_info(self, *asked: Any, **named: Any) -> Any:
        return self._stream.get_extra_info(*asked, **named)
