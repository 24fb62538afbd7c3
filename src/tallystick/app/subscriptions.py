"""The engine's calls about plans, and who is on them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tallystick import domain, flows, storage
from tallystick.app.engine import Engine
from tallystick.domain.catalog import Price
from tallystick.domain.catalog_documents import Catalogue
from tallystick.domain.customers import checked_key
from tallystick.domain.invoices import Invoice
from tallystick.domain.payments import Collection
from tallystick.domain.periods import read_cadence
from tallystick.domain.plan_changes import When
from tallystick.domain.plans import PlanVersion
from tallystick.domain.price_documents import read_price
from tallystick.domain.subscriptions import Act, Anchoring, Status, Subscription
from tallystick.flows._begin import Begun, Wanted
from tallystick.flows._change import Change, Changed
from tallystick.values.errors import InvalidInput, NotFound
from tallystick.values.ids import CustomerId, SubscriptionId
from tallystick.values.money import currency as currency_of


class SubscriptionCalls(Engine):
    """Plans, and the life of a subscription: subscribe, change, pause, cancel, each with its preview."""

    def put_plan(self, plan: PlanVersion, *, actor: str = "system") -> PlanVersion:
        """The plan as given, from now on; another content is another version. `plan.version` says nothing."""
        wanted = Catalogue(meters={}, charges={}, plans={plan.key: replace(plan, version=1)})
        flows.apply_catalogue.apply_catalogue(self.context, wanted, actor=actor)
        return self.plan(plan.key)

    def plans(self) -> dict[str, PlanVersion]:
        """Every plan in its newest version, by key."""
        with self.context.database.reading() as conn:
            return storage.plans.latest(conn)

    def plan(self, key: str, version: int | None = None) -> PlanVersion:
        """One version of a plan (None: the newest). Raises NotFound."""
        with self.context.database.reading() as conn:
            newest = storage.plans.latest(conn).get(key)
            found = newest if version is None else storage.plans.versions(conn, [(key, version)]).get((key, version))
        if found is None:
            raise NotFound("plan: there is no such plan", field="plan")
        return found

    def subscribe(self, customer_id: str, plan: str, *, actor: str = "system", **wanted: Any) -> Subscription:
        """Puts the customer on a plan, and asks for its first fees; `subscribed` says with which invoice.

        `wanted`: currency, interval ("month", "3 months"), seats, add_ons ({key: quantity}), overrides ({charge: price
        document}), coupon, trial_days, start (an aware UTC time, not after now), zone, anchoring ("anniversary" or
        "calendar"), collection, op. Raises InvalidInput for what is not offered, Conflict for a second one of this plan.
        """
        return self.subscribed(customer_id, plan, actor=actor, **wanted).subscription

    def subscribed(self, customer_id: str, plan: str, *, actor: str = "system", **wanted: Any) -> Begun:
        """As `subscribe`, with the first invoice."""
        return flows.subscribe.subscribe(self.context, read_wanted(customer_id, plan, **wanted), actor=actor)

    def preview_subscribe(self, customer_id: str, plan: str, **wanted: Any) -> Begun:
        """What `subscribe` would come to now; nothing is kept."""
        return flows.subscribe.preview_subscribe(self.context, read_wanted(customer_id, plan, **wanted))

    def subscription(self, subscription_id: str) -> Subscription:
        """Raises NotFound."""
        with self.context.database.reading() as conn:
            kept = storage.subscriptions.get(conn, SubscriptionId(subscription_id))
        if kept is None:
            raise NotFound("subscription: there is no such subscription", field="subscription")
        return kept.subscription

    def subscriptions(
        self,
        customer_id: str | None = None,
        *,
        status: str | None = None,
        plan: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> list[Subscription]:
        """A page of subscriptions, in the order of their ids, behind `after`; of one customer, status or plan where given."""
        if status is not None and status not in set(Status):
            raise InvalidInput(f"status: one of {', '.join(Status)}", field="status")
        query = storage.subscriptions.Query(
            customer_id=None if customer_id is None else CustomerId(customer_id),
            status=None if status is None else Status(status),
            plan_key=plan,
        )
        with self.context.database.reading() as conn:
            return storage.subscriptions.page(conn, query, after=None if after is None else SubscriptionId(after), limit=limit)

    def preview_change(self, subscription_id: str, **change: Any) -> Changed:
        """What a change would come to now, with a preview to accept it by: what it shows is what is charged.

        `change`: plan, interval, seats, add_ons, when ("now", "period_end" or "auto": upwards now, downwards then).
        """
        return flows.change_subscription.preview_change(self.context, SubscriptionId(subscription_id), read_change(**change))

    def accept_preview(self, preview_id: str, *, actor: str = "system") -> Changed:
        """The change, for exactly what its preview has shown. Raises NotFound; Conflict where it is over, or outdated."""
        return flows.change_subscription.accept_preview(self.context, preview_id, actor=actor)

    def change_subscription(self, subscription_id: str, *, actor: str = "system", **change: Any) -> Changed:
        """The change without a preview; see `preview_change`."""
        return flows.change_subscription.change_subscription(
            self.context, SubscriptionId(subscription_id), read_change(**change), actor=actor
        )

    def cancel(
        self, subscription_id: str, *, now: bool = False, credit_unused: bool = False, actor: str = "system"
    ) -> Subscription:
        """Ends the subscription with its period, or `now`: then its usage so far is invoiced, and, with `credit_unused`, the
        unused rest of its fees given back."""
        named, act = SubscriptionId(subscription_id), _end(now=now, credit_unused=credit_unused)
        return flows.cancel_subscription.cancel_subscription(self.context, named, act, actor=actor).subscription

    def preview_cancel(self, subscription_id: str, *, now: bool = False, credit_unused: bool = False) -> Changed:
        """What `cancel` would come to now, with a preview to accept it by."""
        act = _end(now=now, credit_unused=credit_unused)
        return flows.cancel_subscription.preview_cancel(self.context, SubscriptionId(subscription_id), act)

    def undo_change(self, subscription_id: str, *, actor: str = "system") -> Subscription:
        """Takes back whatever was agreed for the end of the period."""
        return flows.cancel_subscription.undo(self.context, SubscriptionId(subscription_id), actor=actor)

    def pause(self, subscription_id: str, *, actor: str = "system") -> Subscription:
        """Nothing is asked for, and nothing may be used, until it is resumed; the unused rest of its fees is given back."""
        return flows.pause_subscription.pause_subscription(
            self.context, SubscriptionId(subscription_id), actor=actor
        ).subscription

    def resume(self, subscription_id: str, *, actor: str = "system") -> Subscription:
        """In service again, in a period that begins now."""
        return flows.pause_subscription.resume_subscription(
            self.context, SubscriptionId(subscription_id), actor=actor
        ).subscription

    def due_subscriptions(self, *, limit: int = 10_000) -> list[SubscriptionId]:
        """For which something is to be done by now, the longest waiting first: `bill_subscription` does it."""
        with self.context.database.reading() as conn:
            return storage.subscriptions.due(conn, now=self.context.clock.now(), limit=limit)

    def preview_pause(self, subscription_id: str) -> Changed:
        """What `pause` would come to now, with a preview to accept it by."""
        return flows.pause_subscription.preview_pause(self.context, SubscriptionId(subscription_id), Act.PAUSE)

    def preview_resume(self, subscription_id: str) -> Changed:
        """What `resume` would come to now, with a preview to accept it by."""
        return flows.pause_subscription.preview_pause(self.context, SubscriptionId(subscription_id), Act.RESUME)

    def bill_subscription(self, subscription_id: str, *, graceless: bool = False) -> list[Invoice]:
        """The invoices of the periods that are over; the worker does this by itself. `graceless`: waits for no late usage."""
        return flows.bill_period.bill_period(self.context, SubscriptionId(subscription_id), graceless=graceless)

    def upcoming(self, subscription_id: str, *, at_pace: bool = False) -> Invoice | None:
        """The invoice at the end of the current period, as things stand, or `at_pace`, if usage goes on as it has so far in it.

        None where there will be none.
        """
        return flows.preview_invoice.preview_invoice(self.context, SubscriptionId(subscription_id), at_pace=at_pace)


def _end(*, now: bool, credit_unused: bool) -> Act:
    if not now:
        return Act.CANCEL_AT_END
    return Act.CANCEL_AND_CREDIT if credit_unused else Act.CANCEL


def read_wanted(  # noqa: PLR0913 each word of a caller's
    customer_id: str,
    plan: str,
    *,
    currency: str | None = None,
    interval: str | None = None,
    trial_days: int | None = None,
    overrides: Mapping[str, Mapping[str, object]] | None = None,
    anchoring: str = Anchoring.ANNIVERSARY,
    add_ons: Mapping[str, int] | None = None,
    collection: Collection | None = None,
    start: datetime | None = None,
    **others: Any,
) -> Wanted:
    """What somebody subscribes to, in the words of a caller. Raises InvalidInput."""
    if anchoring not in set(Anchoring):
        raise InvalidInput(f"anchoring: one of {', '.join(Anchoring)}", field="anchoring")
    if trial_days is not None and not 0 <= trial_days <= domain.plans.TRIAL_MAX.days:
        raise InvalidInput(f"trial_days: from 0 to {domain.plans.TRIAL_MAX.days}", field="trial_days")
    domain.periods.time_zone(others.get("zone", "UTC"))
    if others.get("op") is not None:
        checked_key(others["op"], field="op")
    return Wanted(
        customer_id=CustomerId(checked_key(customer_id, field="customer")),
        plan_key=plan,
        currency=None if currency is None else currency_of(currency),
        cadence=None if interval is None else read_cadence(interval),
        trial=None if trial_days is None else timedelta(days=trial_days),
        overrides={key: _read_override(document) for key, document in (overrides or {}).items()},
        anchoring=Anchoring(anchoring),
        add_ons=add_ons or {},
        collection=collection or Collection(),
        start=None if start is None else _in_utc(start),
        **others,
    )


def _in_utc(start: datetime) -> datetime:
    if start.tzinfo is None:
        raise InvalidInput("start: says no zone; give an aware time, such as one in UTC", field="start")
    return start.astimezone(UTC)


def _read_override(document: Mapping[str, object]) -> Price:
    try:
        return read_price(document)
    except InvalidInput as wrong:
        raise InvalidInput(f"overrides: {wrong.message}", field="overrides") from None


def read_change(
    *,
    plan: str | None = None,
    interval: str | None = None,
    seats: int | None = None,
    add_ons: Mapping[str, int] | None = None,
    when: str = When.AUTO,
) -> Change:
    """What is to be otherwise, in the words of a caller. Raises InvalidInput."""
    if when not in set(When):
        raise InvalidInput(f"when: one of {', '.join(When)}", field="when")
    return Change(plan, None if interval is None else read_cadence(interval), seats, add_ons, When(when))
