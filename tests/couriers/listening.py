"""Servers of strangers, on this machine: each answers as it was told, and remembers what it was sent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Told:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Listener:
    """Answers with `status` and `reply`; `then` are the statuses of the next answers, before that."""

    status: int = 200
    reply: bytes = b"thank you"
    then: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in"


@contextmanager
def listening(**how) -> Iterator[Listener]:
    listener = Listener(**how)

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            listener.told.append(Told(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            status = listener.then.pop(0) if listener.then else listener.status
            self.send_response(status)
            for name, value in listener.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(listener.reply)))
            self.end_headers()
            self.wfile.write(listener.reply)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    listener.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
