"""An invoice by mail, where the business wants that: once, to whoever has an address, with the invoice as it stands."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tallystick import wiring
from tallystick.app import Tallystick
from tallystick.domain.catalog import Charge, UnitPrice
from tallystick.domain.invoice_documents import Seller
from tallystick.domain.invoices import Invoice
from tallystick.domain.letter_frames import Letter
from tallystick.domain.messages import Reply
from tallystick.domain.usage import Event, Meter
from tallystick.flows.context import Context, Outgoing, Terms
from tallystick.storage.database import Database
from tallystick.testing import FakeClock, SeededIds
from tallystick.values.ids import CustomerId, EventId, MeterKey
from tallystick.values.money import JPY
from tallystick.worker.loop import run_until_idle

CALLS = MeterKey("calls")


@dataclass
class Post:
    """A mailer that keeps what it was handed."""

    is_real: bool = True
    sent: list[tuple[str, str, Letter]] = field(default_factory=list)

    def send(self, letter: Letter, *, to: str, message_id: str) -> Reply:
        self.sent.append((to, message_id, letter))
        return Reply(status=250)


@pytest.fixture
def post() -> Post:
    return Post()


@contextmanager
def shop(url: str, post: Post, *, mail_invoices: bool = True) -> Iterator[Tallystick]:
    clock = FakeClock()
    database = Database.from_url(url, clock=clock)
    database.migrate()
    wired = wiring.sandboxed(None, clock=clock, before_call=wiring.outside(database))
    outgoing, terms = Outgoing(mail_invoices=mail_invoices), Terms(seller=Seller("Example Ltd"))
    context = replace(Context(database, clock, SeededIds(), wired.provider, terms), mailer=post, outgoing=outgoing)
    billing = Tallystick(context, sandbox=wired.sandbox)
    billing.put_meter(Meter(CALLS, unit="calls", decimals=0))
    billing.put_charge(Charge("calls", CALLS, UnitPrice(currency=JPY, unit_amount=Decimal(2)), "API calls"))
    yield billing
    billing.close()


def clock_of(billing: Tallystick) -> FakeClock:
    clock = billing.context.clock
    assert isinstance(clock, FakeClock)
    return clock


def billed(billing: Tallystick, customer: str = "ada") -> Invoice:
    billing.record([Event(CustomerId(customer), EventId("e1"), CALLS, Decimal(1000), billing.context.clock.now())])
    clock_of(billing).advance(timedelta(hours=1))
    (invoice,) = billing.bill(customer)
    assert billing.bill(customer) == []
    for _ in range(2):
        run_until_idle(billing.context)
    return invoice


def test_an_invoice_comes_by_mail_once_with_itself_as_pdf(database_url: str, post: Post) -> None:
    with shop(database_url, post) as billing:
        billing.put_customer("ada", email="ada@example.com")
        invoice = billed(billing)
        ((to, _, letter),) = post.sent
        assert (to, letter.subject) == ("ada@example.com", "Your invoice INV-000001")
        assert "Example Ltd has sent you the invoice INV-000001 of 1 Jan 2026, over ¥2,000." in letter.text
        assert "¥2,000 is to be paid by 15 Jan 2026." in letter.text
        (attached,) = letter.attachments
        assert (attached.name, attached.media_type) == ("INV-000001.pdf", "application/pdf")
        assert attached.content.startswith(b"%PDF-")
        ((status, shown_to, shown),) = billing.letters()
        assert (status, shown_to, shown.subject, shown.attachments) == ("delivered", to, letter.subject, ()), (
            "shown without files"
        )
        assert billing.invoice(invoice.id).status == "open"


def test_a_customer_is_written_to_in_their_language(sqlite_url: str, post: Post) -> None:
    with shop(sqlite_url, post) as billing:
        billing.put_customer("ada", email="ada@example.com", language="ja")
        billed(billing)
        ((_, _, letter),) = post.sent
        assert letter.subject == "請求書 INV-000001 のお知らせ"
        assert "2026年1月15日 までに ￥2,000 をお支払いください。" in letter.text


def test_nobody_is_written_to_without_an_address_or_where_the_business_does_not_want_it(sqlite_url: str, post: Post) -> None:
    with shop(sqlite_url, post) as billing:
        billed(billing, "nobody")
        assert post.sent == []
        assert billing.messages() == [], "nothing is kept where nobody is told"


def test_invoices_are_not_mailed_unless_the_business_says_so(sqlite_url: str, post: Post) -> None:
    with shop(sqlite_url, post, mail_invoices=False) as billing:
        billing.put_customer("ada", email="ada@example.com")
        billed(billing)
        assert post.sent == []


def test_without_typst_the_letter_comes_without_a_file(sqlite_url: str, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallystick.documents.pdf.installed", lambda: False)
    with shop(sqlite_url, post) as billing:
        billing.put_customer("ada", email="ada@example.com")
        billed(billing)
        ((_, _, letter),) = post.sent
        assert letter.attachments == ()
        assert "attached" not in letter.text
