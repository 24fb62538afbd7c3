"""The engine's calls about how the business does: what recurs, what fails, and with whom most is earned."""

from datetime import datetime, timedelta

from tallystick import domain, flows, storage
from tallystick.app.engine import Engine
from tallystick.domain.recurring_revenue import RecurringMonth
from tallystick.storage.reports import PaymentMonth, TopCustomer
from tallystick.values.errors import InvalidInput
from tallystick.values.time import Period

MONTHS = 12
_TOP_MAX = 100


class FigureCalls(Engine):
    """MRR and churn, payments that fail, and the customers who bring in most. They read, and change nothing."""

    def mrr(self, since: datetime | None = None, until: datetime | None = None) -> list[RecurringMonth]:
        """Each calendar month in UTC that the time touches, and in each its currencies; of itself the last twelve."""
        return flows.report_mrr.report_mrr(self.context, self._period(since, until))

    def payment_months(self, since: datetime | None = None, until: datetime | None = None) -> list[PaymentMonth]:
        """Likewise, how many payments failed, and why."""
        months = domain.recurring_revenue.seen_months(self._period(since, until), now=self.context.clock.now())
        with self.context.database.reading() as conn:
            return storage.reports.payment_months(conn, months)

    def top_customers(
        self, since: datetime | None = None, until: datetime | None = None, *, limit: int = 10
    ) -> list[TopCustomer]:
        """With whom most was earned in the time, up to `limit` of each currency, the most first."""
        if not 1 <= limit <= _TOP_MAX:
            raise InvalidInput(f"limit: from 1 to {_TOP_MAX}", field="limit")
        with self.context.database.reading() as conn:
            return storage.reports.top_customers(conn, self._period(since, until), limit=limit)

    def _period(self, since: datetime | None, until: datetime | None) -> Period:
        """The last twelve months, and this instant is in them, unless something else is said."""
        now = self.context.clock.now()
        start = since or domain.recurring_revenue.first_of_months(MONTHS, now=now)
        return Period(start, until or now + timedelta(microseconds=1))
