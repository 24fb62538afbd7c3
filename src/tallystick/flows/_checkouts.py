"""What the beginning of a checkout and its end both ask: whether its customer has subscribed to something already."""

from sqlalchemy import Connection

from tallystick import storage
from tallystick.domain.subscriptions import Status, Subscription
from tallystick.values.ids import CustomerId


def subscribed(conn: Connection, customer_id: CustomerId) -> Subscription | None:
    """The subscription of the customer's that has not ended; the oldest of them.

    To whichever plan: who comes by a page to choose another one means to change, and not to pay for both.
    """
    kept = storage.subscriptions.of_customer(conn, customer_id)
    return next((each.subscription for each in kept if each.subscription.status is not Status.CANCELED), None)
