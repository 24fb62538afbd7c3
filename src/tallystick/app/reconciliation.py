"""The engine's calls about the provider's half: comparing it with ours, what came in from it, and disputes."""

from collections.abc import Sequence
from datetime import datetime

from tallystick import flows, storage
from tallystick.app.engine import Engine
from tallystick.domain.disputes import Dispute
from tallystick.domain.reconciliation import Reconciliation
from tallystick.storage.provider_events import Settlement, Stored
from tallystick.values.errors import InvalidInput, NotFound
from tallystick.values.ids import CustomerId, DisputeId


class ReconciliationCalls(Engine):
    """`reconcile`, deliveries that came in, disputes."""

    def reconcile(self, *, since: datetime | None = None, repair: bool = False, actor: str = "system") -> Reconciliation:
        """The provider's half beside ours, as far back as `since` (thirty days): what is equal, what differs, what was repaired.

        Raises ProviderUnavailable.
        """
        return flows.reconcile.reconcile(self.context, since=since, repair=repair, actor=actor)

    def request_reconciliation(
        self, *, since: datetime | None = None, repair: bool = False, actor: str = "system"
    ) -> Reconciliation:
        """The same, made by the worker; `reconciliation` shows when it is done. Asked again while it waits, it is one."""
        return flows.request_reconciliation.request_reconciliation(self.context, since=since, repair=repair, actor=actor)

    def last_reconciliation(self) -> Reconciliation | None:
        """What the last comparison found, whoever made it; None before the first."""
        with self.context.database.reading() as conn:
            return storage.reconciliations.last(conn)

    def reconciliations(self, *, after: str | None = None, limit: int = 50) -> Sequence[Reconciliation]:
        """A page of what comparing found, newest first, behind the comparison of the id `after`."""
        with self.context.database.reading() as conn:
            behind = None if after is None else storage.reconciliations.get(conn, after)
            if after is not None and behind is None:
                raise InvalidInput("after: there is no such comparison", field="after")
            return storage.reconciliations.page(conn, after=behind, limit=limit)

    def reconciliation(self, reconciliation_id: str) -> Reconciliation:
        """One comparison, with all that it found. Raises NotFound."""
        with self.context.database.reading() as conn:
            found = storage.reconciliations.get(conn, reconciliation_id)
        if found is None:
            raise NotFound("reconciliation: there is no such comparison", field="reconciliation")
        return found

    def deliveries(self, *, settlement: str | None = None, after: str | None = None, limit: int = 50) -> Sequence[Stored]:
        """A page of the inbox, newest first, behind the delivery of the id `after`; only those of which that became."""
        if settlement is not None and settlement not in {known.value for known in Settlement}:
            raise InvalidInput(f"status: one of {', '.join(Settlement)}", field="status")
        with self.context.database.reading() as conn:
            behind = None if after is None else storage.provider_events.get(conn, after)
            if after is not None and behind is None:
                raise InvalidInput("after: there is no such delivery", field="after")
            what = None if settlement is None else Settlement(settlement)
            return storage.provider_events.page(conn, settlement=what, after=behind, limit=limit)

    def delivery(self, delivery_id: str) -> Stored:
        """Raises NotFound."""
        with self.context.database.reading() as conn:
            stored = storage.provider_events.get(conn, delivery_id)
        if stored is None:
            raise NotFound("delivery: there is no such delivery", field="delivery")
        return stored

    def replay_delivery(self, delivery_id: str, *, actor: str = "system") -> Stored:
        """Settled once more by the worker, by how things stand then. Raises NotFound."""
        return flows.replay_provider_event.replay_provider_event(self.context, delivery_id, actor=actor)

    def disputes(self, *, customer_id: str | None = None, after: str | None = None, limit: int = 50) -> Sequence[Dispute]:
        """A page of disputes, newest first, behind the one of the id `after`."""
        with self.context.database.reading() as conn:
            behind = None if after is None else storage.disputes.get(conn, DisputeId(after))
            if after is not None and behind is None:
                raise InvalidInput("after: there is no such dispute", field="after")
            who = None if customer_id is None else CustomerId(customer_id)
            return storage.disputes.page(conn, customer_id=who, after=behind, limit=limit)
