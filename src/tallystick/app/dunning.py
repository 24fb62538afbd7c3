"""The engine's calls about payments that have failed."""

from dataclasses import dataclass

from tallystick import flows, storage
from tallystick.app.engine import Engine
from tallystick.domain.dunning import Ask, Dunning, State, Try
from tallystick.domain.invoices import Invoice
from tallystick.flows.mend_payment import Mending
from tallystick.storage.dunning import Query
from tallystick.values.errors import InvalidInput, NotFound
from tallystick.values.ids import CustomerId, InvoiceId


@dataclass(frozen=True, slots=True)
class Dunned:
    """An invoice whose payment has failed, how far its dunning has come, what its customer is asked for, and every try."""

    invoice: Invoice
    dunning: Dunning
    ask: Ask
    tries: tuple[Try, ...] = ()


class DunningCalls(Engine):
    """What is being dunned for, and the link with which a customer mends it."""

    def dunnings(
        self, *, customer_id: str | None = None, state: str | None = None, after: str | None = None, limit: int = 50
    ) -> list[Dunned]:
        """A page of them, the newest first, behind the one of the invoice `after`; without their tries."""
        if state is not None and state not in {known.value for known in State}:
            raise InvalidInput(f"state: one of {', '.join(State)}", field="state")
        who = None if customer_id is None else CustomerId(customer_id)
        query = Query(who, tuple(State) if state is None else (State(state),))
        with self.context.database.reading() as conn:
            behind = None if after is None else storage.dunning.get(conn, InvoiceId(after))
            if after is not None and behind is None:
                raise InvalidInput("after: no payment of such an invoice has failed", field="after")
            found = storage.dunning.page(conn, query, after=behind, limit=limit)
            return [self._dunned(each, storage.invoices.get(conn, each.invoice_id)) for each in found]

    def dunning(self, invoice_id: str) -> Dunned:
        """With every try. Raises NotFound where no payment of the invoice has failed."""
        with self.context.database.reading() as conn:
            found = storage.dunning.get(conn, InvoiceId(invoice_id))
            if found is None:
                raise NotFound("dunning: no payment of such an invoice has failed", field="invoice")
            tries = storage.dunning.tries(conn, found.customer_id, found.invoice_id)
            return self._dunned(found, storage.invoices.get(conn, found.invoice_id), *tries)

    def mend_payment(self, token: str) -> str | None:
        """Where the link in a letter leads to now; None where nothing is left to be paid. Raises NotFound."""
        return flows.mend_payment.mend_payment(self.context, token)

    def come_back(self, token: str) -> Mending:
        """The customer comes back from there: a new card pays at once, by a job. Raises NotFound."""
        return flows.mend_payment.come_back(self.context, token)

    def _dunned(self, dunning: Dunning, invoice: Invoice | None, *tries: Try) -> Dunned:
        assert invoice is not None, f"{dunning.invoice_id}: is kept for ever"
        return Dunned(invoice, dunning, self.context.terms.dunning.rule(dunning.code).ask, tries)
