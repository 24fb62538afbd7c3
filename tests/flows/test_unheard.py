"""A wrong key proves nothing: what was asked before stays open, keeps its own key, and is told to whoever can mend it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.payments import Collection, Method, PaymentStatus
from tallystick.flows.context import Context
from tallystick.providers.stripe.client import StripeProvider
from tallystick.sandbox.faces import InProcessClient
from tallystick.storage.provider_events import Settlement, page
from tallystick.values.errors import ProviderUnavailable
from tests.flows.crowd import charges, intents
from tests.scenarios.world import World

PRICE = {"model": "per_unit", "currency": "usd", "unit_amount": "1"}


@pytest.fixture
def world() -> Iterator[World]:
    made = World("sqlite://")
    made.sells("calls", PRICE)
    yield made
    made.billing.close()


def revoked(world: World) -> Context:
    """The same engine, while its key is one that the provider does not accept."""
    client = InProcessClient(world.sandbox, before_call=lambda: None)
    provider = StripeProvider("sk_live_revoked", webhook_secrets=(), http_client=client)
    return replace(world.billing.context, provider=provider)


def billed(world: World, collection: Collection) -> Invoice:
    world.uses("ada", "calls", 10)
    world.later(minutes=1)
    (invoice,) = world.billing.bill("ada", collection=collection)
    return invoice


def works_with_a_revoked_key(world: World) -> None:
    context, world.billing.context = world.billing.context, revoked(world)
    world.works()
    world.billing.context = context


@pytest.mark.parametrize("refused_after", [1, 25], ids=["while the old key lives", "when it is looked for"])
def test_what_a_lost_call_made_is_found_although_the_key_was_revoked_in_between(world: World, refused_after: int) -> None:
    invoice = billed(world, Collection(Method.INTENT, automatic=False))
    world.sandbox.faults.next("timeout_after_success", on="POST /v1/payment_intents")
    world.works()
    assert world.payment(invoice).ref is None, "unknown"
    world.later(hours=refused_after)
    works_with_a_revoked_key(world)
    with pytest.raises(ProviderUnavailable):
        world.billing.void(invoice.id, reason="too early: nobody knows yet")
    world.later(hours=30).works()
    assert intents(world.sandbox) == [world.payment(invoice).ref], "one object for one invoice, for ever"


@pytest.mark.parametrize("method", list(Method))
def test_a_charge_with_a_revoked_key_is_made_once_the_key_is_mended(world: World, method: Method) -> None:
    invoice = billed(world, Collection(method, payment_method="pm_card_visa"))
    world.sandbox.faults.next("lost_request", on="POST /v1/payment_intents/{id}/confirm")
    world.sandbox.faults.next("lost_request", on="POST /v1/invoices/{id}/pay")
    world.works()
    assert world.payment(invoice).charging
    world.later(hours=1)
    with capture_logs() as logs:
        works_with_a_revoked_key(world)
    assert [entry["code"] for entry in logs if entry["event"] == "job.failed"] == ["authentication"], "said, not swallowed"
    world.later(hours=1).works()
    assert world.payment(invoice).status is PaymentStatus.SUCCEEDED
    assert charges(world.sandbox) == {invoice.id: [1000]}
    world.proves()


def test_a_webhook_that_comes_while_the_key_is_revoked_is_settled_later(world: World) -> None:
    invoice = billed(world, Collection(Method.INTENT, automatic=False))
    world.works()
    world.pays(invoice)
    world.delivers()
    works_with_a_revoked_key(world)
    with world.billing.context.database.reading() as conn:
        assert page(conn, settlement=Settlement.PARKED, limit=9) == []
    world.later(minutes=5).works()
    assert world.now(invoice).status is InvoiceStatus.PAID
