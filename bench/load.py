"""Posts prepared bodies over a number of connections at once, from a process of its own, and says how long it took."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import uvloop

if TYPE_CHECKING:
    from bench.servers import Served


@dataclass(frozen=True, slots=True)
class Outcome:
    """`seconds` from the first request to the last answer; `statuses` counts the answers; delays in milliseconds."""

    seconds: float
    statuses: dict[str, int]
    p50_ms: float
    p99_ms: float


def post(served: "Served", bodies: Sequence[str], *, at_once: int, folder: Path) -> Outcome:
    """Every body once, each connection sending its next when its last is answered. Fails unless each answer is a 202."""
    file = folder / f"bodies-{served.port}.jsonl"
    file.write_text("\n".join(bodies))
    command = [sys.executable, "-m", "bench.load", str(served.port), served.path, served.token, str(at_once), str(file)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    outcome = Outcome(**json.loads(told.stdout))
    if outcome.statuses != {"202": len(bodies)}:
        raise AssertionError(f"{served.path}: {outcome.statuses} for {len(bodies)} requests")
    return outcome


class _Connection(asyncio.Protocol):
    """Raw HTTP/1.1 on one socket: an HTTP library would need more of the machine than the service it asks."""

    def __init__(self, requests: Iterator[bytes], statuses: Counter[str], delays: list[float]) -> None:
        self._requests, self._statuses, self._delays = requests, statuses, delays
        self._buffer, self._sent_at = b"", 0.0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def send_next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            return
        self._sent_at = perf_counter()
        self._transport.write(request)

    def data_received(self, received: bytes) -> None:
        self._buffer += received
        head, blank, rest = self._buffer.partition(b"\r\n\r\n")
        if not blank or len(rest) < _length(head):
            return
        self._buffer = b""
        self._delays.append(perf_counter() - self._sent_at)
        self._statuses[head[9:12].decode()] += 1
        self.send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(exc)


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


async def _all_sent(port: int, requests: Sequence[bytes], at_once: int) -> Outcome:
    statuses: Counter[str] = Counter()
    delays: list[float] = []
    waiting = iter(requests)
    loop = asyncio.get_running_loop()

    def connection() -> _Connection:
        return _Connection(waiting, statuses, delays)

    opened = [(await loop.create_connection(connection, "127.0.0.1", port))[1] for _ in range(at_once)]
    start = perf_counter()
    for sender in opened:
        sender.send_next()
    await asyncio.gather(*(sender.ended for sender in opened))
    took = perf_counter() - start
    delays.sort()
    return Outcome(took, dict(statuses), 1e3 * delays[len(delays) // 2], 1e3 * delays[len(delays) * 99 // 100])


def _request(path: str, token: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def main(port: str, path: str, token: str, at_once: str, file: str) -> None:
    requests = [_request(path, token, line) for line in Path(file).read_bytes().split(b"\n")]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcome = runner.run(_all_sent(int(port), requests, int(at_once)))
    print(json.dumps({name: getattr(outcome, name) for name in Outcome.__slots__}))


if __name__ == "__main__":
    main(*sys.argv[1:])
