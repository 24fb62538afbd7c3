"""The engine's calls about payments that have failed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tallystick import domain, storage
from tallystick.app.engine import Engine
from tallystick.domain.dunning import Ask, Dunning, State, Try
from tallystick.domain.invoices import Invoice
from tallystick.domain.messages import TO_CUSTOMER, Dispatch, Message
from tallystick.storage.dunning import Query
from tallystick.values.errors import InvalidInput, NotFound
from tallystick.values.ids import CustomerId, InvoiceId


@dataclass(frozen=True, slots=True)
class Written:
    """A letter to the customer about it, and how it stands; None: nobody could be written to."""

    message: Message
    dispatch: Dispatch | None


@dataclass(frozen=True, slots=True)
class Dunned:
    """An invoice whose payment has failed, how far its dunning has come, what its customer is asked for, every try and letter."""

    invoice: Invoice
    dunning: Dunning
    ask: Ask
    tries: tuple[Try, ...] = ()
    letters: tuple[Written, ...] = ()


class DunningCalls(Engine):
    """What is being dunned for, and the link with which a customer mends it."""

    def dunnings(
        self,
        *,
        customer_id: str | None = None,
        state: str | Sequence[str] | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> list[Dunned]:
        """A page of them, the newest first, behind the one of the invoice `after`; without their tries and letters.

        `state`: only those in it, or in one of several.
        """
        wanted = [state] if isinstance(state, str) else list(State if state is None else state)
        if not {known.value for known in State}.issuperset(wanted):
            raise InvalidInput(f"state: one of {', '.join(State)}", field="state")
        who = None if customer_id is None else CustomerId(customer_id)
        query = Query(who, tuple(State(each) for each in wanted))
        with self.context.database.reading() as conn:
            behind = None if after is None else storage.dunning.get(conn, InvoiceId(after))
            if after is not None and behind is None:
                raise InvalidInput("after: no payment of such an invoice has failed", field="after")
            found = storage.dunning.page(conn, query, after=behind, limit=limit)
            return [self._dunned(each, storage.invoices.get(conn, each.invoice_id)) for each in found]

    def dunning(self, invoice_id: str) -> Dunned:
        """With every try and letter. Raises NotFound where no payment of the invoice has failed."""
        with self.context.database.reading() as conn:
            found = storage.dunning.get(conn, InvoiceId(invoice_id))
            if found is None:
                raise NotFound("dunning: no payment of such an invoice has failed", field="invoice")
            tries = storage.dunning.tries(conn, found.customer_id, found.invoice_id)
            dunned = self._dunned(found, storage.invoices.get(conn, found.invoice_id))
            messages = storage.messages.those(conn, domain.dunning_letters.letter_ids(found))
            sent = storage.messages.dispatches_of(conn, [message.id for message in messages])
            letters = [Written(message, _to_customer(sent.get(message.id, []))) for message in messages]
            return replace(dunned, tries=tuple(tries), letters=tuple(letters))

    def _dunned(self, dunning: Dunning, invoice: Invoice | None) -> Dunned:
        assert invoice is not None, f"{dunning.invoice_id}: is kept for ever"
        return Dunned(invoice, dunning, self.context.terms.dunning.rule(dunning.code).ask)


def _to_customer(dispatches: Sequence[Dispatch]) -> Dispatch | None:
    return next((each for each in dispatches if each.target == TO_CUSTOMER), None)
