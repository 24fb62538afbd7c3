"""A mail server that refuses letters now and then, or takes them and does not say so; and whoever opens the mailboxes."""

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import text

from tallystick.documents.pdf import Press
from tallystick.domain.invoice_documents import Document
from tallystick.domain.letter_frames import Letter
from tallystick.domain.messages import Reply
from tests.simulation.weather import MAIL

if TYPE_CHECKING:
    from tests.simulation.world import World

_REFUSED, _REPLY_LOST = MAIL
_SUBJECT = "Your invoice "


class Post:
    """Keeps what it took by the letter's own name: a mailbox shows what comes twice under one name once."""

    is_real = True

    def __init__(self, world: "World") -> None:
        self._world, self._random = world, world.stream("post")
        self.taken: dict[str, Letter] = {}

    def send(self, letter: Letter, *, to: str, message_id: str) -> Reply:
        world = self._world
        assert not world.database.in_transaction(), "no letter is sent inside a transaction"
        world.faults.point("mail:before")
        chance = 1.0 if world.is_calm else self._random.random()
        if chance < 0.15:
            world.happened(_REFUSED, to)
            return Reply(status=451, body="4.3.2 try again later")
        self.taken[message_id] = letter
        world.trace(f"mail {letter.subject!r} to {to!r}")
        world.faults.point("mail:after")
        if chance < 0.3:
            world.happened(_REPLY_LOST, to)
            return Reply(error="the connection was lost before the reply")
        return Reply(status=250)


class BlankPress(Press):
    """Prints no page: what is on it has tests of its own, and costs more than all the rest of a seed."""

    def pdf(self, document: Document) -> bytes:
        return f"%PDF- {document.title}".encode()


def mailed(world: "World") -> None:
    """At rest: of each invoice one letter has come, with the invoice in it."""
    if not world.weather["mail"]:
        return
    letters = [letter for letter in world.post.taken.values() if letter.subject.startswith(_SUBJECT)]
    found = Counter(letter.subject.removeprefix(_SUBJECT) for letter in letters)
    with world.database.reading() as conn:
        issued = Counter(conn.execute(text("SELECT number FROM tallystick_invoices")).scalars())
    if found != issued:
        wrong = {number: found[number] for number in sorted(issued | found) if issued[number] != found[number]}
        raise world.wrong("one letter per invoice", f"so many letters came of these: {wrong}")
    without = [letter.subject for letter in letters if not letter.attachments]
    if without:
        raise world.wrong("one letter per invoice", f"{without} came without the invoice")


__all__ = ["BlankPress", "Post", "mailed"]
