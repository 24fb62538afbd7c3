"""The engine's calls about plans that the provider bills by itself: asked for, ended, and seen as they stand there."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

from tallystick import domain, flows, storage
from tallystick.app.engine import Engine
from tallystick.domain.checkouts import checked_url
from tallystick.domain.customers import checked_key
from tallystick.domain.pages import Page
from tallystick.domain.periods import read_cadence
from tallystick.domain.provider_subscriptions import FINAL, End, FollowedSubscription, MirroredInvoice, Standing
from tallystick.flows.bring_provider_subscription import Brought
from tallystick.flows.subscribe_at_provider import ProviderWish
from tallystick.values.errors import Conflict, InvalidInput, NotFound, ProviderRefused, ProviderUnavailable
from tallystick.values.ids import CustomerId, SubscriptionId
from tallystick.values.money import currency as known_currency

_ROUNDS_MAX = 2  # a page that is over, and the next one
_OVERTAKEN_MAX = 2  # the worker notes that it asks, and what it was told


class ProviderSubscriptionCalls(Engine):
    """Plans with billed_by = "provider": the provider makes the invoices and collects them, and we follow."""

    def subscribe_at_provider(  # noqa: PLR0913 each is said by name
        self, customer_id: str, plan: str, *, currency: str | None = None, interval: str | None = None, seats: int = 1,
        trial_days: int | None = None, op: str | None = None, actor: str = "system",
    ) -> FollowedSubscription:  # fmt: skip
        """The subscription, asked for: what becomes of it, its `standing` tells once the worker has asked the provider.

        Raises InvalidInput for what is not offered so, Conflict for a second one of this plan without an `op`.
        """
        wish = _wish(customer_id, plan, currency=currency, interval=interval, seats=seats, trial_days=trial_days)
        wish = replace(wish, op=None if op is None else checked_key(op, field="op"))
        return flows.subscribe_at_provider.subscribe_at_provider(self.context, wish, actor=actor)

    def subscribe_on_page(  # noqa: PLR0913 each is said by name
        self, customer_id: str, plan: str, *, success_url: str, cancel_url: str, currency: str | None = None,
        interval: str | None = None, seats: int = 1, trial_days: int | None = None,
        allowed_origins: Collection[str] | None = None, actor: str = "system",
    ) -> FollowedSubscription:  # fmt: skip
        """The subscription, with the `page_url` on which its customer begins it; the same for the same wish, while that is open.

        A page for another wish is closed first. What comes of it is followed as if we had begun it. Raises InvalidInput for what
        is not offered so, Conflict for who has subscribed already, ProviderUnavailable where the answer is not known: ask again.
        """
        page = Page(
            success_url=checked_url(success_url, field="success_url", allowed_origins=allowed_origins),
            cancel_url=checked_url(cancel_url, field="cancel_url", allowed_origins=allowed_origins),
        )
        wish = replace(
            _wish(customer_id, plan, currency=currency, interval=interval, seats=seats, trial_days=trial_days), page=page
        )
        for _ in range(_ROUNDS_MAX):
            same = flows.subscribe_at_provider.waiting(self.context, wish)
            but = None if same is None else same.id
            flows.close_subscription_pages.close_subscription_pages(self.context, wish.customer_id, but=but)
            asked = flows.subscribe_at_provider.subscribe_at_provider(self.context, wish, actor=actor)
            self.bring_provider_subscription(asked.id)
            followed = self.provider_subscription(asked.id)
            if followed.page_url is not None and followed.is_on_page:
                return followed
            if followed.is_on_page:
                break
            if same is None and followed.standing in FINAL:
                raise ProviderRefused(f"the provider opens no page for plan {plan}: {followed.reason}")
        raise ProviderUnavailable("the provider did not open its page; nothing was charged; try again")

    def end_at_provider(self, subscription_id: str, end: str, *, actor: str = "system") -> FollowedSubscription:
        """Ended with its "period_end", or "now"; or it shall "go_on" after all. Raises NotFound, Conflict where it has ended."""
        if end not in set(End):
            raise InvalidInput(f"end: one of {', '.join(End)}", field="end")
        return flows.subscribe_at_provider.end_at_provider(self.context, SubscriptionId(subscription_id), End(end), actor=actor)

    def bring_provider_subscription(self, subscription_id: str) -> Brought:
        """Asks the provider now what the worker would ask it in a moment; how it stands then, `provider_subscription` tells.

        The worker may ask at the very same moment: who is overtaken goes on from what the other has learned.
        """
        for _ in range(_OVERTAKEN_MAX):
            try:
                return self._brought(subscription_id)
            except Conflict as overtaken:
                if overtaken.code != "changed_meanwhile":
                    raise
        return self._brought(subscription_id)

    def _brought(self, subscription_id: str) -> Brought:
        return flows.bring_provider_subscription.bring_provider_subscription(self.context, SubscriptionId(subscription_id))

    def provider_subscription(self, subscription_id: str) -> FollowedSubscription:
        """As it stood when we last heard of it. Raises NotFound."""
        with self.context.database.reading() as conn:
            found = storage.provider_subscriptions.get(conn, SubscriptionId(subscription_id))
        if found is None:
            raise NotFound("subscription: there is no such subscription at the provider", field="subscription")
        return found

    def provider_subscriptions(
        self,
        customer_id: str | None = None,
        *,
        standing: str | None = None,
        plan: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> list[FollowedSubscription]:
        """A page of them, in the order of their ids, behind `after`; of one customer, standing or plan where given."""
        if standing is not None and standing not in set(Standing):
            raise InvalidInput(f"standing: one of {', '.join(Standing)}", field="standing")
        query = storage.provider_subscriptions.Query(
            customer_id=None if customer_id is None else CustomerId(customer_id),
            standing=None if standing is None else Standing(standing),
            plan_key=plan,
        )
        behind = None if after is None else SubscriptionId(after)
        with self.context.database.reading() as conn:
            return storage.provider_subscriptions.page(conn, query, after=behind, limit=limit)

    def provider_invoices(self, customer_id: str, *, after: str | None = None, limit: int = 50) -> list[MirroredInvoice]:
        """The invoices that the provider has made of the customer's subscriptions, newest first, behind the one named `after`."""
        with self.context.database.reading() as conn:
            behind = None if after is None else storage.provider_subscriptions.invoice(conn, after)
            return storage.provider_subscriptions.invoices(conn, CustomerId(customer_id), after=behind, limit=limit)


def _wish(
    customer_id: str, plan: str, *, currency: str | None, interval: str | None, seats: int, trial_days: int | None
) -> ProviderWish:
    if trial_days is not None and not 0 <= trial_days <= domain.plans.TRIAL_MAX.days:
        raise InvalidInput(f"trial_days: from 0 to {domain.plans.TRIAL_MAX.days}", field="trial_days")
    return ProviderWish(
        customer_id=CustomerId(checked_key(customer_id, field="customer")),
        plan_key=plan,
        currency=None if currency is None else known_currency(currency),
        cadence=None if interval is None else read_cadence(interval),
        seats=seats,
        trial=None if trial_days is None else timedelta(days=trial_days),
    )
