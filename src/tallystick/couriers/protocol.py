"""What a flow asks of whoever carries its messages out; each answer is a Reply, and nothing is raised for what others do."""

from collections.abc import Mapping
from typing import Any, Protocol

from tallystick.domain.egress import Target
from tallystick.domain.letter_frames import Letter
from tallystick.domain.messages import Reply


class Egress(Protocol):
    """Carries bytes to an endpoint over HTTP."""

    def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Reply: ...


class Mailer(Protocol):
    """Carries letters by mail. `is_real` says that they leave the house; else they are only shown."""

    is_real: bool

    def send(self, letter: Letter, *, to: str, message_id: str) -> Reply: ...


class NoEgress:
    """Where nobody has said how: nothing leaves."""

    def post(self, *_: Any, **__: Any) -> Reply:
        return Reply(error="this process sends nothing out")


class NoMailer:
    """Where no mail server is set: the letter counts as sent, and is shown on /dev/mail."""

    is_real = False

    def send(self, *_: Any, **__: Any) -> Reply:
        return Reply(status=250, body="shown, and not sent: TALLYSTICK_SMTP_URL is not set")
