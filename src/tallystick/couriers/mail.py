"""Letters by SMTP, under TLS: each with the Message-ID that it was given, so that one that came twice can be told."""

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import unquote, urlsplit

from tallystick.domain.letter_frames import Letter
from tallystick.domain.messages import Reply
from tallystick.values.errors import WrongConfiguration

SECONDS_MAX = 10.0
_PORTS = {"smtp": 587, "smtps": 465}
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
_FOR_GOOD = 500


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters are handed in. `smtps` speaks TLS from the first byte, `smtp` begins it before anything is said."""

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def starts_tls(self) -> bool:
        return self.scheme == "smtp" and self.host not in _THIS_MACHINE


class SmtpMailer:
    """One connection for each letter; there are few."""

    is_real = True

    def __init__(
        self, server: MailServer, sender: str, *, tls: ssl.SSLContext | None = None,
        before_call: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._server, self._sender, self._tls = server, sender, tls or ssl.create_default_context()
        self._before_call = before_call

    def send(self, letter: Letter, *, to: str, message_id: str) -> Reply:
        try:
            message = written(letter, sender=self._sender, to=to, message_id=message_id)
        except (ValueError, MessageError, IndexError):
            return Reply(error="no mail can be addressed so", final=True)
        self._before_call()
        try:
            with self._connected() as smtp:
                smtp.send_message(message)
        except smtplib.SMTPRecipientsRefused as refused:
            codes = [code for code, _ in refused.recipients.values()]
            return Reply(error=f"the mail server refused the recipient: {codes[0]}", final=min(codes) >= _FOR_GOOD)
        except smtplib.SMTPResponseException as answer:  # its text may repeat the address, and is kept nowhere
            return Reply(error=f"the mail server answered {answer.smtp_code}")
        except (smtplib.SMTPException, OSError) as error:
            return Reply(error=f"the mail server was not reached: {type(error).__name__}")
        return Reply(status=250)

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        if server.scheme == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS_MAX, context=self._tls)
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=SECONDS_MAX)
        try:
            if server.starts_tls:
                smtp.starttls(context=self._tls)
            if server.user is not None:
                smtp.login(server.user, server.password or "")
        except BaseException:
            smtp.close()
            raise
        return smtp


def written(letter: Letter, *, sender: str, to: str, message_id: str) -> EmailMessage:
    """The letter as it goes over the wire. Raises ValueError for an address that none can be."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = Address(addr_spec=sender), Address(addr_spec=to)
    message["Subject"], message["Message-ID"] = letter.subject, message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    for attachment in letter.attachments:
        maintype, _, subtype = attachment.media_type.partition("/")
        message.add_attachment(attachment.content, maintype=maintype, subtype=subtype, filename=attachment.name)
    return message


def read_server(url: str) -> MailServer:
    """The server that TALLYSTICK_SMTP_URL names. Raises WrongConfiguration, which never repeats it: it holds a password."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        raise _wrong() from None
    if not parts.hostname or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise _wrong()
    user, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
    return MailServer(parts.scheme, parts.hostname, port, user, password)


def _wrong() -> WrongConfiguration:
    return WrongConfiguration("TALLYSTICK_SMTP_URL: write it as smtp://user:password@host:587 or smtps://user:password@host:465")
