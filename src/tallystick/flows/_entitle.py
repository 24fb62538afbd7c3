"""What a customer's plans let them use, written down as entitlements: after each change of a subscription, in its transaction."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.entitlements import Entitlement, Quota, Reset, Source
from tallystick.domain.periods import Cadence
from tallystick.domain.subscriptions import ENTITLED
from tallystick.domain.usage import Meter
from tallystick.flows.context import Context
from tallystick.values.ids import CustomerId, MeterKey


class Granted(NamedTuple):
    """What one subscription gives, and the calendar by which its quotas begin anew."""

    quotas: Mapping[MeterKey, Quota]
    features: frozenset[str]
    zone: str
    anchor: datetime
    cadence: Cadence


def entitle(ctx: Context, conn: Connection, customer_id: CustomerId) -> None:
    """Every quota that a plan of the customer's gives now, and none that none gives any more.

    What was granted to the customer directly stands before it, and stays as it is. The quotas of several plans add up.
    """
    now, meters = ctx.clock.now(), storage.catalog.meters(conn)
    given = _given(conn, customer_id)
    stood = {each.meter_key: each for each in storage.entitlements.of_customer(conn, customer_id, meters)}
    for meter_key in sorted(given.keys() | stood.keys()):
        before, quota = stood.get(meter_key), given.get(meter_key)
        if before is not None and before.source is Source.GRANT and before.withdrawn_at is None:
            continue
        if quota is not None:
            checked = domain.entitlements.checked_quota(quota, meters[meter_key])
            _put(conn, before, Entitlement(customer_id, meter_key, checked, now, Source.PLAN), meters[meter_key])
        elif before is not None and before.withdrawn_at is None:
            _put(conn, before, replace(before, withdrawn_at=now, updated_at=now), meters[meter_key])


def _put(conn: Connection, before: Entitlement | None, wanted: Entitlement, meter: Meter) -> None:
    if before is None or replace(before, updated_at=wanted.updated_at) != wanted:
        storage.entitlements.put(conn, wanted, meter)


def features(conn: Connection, customer_id: CustomerId) -> frozenset[str]:
    """Every feature that a plan of the customer's has, as long as it entitles them."""
    return frozenset(feature for granted in _entitling(conn, customer_id) for feature in granted.features)


def _given(conn: Connection, customer_id: CustomerId) -> Mapping[MeterKey, Quota]:
    found: dict[MeterKey, Quota] = {}
    for granted in _entitling(conn, customer_id):
        for meter_key, quota in granted.quotas.items():
            found[meter_key] = domain.subscriptions.added(found.get(meter_key), _counted(quota, granted))
    return found


def _entitling(conn: Connection, customer_id: CustomerId) -> Iterator[Granted]:
    """Of the subscriptions that we bill, and of those that the provider bills."""
    for kept in storage.subscriptions.of_customer(conn, customer_id):
        subscription = kept.subscription
        if subscription.status in ENTITLED:
            terms = subscription.terms
            sold = domain.subscriptions.sold(terms, storage.plans.versions(conn, terms.plans))
            yield Granted(sold.quotas, sold.features, subscription.zone, subscription.anchor, terms.cadence)
    for followed in storage.provider_subscriptions.of_customer(conn, customer_id):
        if followed.standing in domain.provider_subscriptions.ENTITLED:
            terms = followed.terms
            plan = storage.plans.versions(conn, terms.plans)[terms.plan_key, terms.plan_version]
            anchor = domain.provider_subscriptions.anchor(followed)
            yield Granted(plan.quotas, plan.features, "UTC", anchor, terms.cadence)


def _counted(quota: Quota, granted: Granted) -> Quota:
    """The quota with the calendar of its subscription."""
    if quota.reset is Reset.PERIOD:
        return replace(quota, zone=granted.zone, anchor=granted.anchor, cadence=granted.cadence)
    return replace(quota, zone=granted.zone)
