"""The link in a letter of dunning: what it is about, where a card is saved, and what follows from that."""

from dataclasses import dataclass

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.dunning import Ask, State
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.letter_frames import Locale
from tallystick.flows import _customer_ref, _documents, _dunning, _dunning_letters, _outgoing
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, PortalOutcome, Refused, Unknown
from tallystick.values.errors import NotFound, ProviderRefused, ProviderUnavailable
from tallystick.values.ids import InvoiceId

BACK = "/done"  # behind the link: where the provider's page leads back to


@dataclass(frozen=True, slots=True)
class Mending:
    """What the link is about. `confirms`: the customer pays it themselves, on a page of the provider's; else only a card helps.

    `back`: where the provider's page leads back to. `language` is that of the letter.
    """

    invoice: Invoice
    is_over: bool
    confirms: bool
    back: str
    language: Locale


def mending(ctx: Context, token: str) -> Mending:
    """Raises NotFound for a link that is not ours."""
    with ctx.database.reading() as conn:
        return _mending(ctx, conn, token)


def open_portal(ctx: Context, mending: Mending) -> str:
    """The address of the page on which a card is saved, for one visit.

    Raises ProviderUnavailable where the provider does not answer, ProviderRefused.
    """
    match _open_portal(ctx, mending.invoice, mending.back):
        case str(url):
            return url
        case Refused(code, message, unheard=False):
            raise ProviderRefused(f"the provider does not open its portal: {code}: {message}")
        case Limited() | Unknown() | Refused():
            raise ProviderUnavailable("the provider did not open its portal; nothing was charged; try again")


def come_back(ctx: Context, token: str) -> Mending:
    """The customer has been there: see whether there is a new card, which pays at once what is open. News of it may come too."""
    with ctx.database.transaction("come back") as conn:
        mending = _mending(ctx, conn, token)
        if not mending.is_over:
            _dunning.look_for_card(ctx, conn, mending.invoice.customer_id)
    return mending


def _open_portal(ctx: Context, invoice: Invoice, return_url: str) -> PortalOutcome:
    ref = _customer_ref.of(ctx, invoice.customer_id)
    # A key of its own for each visit: under an old one the provider repeats an address that has been used up.
    return ctx.provider.open_portal(ref, return_url=return_url, key=ctx.ids.new("portal")) if isinstance(ref, str) else ref


def _mending(ctx: Context, conn: Connection, token: str) -> Mending:
    key = _outgoing.known_key(ctx, conn)
    invoice_id: InvoiceId | None = None if key is None else domain.dunning.read_link(key, token)
    invoice = None if invoice_id is None else storage.invoices.get(conn, invoice_id)
    dunning = None if invoice_id is None else storage.dunning.get(conn, invoice_id)
    if invoice is None or dunning is None:
        raise NotFound("there is no such link; open the one in the newest letter, as a whole")
    confirms = ctx.terms.dunning.rule(dunning.code).ask is Ask.CONFIRM
    back = f"{ctx.outgoing.base_url}{_dunning_letters.PATH}{token}{BACK}"
    is_over = dunning.state is State.OVER or invoice.status is not InvoiceStatus.OPEN
    customer = storage.customers.get(conn, invoice.customer_id)
    assert customer is not None, "who is billed is there"
    return Mending(invoice, is_over, confirms, back, _documents.language(ctx, customer, None))
