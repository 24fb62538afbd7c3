"""The engine's calls about usage that the provider's meters count too."""

from collections.abc import Sequence

from tallystick import flows, storage
from tallystick.app.engine import Engine
from tallystick.domain.usage_exports import UNCOUNTED, Clearing, Export, Part
from tallystick.flows._usage_totals import Compared
from tallystick.flows.clear_usage import ExportName, UnclearUsage
from tallystick.flows.sync_usage import Synced, SyncOrder, SyncReport
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId, EventId
from tallystick.values.time import Period


class ExportCalls(Engine):
    """Usage sent on, and compared."""

    def plan_sync(self, order: SyncOrder) -> Sequence[Synced]:
        """What `sync` would tell the provider now; nothing is sent, and nothing kept."""
        return flows.rehearse.rehearse(self.context, lambda: flows.sync_usage.plan_sync(self.context, order))

    def sync(self, order: SyncOrder) -> SyncReport:
        """Tells the provider the usage of a period now, each fact once; the worker does the same as usage comes in."""
        return flows.sync_usage.sync_usage(self.context, order)

    def order_of_item(self, item_ref: str, period: Period, *, retry: bool = False) -> SyncOrder:
        """The order for what one item of a subscription at the provider bills. Raises NotFound and ProviderUnavailable."""
        return flows.sync_usage.order_of_item(self.context, item_ref, period, retry=retry)

    def uncounted_usage(self, period: Period, *, customer_id: str | None = None, limit: int = 1000) -> Sequence[Export]:
        """What the provider does not count of the period, or perhaps not, each with the reason, in the order of its time."""
        who = None if customer_id is None else CustomerId(customer_id)
        with self.context.database.reading() as conn:
            return storage.usage_exports.with_status(conn, UNCOUNTED, period, customer_id=who, limit=limit)

    def usage_exports(self, customer_id: str, source: str, event_id: str) -> list[Export]:
        """What the provider's meter was told of an event, the first one first; nothing where it is not exported."""
        with self.context.database.reading() as conn:
            return storage.usage_exports.of_event(conn, CustomerId(customer_id), source, EventId(event_id))

    def unclear_usage(
        self,
        customer_id: str | None = None,
        *,
        after: tuple[str, str, str, str] | None = None,
        limit: int = 50,
        ask: bool = True,
    ) -> list[UnclearUsage]:
        """Exports of which nobody can tell whether the provider counts them, behind (customer, source, event, part) `after`.

        Each with what it counts in that minute, if it is to be asked.
        """
        who = None if customer_id is None else CustomerId(customer_id)
        with self.context.database.reading() as conn:
            rows = storage.usage_exports.unclear(conn, customer_id=who, after=after, limit=limit)
        return flows.clear_usage.look_at_unclear(self.context, rows, ask=ask)

    def clear_usage(  # noqa: PLR0913 each is said by name
        self, customer_id: str, source: str, event_id: str, said: str, *, reason: str, part: str = "usage", actor: str = "system"
    ) -> Export:
        """Says of an unclear export that it is "delivered", or to "send_again" under the same identifier; twice is once.

        Raises NotFound, and Conflict where it is not unclear.
        """
        if said not in set(Clearing):
            raise InvalidInput(f"said: one of {', '.join(Clearing)}", field="said")
        if part not in set(Part):
            raise InvalidInput(f"part: one of {', '.join(Part)}", field="part")
        name = ExportName(CustomerId(customer_id), source, EventId(event_id), Part(part))
        return flows.clear_usage.clear_usage(self.context, name, Clearing(said), reason=reason, actor=actor)

    def compare_usage(self, period: Period, *, customer_id: str | None = None) -> Sequence[Compared]:
        """What was recorded, and what the provider has added up, for everybody of whom it was told anything in the period."""
        who = None if customer_id is None else CustomerId(customer_id)
        return flows.compare_usage.compare_usage(self.context, period, customer_id=who)
