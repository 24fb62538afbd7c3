"""Invoice what is over of a subscription, and begin what follows."""

from tallystick.domain.invoices import Invoice
from tallystick.flows import _turn
from tallystick.flows.context import Context
from tallystick.values.ids import SubscriptionId


def bill_period(ctx: Context, subscription_id: SubscriptionId, *, graceless: bool = False) -> list[Invoice]:
    """The invoices opened now, one for each period that is over, in their order; run again, there are none.

    A period is invoiced when the grace for late usage is over, or at once with `graceless`. Raises NotFound.
    """
    return _turn.bring_up(ctx, subscription_id, graceless=graceless)
