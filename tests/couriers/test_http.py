"""What is posted goes to the address that was judged, by the name that was given; nothing leads it elsewhere or holds it up."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tallystick.couriers.http import REPLY_BYTES_MAX, HttpEgress, resolve
from tallystick.domain.egress import Target, checked_url
from tallystick.domain.messages import REPLY_LENGTH_MAX, shown
from tests.couriers.listening import Listener, listening


def to(listener: Listener, host: str = "127.0.0.1") -> Target:
    return Target("http", host, listener.port, "/in?key=1")


class Resolver:
    """Answers as it was told, one after the other; the last for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), list[str]()

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def test_a_message_is_posted_and_the_answer_read() -> None:
    with listening(status=202) as listener:
        reply = HttpEgress(local=True).post(to(listener), {"webhook-id": "msg_1"}, b'{"a":1}')
        (told,) = listener.told
    assert (reply.status, reply.body, reply.accepted) == (202, "thank you", True)
    assert (told.path, told.body, told.headers["webhook-id"]) == ("/in?key=1", b'{"a":1}', "msg_1")
    assert told.headers["host"] == f"127.0.0.1:{listener.port}"


def test_without_the_setting_for_development_this_machine_is_not_reached() -> None:
    with listening() as listener:
        reply = HttpEgress().post(to(listener), {}, b"")
        by_name = HttpEgress(resolved_by=Resolver(["127.0.0.1"])).post(to(listener, "evil.example"), {}, b"")
        assert listener.told == []
    assert (reply.status, by_name.status) == (None, None)
    assert "loopback" in (reply.error or "")


@pytest.mark.parametrize(
    "addresses",
    [
        ["169.254.169.254"],
        ["93.184.216.34", "10.0.0.1"],
        ["2606:4700::1", "::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
        ["fe80::1%lo"],
        ["100.64.0.1"],
        ["0.0.0.0"],
        ["not an address"],
        [],
    ],
)
def test_one_address_that_is_not_public_is_enough_to_send_nothing(addresses: list[str], monkeypatch) -> None:
    dialled = []
    monkeypatch.setattr(socket, "create_connection", lambda *given, **_: dialled.append(given))
    reply = HttpEgress(resolved_by=Resolver(addresses)).post(Target("https", "evil.example", 443, "/"), {}, b"")
    assert reply.status is None
    assert reply.error
    assert dialled == []


def test_a_name_that_changes_its_mind_is_asked_once_and_the_judged_address_is_dialled(monkeypatch) -> None:
    """First it leads to the public, then home: whoever asks twice, once to judge and once to connect, is led home."""
    dialled = []

    def dial(address, *_, **__):
        dialled.append(address)
        raise OSError("nobody there")

    monkeypatch.setattr(socket, "create_connection", dial)
    rebinding = Resolver(["93.184.216.34"], ["127.0.0.1"])
    reply = HttpEgress(resolved_by=rebinding).post(Target("https", "rebinding.example", 443, "/"), {}, b"")
    assert rebinding.asked == ["rebinding.example"]
    assert dialled == [("93.184.216.34", 443)]
    assert reply.error == "no answer: ConnectError"
    again = HttpEgress(resolved_by=rebinding).post(Target("https", "rebinding.example", 443, "/"), {}, b"")
    assert "loopback" in (again.error or "")
    assert len(dialled) == 1


def test_the_name_is_what_the_server_hears_and_the_address_what_is_dialled() -> None:
    with listening() as listener:
        egress = HttpEgress(local=True, resolved_by=Resolver(["127.0.0.1"]))
        assert egress.post(to(listener, "hooks.example"), {}, b"").accepted
        assert listener.told[0].headers["host"] == f"hooks.example:{listener.port}"


def test_of_several_addresses_the_next_is_tried_where_one_does_not_answer() -> None:
    with listening() as listener:
        egress = HttpEgress(local=True, resolved_by=Resolver(["127.0.0.2", "127.0.0.1"]))
        assert egress.post(to(listener, "two.example"), {}, b"").accepted


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    with listening() as home, listening(status=status, headers={"Location": home.url}) as listener:
        reply = HttpEgress(local=True).post(to(listener), {}, b"")
        assert home.told == []
    assert (reply.status, reply.accepted) == (status, False)


def test_no_proxy_of_the_environment_is_asked(monkeypatch) -> None:
    with listening() as proxy, listening() as listener:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert HttpEgress(local=True).post(to(listener), {}, b"").accepted
        assert (len(listener.told), proxy.told) == (1, [])


def test_of_a_long_answer_the_first_kilobyte_is_kept() -> None:
    with listening(reply=b"\xff\x00" + b"a" * 10_000) as listener:
        reply = HttpEgress(local=True).post(to(listener), {}, b"")
    assert reply.accepted
    assert len(shown(reply.body)) == REPLY_LENGTH_MAX
    assert "\x00" not in shown(reply.body)


@contextmanager
def speaking(answer) -> Iterator[int]:
    """A server that says what `answer(connection)` writes; its port."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            try:
                connection.recv(65536)
                answer(connection)
            except OSError:
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    thread.join(10)
    server.close()


def _drip(connection: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n" + b"x" * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(0.02)


def _never_end(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")


def test_who_answers_a_byte_at_a_time_gets_no_more_time_than_others() -> None:
    with speaking(_drip) as port:
        started = time.monotonic()
        reply = HttpEgress(local=True, seconds_max=0.4).post(Target("http", "127.0.0.1", port, "/"), {}, b"")
        assert time.monotonic() - started < 3
    assert reply.error == "no answer within 0.4 seconds"


def test_an_answer_without_end_is_read_no_further_than_64_kib() -> None:
    with speaking(_never_end) as port:
        reply = HttpEgress(local=True, seconds_max=5).post(Target("http", "127.0.0.1", port, "/"), {}, b"")
    assert reply.status == 200
    assert REPLY_BYTES_MAX == 65_536


def test_a_resolver_that_hangs_is_waited_for_no_longer_than_a_server() -> None:
    free = threading.Event()

    def hangs(host: str, port: int) -> list[str]:
        free.wait(10)
        return ["93.184.216.34"]

    reply = HttpEgress(resolved_by=hangs, seconds_max=0.2).post(Target("https", "slow.example", 443, "/"), {}, b"")
    free.set()
    assert reply.error == "no answer within 0.2 seconds"


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 2000 Odd\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 50_000]
)
def test_what_is_no_http_is_no_answer(answer: bytes) -> None:
    with speaking(lambda connection: connection.sendall(answer)) as port:
        reply = HttpEgress(local=True, seconds_max=5).post(Target("http", "127.0.0.1", port, "/"), {}, b"")
    assert reply.status is None
    assert (reply.error or "").startswith("no answer: ")


def test_the_systems_resolver_gives_addresses() -> None:
    assert set(resolve("localhost", 80)) <= {"127.0.0.1", "::1"}
    assert resolve("127.0.0.1", 80) == ["127.0.0.1"]


def test_odd_forms_of_an_address_do_not_pass_as_names() -> None:
    """What the system's resolver reads as this machine is refused before it is asked."""
    for host in ("127.1", "2130706433", "0x7f.1", "017700000001"):
        with pytest.raises(Exception, match="host is a number"):
            checked_url(f"https://{host}/")
