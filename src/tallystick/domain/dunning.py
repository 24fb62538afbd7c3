"""Dunning: what happens after a payment has failed. When it is tried again, what the customer is asked for, and when to stop."""

import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tallystick.domain.payments import Payment, PaymentStatus
from tallystick.domain.subscriptions import TRANSITIONS as FOLLOWING
from tallystick.domain.subscriptions import Status, Subscription
from tallystick.values.ids import CustomerId, InvoiceId, PaymentId

LOOK_AGAIN = timedelta(hours=6)  # while a try has no answer yet
GONE = frozenset({"no_payment_method", "resource_missing"})  # nothing was charged: there is no such card any more
_SIGNED = 40  # hexadecimal digits: 160 bits


class Ask(StrEnum):
    """What the customer is asked for. The link in the letter leads to where it is done."""

    PATIENCE = "patience"  # we try again by ourselves; another card would be quicker
    NEW_CARD = "new_card"
    CONFIRM = "confirm"  # the bank wants to hear it from them


class End(StrEnum):
    """What becomes of a subscription when its invoice was given up on: it stays `unpaid`, or it is paused or canceled."""

    KEEP = "keep"
    PAUSE = "pause"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Rule:
    """For some codes: either tries, each so long after the one before has failed, or a time in which the customer must act."""

    name: str
    ask: Ask
    retry_after: tuple[timedelta, ...] = ()
    give_up_after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Policy:
    """Which rule holds for which decline code; `otherwise` names the one for all other codes."""

    rules: Mapping[str, Rule]
    codes: Mapping[str, str]
    otherwise: str

    def rule(self, code: str) -> Rule:
        return self.rules[self.codes.get(code, self.otherwise)]

    @property
    def tries_max(self) -> int:
        """The most tries by the calendar that one invoice can meet, whatever its declines are."""
        return max(len(rule.retry_after) for rule in self.rules.values())


class State(StrEnum):
    RETRYING = "retrying"  # tried again at `next_at`
    WAITING = "waiting"  # for the customer, until `next_at`
    TRYING = "trying"  # a try is on its way
    GIVEN_UP = "given_up"  # nothing more is tried; the invoice can still be paid
    OVER = "over"  # it was paid, or is not asked for any more


TRANSITIONS: dict[State, set[State]] = {
    State.RETRYING: {State.TRYING, State.RETRYING, State.WAITING, State.GIVEN_UP, State.OVER},
    State.WAITING: {State.TRYING, State.RETRYING, State.WAITING, State.GIVEN_UP, State.OVER},
    State.TRYING: {State.TRYING, State.RETRYING, State.WAITING, State.GIVEN_UP, State.OVER},
    State.GIVEN_UP: {State.OVER},
    State.OVER: set(),
}
LIVE = frozenset({State.RETRYING, State.WAITING, State.TRYING})


class Cause(StrEnum):
    """Why a payment was tried."""

    FIRST = "first"  # as its invoice was issued, or made smaller
    SCHEDULE = "schedule"
    NEW_CARD = "new_card"


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt to collect an invoice: the `charge`-th of its payment, not to be begun before `due_at`.

    Once it has failed it has its `code`, and the words of the bank for it; one that succeeds ends the dunning instead.
    """

    customer_id: CustomerId
    invoice_id: InvoiceId
    payment_id: PaymentId
    charge: int
    cause: Cause
    due_at: datetime
    begun_at: datetime
    failed_at: datetime | None = None
    code: str | None = None
    message: str | None = None
    payment_method: str | None = None


@dataclass(frozen=True, slots=True)
class Dunning:
    """How far it has come with one invoice. `failures` counts the failed tries that were taken account of, and `tries` the ones
    that were begun by the calendar. `code` is the newest decline's, of `failed_at`; the customer's time to act runs from `since`.
    """

    customer_id: CustomerId
    invoice_id: InvoiceId
    state: State
    code: str
    failures: int
    tries: int
    begun_at: datetime
    failed_at: datetime
    since: datetime
    next_at: datetime | None
    updated_at: datetime
    version: int = 0


class Move(StrEnum):
    WAIT = "wait"
    TRY = "try"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class Next:
    """What is to be done, at once; or, of a WAIT, when it will be known what is."""

    move: Move
    at: datetime


@dataclass(frozen=True, slots=True)
class History:
    """Of one invoice: the newest decline and its time, since when the customer could act, and the tries by the calendar."""

    code: str
    failed_at: datetime
    since: datetime
    tries: int


def next_step(policy: Policy, history: History, *, now: datetime) -> Next:
    """The rule of the newest code decides: the next of its tries, where one is left; else the end, at once or after its time.

    Tries count through, whichever rule they were made under, so that codes that take turns add none. Nor does a card that is
    declined as it is saved give its customer any more time than they had.
    """
    rule = policy.rule(history.code)
    if history.tries < len(rule.retry_after):
        at = history.failed_at + rule.retry_after[history.tries]
        return Next(Move.TRY if now >= at else Move.WAIT, at)
    at = max(history.failed_at, history.since + rule.give_up_after)
    return Next(Move.GIVE_UP if now >= at else Move.WAIT, at)


def follows(policy: Policy, dunning: Dunning, *, now: datetime) -> Next:
    """The same, of a dunning as it stands."""
    history = History(dunning.code, dunning.failed_at, dunning.since, dunning.tries)
    return next_step(policy, history, now=now)


def noticed(first: Try) -> Dunning:
    """The dunning that the first failure begins: nothing of it was taken account of yet, and that is due at once."""
    assert first.failed_at is not None, "only what has failed is dunned for"
    assert first.code is not None, "and it failed for a reason"
    at = first.failed_at
    return Dunning(first.customer_id, first.invoice_id, State.WAITING, first.code, 0, 0, at, at, at, at, at)


def failed(policy: Policy, before: Dunning, last: Try, *, failures: int) -> Dunning:
    """The dunning after its newest try has failed. Given up is given up, until the invoice is paid."""
    assert last.failed_at is not None, "only what has failed is dunned for"
    assert last.code is not None, "and it failed for a reason"
    at = last.failed_at
    since = before.since if last.cause is Cause.NEW_CARD else at
    known = replace(before, code=last.code, failures=failures, failed_at=at, since=since, updated_at=at)
    if known.state is State.GIVEN_UP:
        return known
    state = State.RETRYING if known.tries < len(policy.rule(known.code).retry_after) else State.WAITING
    return replace(moved(known, state), next_at=follows(policy, known, now=at).at)


def trying(dunning: Dunning, cause: Cause, *, now: datetime) -> Dunning:
    """The dunning with a try on its way. What was given up stays given up meanwhile."""
    if dunning.state is State.GIVEN_UP:
        return dunning
    return replace(
        moved(dunning, State.TRYING), tries=dunning.tries + (cause is Cause.SCHEDULE), next_at=now + LOOK_AGAIN, updated_at=now
    )


def given_up(dunning: Dunning, *, now: datetime, settled: bool) -> Dunning:
    """The dunning at its end. `settled`: nothing is left to do about the subscription; else that is to be done at once."""
    after = dunning if dunning.state is State.GIVEN_UP else moved(dunning, State.GIVEN_UP)
    return replace(after, next_at=None if settled else now, updated_at=now)


def over(dunning: Dunning, *, now: datetime) -> Dunning:
    return replace(moved(dunning, State.OVER), next_at=None, updated_at=now)


def waits(dunning: Dunning, until: datetime) -> Dunning:
    return replace(dunning, next_at=until)


def saved(before: Dunning, after: Dunning) -> Dunning:
    """As it is stored: each save is the next version."""
    return replace(after, version=before.version + 1)


def moved(dunning: Dunning, state: State) -> Dunning:
    assert state in TRANSITIONS[dunning.state], f"{dunning.invoice_id}: is {dunning.state}, and cannot become {state}"
    return replace(dunning, state=state)


def has_failed(before: Payment, after: Payment) -> bool:
    """Whether an attempt to charge it without the customer has just ended, without the money."""
    if after.status is not PaymentStatus.OPEN or not after.automatic or after.charging:
        return False
    return before.charging or (before.status is PaymentStatus.PROCESSING and after.decline is not None)


def is_renamed(before: Payment, after: Payment) -> bool:
    """Whether the try on its way was found never to have run, and is made anew under another key."""
    return before.charging and after.charging and after.charges > before.charges


def can_be_tried(payment: Payment) -> bool:
    """Whether a further try may be begun: one at a time, and none while the customer's own money is on its way, or a
    page on which they may pay is open; and none of what is held, or what we take back."""
    is_waiting = payment.status is PaymentStatus.OPEN and payment.ready and payment.page is None
    is_ours = not payment.is_held and payment.withdrawal is None
    return is_waiting and is_ours and payment.charges > 0 and not payment.charging


def standing(states: Collection[State]) -> Status:
    """What a subscription is, going by the dunnings of all of its invoices."""
    if State.GIVEN_UP in states:
        return Status.UNPAID
    return Status.PAST_DUE if LIVE.intersection(states) else Status.ACTIVE


def moves_to(subscription: Subscription, states: Collection[State]) -> Status | None:
    """The state that the subscription is to go over to; None: it stays. A trial, a pause and an end are nobody's debt."""
    to = standing(states)
    owed = {Status.ACTIVE, Status.PAST_DUE, Status.UNPAID}
    return to if subscription.status in owed and to in FOLLOWING[subscription.status] else None


def resumed(policy: Policy, dunning: Dunning, *, now: datetime) -> Dunning:
    """The dunning whose try is no longer on its way, and has not failed: as it was before that was begun."""
    state = State.RETRYING if dunning.tries < len(policy.rule(dunning.code).retry_after) else State.WAITING
    return replace(moved(dunning, state), next_at=follows(policy, dunning, now=now).at, updated_at=now)


def method_for(payment: Payment, last: Try | None) -> str | None:
    """By which payment method a try of the calendar goes: the same as before, or the customer's own where that one is gone."""
    return None if last is not None and last.code in GONE else payment.payment_method


def link_token(key: bytes, invoice_id: InvoiceId) -> str:
    """What the link in a letter ends with: names the invoice, and cannot be made up by who has not had the letter."""
    digest = hmac.digest(key, f"dunning link {invoice_id}".encode(), "sha256")
    return f"{invoice_id}.{digest.hex()[:_SIGNED]}"


def read_link(key: bytes, token: str) -> InvoiceId | None:
    """The invoice that the link is about; None for one that is not ours."""
    invoice_id = InvoiceId(token.rpartition(".")[0])
    is_ours = token.isascii() and hmac.compare_digest(token, link_token(key, invoice_id))
    return invoice_id if is_ours else None
