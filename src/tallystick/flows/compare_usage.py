"""Compare what was recorded with what the provider's meters have added up."""

from tallystick.flows import _usage_totals
from tallystick.flows._usage_totals import Compared
from tallystick.flows.context import Context
from tallystick.values.ids import CustomerId
from tallystick.values.time import Period


def compare_usage(
    ctx: Context, period: Period, *, customer_id: CustomerId | None = None, day: int | None = None
) -> list[Compared]:
    """Of everybody of whom the provider was told anything in the period; or of those of them whose turn it is on the `day`.

    One question to the provider for each customer and meter.
    """
    compared = list(_usage_totals.totals(ctx, period, customer_id=customer_id, day=day))
    if any(each.difference for each in compared):
        ctx.faults.mark("export.differs")
    return compared
