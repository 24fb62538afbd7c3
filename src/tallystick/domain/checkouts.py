"""Checkout: a customer goes to the provider's page to save a payment method for a plan, and comes back with it or without."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tallystick.domain.payments import KEY_AGE_MAX
from tallystick.domain.periods import Cadence
from tallystick.domain.plans import BilledBy, PlanVersion
from tallystick.values.errors import IllegalTransition, InvalidInput
from tallystick.values.ids import CheckoutId, CustomerId, derived
from tallystick.values.money import Currency

LIFETIME = timedelta(hours=24)  # of a page, as the provider counts it from its own creation
LEFT_MIN = timedelta(hours=1)  # a page that is open for less is not handed out again
URL_LENGTH_MAX = 2048
# Scheme and host, without credentials; then anything that fits into one header line.
_URL = re.compile(
    r"(https?://(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::\d{1,5})?)(?:[/?#][!-~]*)?", re.ASCII | re.IGNORECASE
)


class CheckoutStatus(StrEnum):
    OPEN = "open"  # written down; the page may be asked for, or be before the customer
    COMPLETE = "complete"  # a payment method is saved
    EXPIRED = "expired"  # nobody can complete it any more


TRANSITIONS: dict[CheckoutStatus, set[CheckoutStatus]] = {
    CheckoutStatus.OPEN: {CheckoutStatus.COMPLETE, CheckoutStatus.EXPIRED},
    CheckoutStatus.COMPLETE: set(),
    CheckoutStatus.EXPIRED: set(),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer asks to subscribe to, and where the provider's page leads back to. None: what the plan says."""

    customer_id: CustomerId
    plan_key: str
    success_url: str
    cancel_url: str
    currency: Currency | None = None
    cadence: Cadence | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The wish with everything said: this version of the plan, as it is sold today, in this currency by this interval."""

    customer_id: CustomerId
    plan_key: str
    plan_version: int
    currency: Currency
    cadence: Cadence
    success_url: str
    cancel_url: str

    @property
    def fingerprint(self) -> str:
        """The same for the same choice: of equal ones, only one is open at a time."""
        sold = (self.plan_key, str(self.plan_version), self.currency.code, str(self.cadence))
        return derived("choice", *sold, self.success_url, self.cancel_url)


@dataclass(frozen=True, slots=True)
class Checkout:
    """One visit to the provider's page. `number` counts those for an equal choice; `ref` and `url` are known once it stands."""

    id: CheckoutId
    choice: Choice
    number: int
    status: CheckoutStatus
    created_at: datetime
    expires_at: datetime
    ref: str | None = None
    url: str | None = None
    payment_method: str | None = None
    subscription_id: str | None = None

    @property
    def customer_id(self) -> CustomerId:
        return self.choice.customer_id

    @property
    def key(self) -> str:
        """The idempotency key under which its page is asked for, however often."""
        return f"{self.id}:start"


@dataclass(frozen=True, slots=True)
class ProviderCheckout:
    """What the provider holds for one checkout, now. `reference` is the checkout of ours that it says it is for."""

    ref: str
    status: CheckoutStatus
    reference: CheckoutId | None
    customer_ref: str | None
    url: str | None
    expires_at: datetime
    payment_method: str | None = None


def chosen(wish: Wish, plan: PlanVersion) -> Choice:
    """What is subscribed to: where the wish says nothing, the plan's first interval, and the one currency that it is sold in.

    Raises InvalidInput for what the plan does not sell.
    """
    if plan.add_on:
        raise InvalidInput(f"plan {plan.key}: is an add-on, sold beside another plan only", field="plan")
    if plan.billed_by is not BilledBy.TALLYSTICK:
        message = f"plan {plan.key}: is billed by the provider; use subscribe_at_provider"
        raise InvalidInput(message, field="plan", code="billed_by_provider")
    cadence = wish.cadence or plan.cadences[0]
    if cadence not in plan.cadences:
        sold = ", ".join(str(each) for each in plan.cadences)
        raise InvalidInput(f"plan {plan.key}: is not sold by the {cadence}; by the {sold}", field="interval")
    currency = _currency(plan, cadence, wish.currency)
    return Choice(wish.customer_id, plan.key, plan.version, currency, cadence, wish.success_url, wish.cancel_url)


def _currency(plan: PlanVersion, cadence: Cadence, wanted: Currency | None) -> Currency:
    offered = plan.currencies(cadence)
    known = f"one of {', '.join(each.code for each in offered)}" if offered else "any, as it has no prices"
    if wanted is None:
        if len(offered) == 1:
            return offered[0]
        raise InvalidInput(f"currency: say in which to pay for plan {plan.key}: {known}", field="currency")
    if plan.charges and wanted not in offered:
        raise InvalidInput(f"plan {plan.key}: is not sold in {wanted.code} by the {cadence}; {known}", field="currency")
    return wanted


def begin(choice: Choice, newest: Checkout | None, *, now: datetime) -> Checkout:
    """The newest for an equal choice, where its page can still be handed out; else the next one."""
    if newest is not None and newest.status is CheckoutStatus.OPEN and not is_stale(newest, now=now):
        return newest
    number = 0 if newest is None else newest.number + 1
    checkout_id = CheckoutId(derived("chk", choice.customer_id, choice.fingerprint, str(number)))
    return Checkout(checkout_id, choice, number, CheckoutStatus.OPEN, now, now + LIFETIME)


def is_stale(checkout: Checkout, *, now: datetime) -> bool:
    """Whether its page will not be open for long enough; or was asked for so long ago that its key is not safe any more."""
    if checkout.ref is None:
        return now - checkout.created_at >= KEY_AGE_MAX
    return checkout.expires_at - now < LEFT_MIN


def learned(checkout: Checkout, told: ProviderCheckout) -> Checkout:
    """The checkout as the provider says that it stands. What is final stays. Raises IllegalTransition for another one's."""
    if told.reference != checkout.id or checkout.ref not in {None, told.ref}:
        message = f"{checkout.id}: {told.ref} is not its page at the provider, it belongs to {told.reference}"
        raise IllegalTransition(message, code="checkout_mismatch")
    if checkout.status is not CheckoutStatus.OPEN:
        return checkout
    known = replace(checkout, ref=told.ref, url=told.url or checkout.url, expires_at=told.expires_at)
    if told.status is CheckoutStatus.COMPLETE:
        assert told.payment_method is not None, f"{told.ref}: complete is what has saved a payment method"
        return replace(known, status=CheckoutStatus.COMPLETE, payment_method=told.payment_method)
    return replace(known, status=told.status)


def checked_url(url: str, *, field: str, allowed_origins: Collection[str] | None = None) -> str:
    """`url`, if the provider's page may lead back to it: absolute, http or https, and of one of the origins where some are given.

    Whoever could choose it freely could send customers anywhere, with our page as the bait.
    """
    match = _URL.fullmatch(url) if len(url) <= URL_LENGTH_MAX else None
    if match is None:
        raise InvalidInput(
            f"{field}: must be an absolute http or https URL in ASCII, of at most {URL_LENGTH_MAX} characters", field=field
        )
    if allowed_origins is not None and match[1].lower() not in {origin.lower().rstrip("/") for origin in allowed_origins}:
        raise InvalidInput(f"{field}: must be on one of this service's own origins", field=field, code="origin_not_allowed")
    return url
