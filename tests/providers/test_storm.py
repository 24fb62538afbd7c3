"""Whatever gets lost on the way, for however long: one object, and the money once."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tallystick.domain import payments
from tallystick.domain.payments import Method, Payment, PaymentStatus, Step
from tallystick.providers.protocol import Declined, Done, Outcome, PaymentRequest, Refused, Unknown
from tests.providers.stripe_world import World

LOSSES = ("lost_request", "lost_reply", "timeout_after_success", "rate_limited", "lock_timeout", "idempotency_key_in_use")
WAITS = [timedelta(seconds=1), timedelta(seconds=30), timedelta(hours=1), timedelta(hours=12), timedelta(hours=25)]
STORMY_STEPS, STEPS_MAX = 100, 200


def ask(world: World, request: PaymentRequest, payment: Payment, step: Step) -> Outcome | None:
    key, ref, provider = payment.key(step), payment.ref or "", world.provider
    match step:
        case Step.OPEN:
            return provider.open(request, key=key)
        case Step.FIND:
            return provider.find(request)
        case Step.COMPLETE:
            return provider.complete(ref, request, key=key, look_first=payment.round > 0)
        case Step.CHARGE:
            return provider.charge(ref, payment.method, key=key)
        case Step.FETCH:
            return provider.fetch(ref, payment.method)
        case Step.NOTHING:
            raise AssertionError("nothing is asked of what is final")


def answer(payment: Payment, step: Step, outcome: Outcome | None, now: datetime) -> Payment:
    match outcome:
        case Done(told):
            return payments.answered(payment, step, now=now, told=told)
        case None:
            return payments.answered(payment, step, now=now)
        case Unknown(stored=True):
            return replace(payment, look_first=True)
        case Refused() | Declined():
            raise AssertionError(f"a storm refuses nothing: {step} {outcome}")
        case _:
            return payment


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("method", list(Method))
def test_one_object_is_paid_once(method: Method, seed: int) -> None:
    dice, world = random.Random(seed), World()
    request = world.request(world.customer(card="pm_card_visa"), method, 500, 300, -10, 700)
    now, name = world.clock.now(), payments.payment_id(request.invoice_id)
    payment = Payment(
        name, request.invoice_id, request.customer_id, method, request.amount, PaymentStatus.PENDING, now, now, automatic=True
    )
    for fault in LOSSES:
        world.faults.set(fault, dice.random() / 8)
    for number in range(STEPS_MAX):
        if number == STORMY_STEPS:
            world.faults.off()
        elif number < STORMY_STEPS and dice.random() < 0.15:
            world.faults.next("stored_500", "POST *", effect=dice.choice(["done", "none"]))
        now = world.clock.now()
        step = payments.next_step(payment, now=now)
        if step is Step.NOTHING:
            break
        payment = payments.asked(payment, step, now=now)
        payment = answer(payment, step, ask(world, request, payment, step), now)
        world.passes(dice.choice(WAITS))
    world.faults.off()
    assert payment.status is PaymentStatus.SUCCEEDED
    assert [charge.amount for charge in world.stripe.charges.list().data if charge.paid] == [request.amount.minor]
    held = world.stripe.payment_intents if method is Method.INTENT else world.stripe.invoices
    assert len(held.list().data) == 1
