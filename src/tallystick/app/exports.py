"""The engine's calls about usage that the provider's meters count too."""

from collections.abc import Sequence

from tallystick import flows, storage
from tallystick.app.engine import Engine
from tallystick.domain.usage_exports import UNCOUNTED, Export
from tallystick.flows._usage_totals import Compared
from tallystick.flows.sync_usage import Synced, SyncOrder, SyncReport
from tallystick.values.ids import CustomerId
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

    def compare_usage(self, period: Period, *, customer_id: str | None = None) -> Sequence[Compared]:
        """What was recorded, and what the provider has added up, for everybody of whom it was told anything in the period."""
        who = None if customer_id is None else CustomerId(customer_id)
        return flows.compare_usage.compare_usage(self.context, period, customer_id=who)
