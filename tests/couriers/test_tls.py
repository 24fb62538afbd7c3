"""Over TLS the certificate must be that of the name, although the address is what is dialled."""

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tallystick.couriers.http import HttpEgress
from tallystick.domain.egress import Target

NAME = "hooks.example"


class Answers(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """For the name, signed by itself: its key and itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    made += ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(made, check=True, capture_output=True)
    return key, cert


@pytest.fixture
def server(certificate: tuple[Path, Path]) -> Iterator[tuple[int, list[str]]]:
    """Its port, and the names that it was greeted by."""
    key, cert = certificate
    greeted = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.sni_callback = lambda _socket, name, _context: greeted.append(name)
    server = HTTPServer(("127.0.0.1", 0), Answers)
    server.handle_error = lambda *_: None  # a client that does not trust us hangs up, which is what is tested
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server.server_address[1], greeted
    server.shutdown()
    server.server_close()
    thread.join(10)


def egress(trusted: Path | None) -> HttpEgress:
    tls = None if trusted is None else ssl.create_default_context(cafile=str(trusted))
    return HttpEgress(local=True, resolved_by=lambda *_: ["127.0.0.1"], tls=tls)


def test_the_server_is_greeted_and_judged_by_its_name(server, certificate) -> None:
    port, greeted = server
    reply = egress(certificate[1]).post(Target("https", NAME, port, "/"), {}, b"")
    assert (reply.status, greeted) == (204, [NAME])


def test_a_certificate_of_another_name_or_of_nobody_trusted_is_refused(server, certificate) -> None:
    port, _ = server
    other_name = egress(certificate[1]).post(Target("https", "other.example", port, "/"), {}, b"")
    nobody = egress(None).post(Target("https", NAME, port, "/"), {}, b"")
    assert [(reply.status, reply.error) for reply in (other_name, nobody)] == [(None, "no answer: ConnectError")] * 2
