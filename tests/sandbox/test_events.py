"""Events, webhooks and test clocks: what happened, who is told, and what time does by itself."""

from typing import Any

import pytest
import stripe

URL = "https://example.com/hook"


class Receiver:
    """Keeps what it is sent, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> int:
        assert url == URL
        self.got.append((headers, body))
        return self.status

    def types(self) -> list[str]:
        return [stripe.Event.construct_from(__import__("json").loads(body), None).type for _, body in self.got]


def listening(world: Any, *types: str) -> tuple[Any, Receiver]:
    endpoint = world.v1.webhook_endpoints.create({"url": URL, "enabled_events": list(types) or ["*"]})
    return endpoint, Receiver()


def test_a_delivery_is_signed_so_that_stripes_own_verifier_takes_it(world: Any) -> None:
    endpoint, receiver = listening(world)
    ada = world.customer()
    assert world.sandbox.webhooks.deliver_due(receiver) == 1
    headers, body = receiver.got[0]
    signed = headers["Stripe-Signature"]
    assert stripe.WebhookSignature.verify_header(body.decode(), signed, endpoint.secret)
    event = world.client().construct_event(body, signed, endpoint.secret, tolerance=0)
    assert (event.type, event.data.object["id"]) == ("customer.created", ada.id)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(body.decode(), signed, "whsec_other")


def test_the_secret_is_told_once(world: Any) -> None:
    endpoint, _ = listening(world)
    assert endpoint.secret.startswith("whsec_")
    assert not hasattr(world.v1.webhook_endpoints.retrieve(endpoint.id), "secret")
    assert not hasattr(world.v1.webhook_endpoints.list().data[0], "secret")


def test_an_endpoint_gets_what_it_asked_for(world: Any) -> None:
    endpoint, receiver = listening(world, "payment_intent.succeeded")
    world.pays("pm_card_visa")
    world.sandbox.webhooks.deliver_due(receiver)
    assert receiver.types() == ["payment_intent.succeeded"]
    world.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    world.pays("pm_card_visa")
    assert world.sandbox.webhooks.deliver_due(receiver) == 0


def test_what_was_not_taken_is_sent_again_three_times(world: Any) -> None:
    _, receiver = listening(world)
    world.customer()
    receiver.status = 500
    sent = []
    for hours in (0, 1, 3, 24):
        world.clock.move(hours=hours)
        sent.append(world.sandbox.webhooks.deliver_due(receiver))
    assert sent == [1, 1, 1, 0]
    assert len({body for _, body in receiver.got}) == 1
    assert len({headers["Stripe-Signature"] for headers, _ in receiver.got}) == 3
    assert len(world.v1.events.list({"delivery_success": False}).data) == 1


def test_a_redirect_is_a_failure_and_success_ends_it(world: Any) -> None:
    _, receiver = listening(world)
    world.customer()
    receiver.status = 302
    world.sandbox.webhooks.deliver_due(receiver)
    receiver.status = 204
    world.clock.move(hours=1)
    assert world.sandbox.webhooks.deliver_due(receiver) == 1
    world.clock.move(hours=9)
    assert world.sandbox.webhooks.deliver_due(receiver) == 0
    event = world.v1.events.list({"delivery_success": True}).data[0]
    assert event.pending_webhooks == 0


def test_a_receiver_that_cannot_be_reached_has_not_received(world: Any) -> None:
    listening(world)
    world.customer()

    def unreachable(url: str, headers: dict[str, str], body: bytes) -> int:
        raise ConnectionRefusedError(url)

    assert world.sandbox.webhooks.deliver_due(unreachable) == 1
    assert world.v1.events.list().data[0].pending_webhooks == 1


def test_the_world_repeats_delays_loses_and_shuffles(world: Any) -> None:
    _, receiver = listening(world)
    world.faults.next("webhook_duplicate")
    world.customer()
    assert world.sandbox.webhooks.deliver_due(receiver) == 2
    assert receiver.got[0][1] == receiver.got[1][1]
    world.faults.next("webhook_drop")
    world.customer()
    assert world.sandbox.webhooks.deliver_due(receiver) == 0
    world.faults.next("webhook_delay")
    world.customer()
    assert world.sandbox.webhooks.deliver_due(receiver) == 0
    world.clock.move(minutes=10)
    assert world.sandbox.webhooks.deliver_due(receiver) == 1
    receiver.got.clear()
    world.faults.next("webhook_reorder")
    ada = world.customer()
    world.v1.customers.update(ada.id, {"name": "Ada"})
    world.sandbox.webhooks.deliver_due(receiver)
    assert receiver.types() == ["customer.updated", "customer.created"]


def test_an_event_is_a_snapshot_with_what_was_before(world: Any) -> None:
    ada = world.customer(name="Ada", metadata={"a": "1", "b": "2"})
    world.v1.customers.update(ada.id, {"name": "Eve", "metadata": {"a": "9"}})
    world.v1.customers.update(ada.id, {"name": "Zoe"})
    event = world.v1.events.list({"type": "customer.updated"}).data[1]
    assert event.data.object["name"] == "Eve"
    assert event.data.previous_attributes.to_dict() == {"name": "Ada", "metadata": {"a": "1"}}
    assert world.v1.events.retrieve(event.id).type == "customer.updated"


def test_events_are_kept_for_thirty_days(world: Any) -> None:
    world.customer()
    world.clock.move(days=29)
    assert world.events() == ["customer.created"]
    world.clock.move(days=1)
    assert world.events() == []
    world.customer()
    assert len(list(world.sandbox.state.scan("event"))) == 1


def test_events_are_filtered_by_type_and_time(world: Any) -> None:
    world.pays("pm_card_visa")
    assert world.events("charge.succeeded", "payment_intent.created") == ["payment_intent.created", "charge.succeeded"]
    assert [event.type for event in world.v1.events.list({"type": "payment_intent.*"}).data][-1] == "payment_intent.created"
    later = int(world.clock.now().timestamp()) + 1
    assert world.v1.events.list({"created": {"gte": later}}).data == []


def test_a_draft_that_advances_by_itself_is_finalised_and_collected_after_an_hour(world: Any) -> None:
    ada = world.customer()
    method = world.card_of("pm_card_visa", ada)
    world.v1.customers.update(ada.id, {"invoice_settings": {"default_payment_method": method.id}})
    invoice = world.v1.invoices.create({"customer": ada.id, "auto_advance": True})
    world.v1.invoice_items.create({"customer": ada.id, "invoice": invoice.id, "amount": 900, "currency": "usd"})
    assert invoice.automatically_finalizes_at == invoice.created + 3600
    world.clock.move(minutes=59)
    assert world.v1.invoices.retrieve(invoice.id).status == "draft"
    world.clock.move(minutes=1)
    assert world.v1.invoices.retrieve(invoice.id).status == "paid"


def test_a_test_clock_moves_its_customers_and_nobody_else(world: Any) -> None:
    clocks, start = world.v1.test_helpers.test_clocks, 1_600_000_000
    clock = clocks.create({"frozen_time": start})
    ada, bob = world.customer(test_clock=clock.id), world.customer()
    invoice = world.v1.invoices.create({"customer": ada.id, "auto_advance": True})
    world.v1.invoice_items.create({"customer": ada.id, "invoice": invoice.id, "amount": 900, "currency": "usd"})
    assert (ada.created, invoice.created, bob.created) == (start, start, int(world.clock.now().timestamp()))
    assert clocks.advance(clock.id, {"frozen_time": start + 7200}).status == "advancing"
    ready = clocks.retrieve(clock.id)
    assert (ready.status, ready.frozen_time) == ("ready", start + 7200)
    moved = world.v1.invoices.retrieve(invoice.id)
    assert "invoice.finalized" in world.events()
    assert (moved.status, moved.status_transitions.finalized_at, moved.attempted) == ("open", start + 3600, True)
    assert (
        world.events("test_helpers.test_clock.advancing", "test_helpers.test_clock.ready")[-1] == "test_helpers.test_clock.ready"
    )
    assert [customer.id for customer in world.v1.customers.list().data] == [bob.id]
    assert [customer.id for customer in world.v1.customers.list({"test_clock": clock.id}).data] == [ada.id]
    for wrong in (start, start + 7200, start + 4 * 366 * 86400):
        with pytest.raises(stripe.InvalidRequestError):
            clocks.advance(clock.id, {"frozen_time": wrong})
    clocks.delete(clock.id)
    assert world.v1.customers.retrieve(ada.id).deleted is True
