"""Letters as a mail server gets them: addressed, with an id of their own, in text and HTML; what it refuses is understood."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy

import pytest

from tallystick.couriers.mail import MailServer, SmtpMailer, read_server, written
from tallystick.domain.letters import Letter
from tallystick.values.errors import WrongConfiguration

LETTER = Letter("80 % of calls used", "ada has used 80.\n", "<!doctype html>\n<p>ada has used 80.</p>\n")
ID = "<mail_1@example.com>"


@dataclass
class Post:
    """A mail server that says `answers[word]` to that word, and else agrees."""

    answers: dict[str, str] = field(default_factory=dict)
    taken: list[bytes] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    port: int = 0

    def serve(self, connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        connection.sendall(b"220 here\r\n")
        for line in lines:
            said = line.decode().strip()
            word = said.split(" ")[0].upper()
            self.heard.append(said)
            if word == "DATA":
                connection.sendall(b"354 go on\r\n")
                read = []
                while (part := lines.readline()) != b".\r\n":
                    read.append(part)
                self.taken.append(b"".join(read))
            connection.sendall(f"{self.answers.get(word, '221 bye' if word == 'QUIT' else '250 so be it')}\r\n".encode())
            if word == "QUIT":
                return


@contextmanager
def mail_server(**answers: str) -> Iterator[Post]:
    post = Post({word.upper(): answer for word, answer in answers.items()})
    server = socket.create_server(("127.0.0.1", 0))
    post.port = server.getsockname()[1]

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            post.serve(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield post
    thread.join(10)
    server.close()


def mailer(post: Post) -> SmtpMailer:
    return SmtpMailer(MailServer("smtp", "127.0.0.1", post.port), "billing@example.com")


def test_a_letter_arrives_as_it_was_written() -> None:
    with mail_server() as post:
        reply = mailer(post).send(LETTER, to="ada@example.com", message_id=ID)
    assert reply.accepted
    came = message_from_bytes(post.taken[0], policy=policy.default)
    assert (came["From"], came["To"], came["Subject"]) == ("billing@example.com", "ada@example.com", "80 % of calls used")
    assert (came["Message-ID"], came["Auto-Submitted"]) == (ID, "auto-generated")
    text, html = came.get_body(("plain",)), came.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "ada has used 80." in text.get_content()
    assert "<p>ada has used 80.</p>" in html.get_content()


def test_japanese_arrives_as_japanese() -> None:
    letter = Letter("通話の 80 % を使用しました", "使用量が 80 % に達しました。\n", "<p>使用量</p>")
    with mail_server() as post:
        assert mailer(post).send(letter, to="ada@example.com", message_id=ID).accepted
    came = message_from_bytes(post.taken[0], policy=policy.default)
    assert came["Subject"] == letter.subject
    text = came.get_body(("plain",))
    assert text is not None
    assert "80 % に達しました" in text.get_content()


@pytest.mark.parametrize(
    "address", ["ada@example.com\r\nBcc: eve@example.com", "ada", "", "@", "a b@example.com", "ada@example.com, eve@b.c"]
)
def test_no_header_can_be_smuggled_into_an_address(address: str) -> None:
    reply = SmtpMailer(MailServer("smtp", "127.0.0.1", 1), "billing@example.com").send(LETTER, to=address, message_id=ID)
    assert (reply.accepted, reply.final) == (False, True)
    assert "eve" not in (reply.error or "")


def test_what_is_refused_for_good_is_not_tried_again_and_the_address_is_not_repeated() -> None:
    with mail_server(rcpt="550 <ada@example.com> is unknown") as post:
        unknown = mailer(post).send(LETTER, to="ada@example.com", message_id=ID)
    with mail_server(rcpt="450 later") as post:
        later = mailer(post).send(LETTER, to="ada@example.com", message_id=ID)
    with mail_server(mail="421 <ada@example.com> too busy") as post:
        busy = mailer(post).send(LETTER, to="ada@example.com", message_id=ID)
    assert [(reply.accepted, reply.final) for reply in (unknown, later, busy)] == [(False, True), (False, False), (False, False)]
    assert "ada" not in f"{unknown} {later} {busy}"


def test_a_server_that_is_not_there_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    reply = SmtpMailer(MailServer("smtp", "127.0.0.1", port), "b@example.com").send(LETTER, to="a@b.example", message_id=ID)
    assert (reply.accepted, reply.final) == (False, False)
    assert reply.error == "the mail server was not reached: ConnectionRefusedError"


def test_nothing_is_said_to_another_machine_before_tls() -> None:
    assert read_server("smtp://mail.example.com").starts_tls
    assert not read_server("smtp://localhost:25").starts_tls
    assert not read_server("smtps://mail.example.com").starts_tls, "it has spoken TLS from the first byte on"


def test_a_server_is_read_from_its_url() -> None:
    server = read_server("smtps://ada%40example.com:p%3Ass@mail.example.com")
    assert (server.host, server.port, server.user, server.password) == ("mail.example.com", 465, "ada@example.com", "p:ss")
    assert "p:ss" not in repr(server)
    for wrong in (
        "mail.example.com",
        "http://mail.example.com",
        "smtp://",
        "smtp://h:99999",
        "smtp://h/path",
        "smtp://u:canary@",
    ):
        with pytest.raises(WrongConfiguration) as told:
            read_server(wrong)
        assert "canary" not in told.value.message


def test_the_same_letter_is_written_under_the_same_id() -> None:
    first, second = (written(LETTER, sender="b@example.com", to="ada@example.com", message_id=ID) for _ in range(2))
    assert first["Message-ID"] == second["Message-ID"] == ID
