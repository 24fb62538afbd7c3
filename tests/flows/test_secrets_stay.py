"""What is secret is nowhere but where it belongs: not in a log, an error, a repr, a job, the audit, or any row."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from tallystick.app import Tallystick
from tallystick.domain.payments import Collection, Method
from tallystick.providers.stripe.client import StripeProvider
from tallystick.sandbox.faces import InProcessClient
from tallystick.storage import schema
from tallystick.values.errors import TallystickError
from tests.scenarios.world import World

KEY = "sk_live_canary0123456789"
CANARY = re.compile(r"_secret_\w{8,}|sk_(live|test)_\w{8,}|whsec_\w{8,}")
HOSTILE = "<script>sk_live_canary0123456789</script>\r\nX-Injected: 1"


@pytest.fixture
def world() -> Iterator[World]:
    made = World("sqlite://")
    made.sells("calls", {"model": "per_unit", "currency": "usd", "unit_amount": "1"})
    yield made
    made.billing.close()


def stored(billing: Tallystick) -> str:
    with billing.context.database.reading() as conn:
        tables = [table for table in schema.metadata.sorted_tables if table.name != "tallystick_settings"]
        return "\n".join(repr(row) for table in tables for row in conn.execute(table.select()))


def test_no_secret_is_stored_logged_or_shown_by_a_life_with_troubles(world: World) -> None:
    world.uses("ada", "calls", 10)
    world.later(minutes=1)
    shown = []
    with capture_logs() as logs:
        for method in Method:
            world.uses("ada", "calls", 10)
            world.later(minutes=1)
            invoice = world.bill("ada", method=method, automatic=False)
            world.sandbox.faults.next("stored_500", on="POST /v1/*")
            world.works()
            world.later(hours=2).works()
            collected = world.billing.collect(invoice.id)
            assert collected.client_secret is not None
            world.pays(invoice, "pm_card_chargeDeclined")
            world.delivers()
            world.works()
            shown += [repr(collected), repr(world.payment(invoice)), repr(world.billing.explain(invoice.id))]
            assert not CANARY.search(stored(world.billing)), "nor in the inbox, whose events come with it"
        token = world.billing.create_api_key("mine", ["admin"]).token
        shown.append(repr(world.billing.api_keys()))
        client = InProcessClient(world.sandbox, before_call=lambda: None)
        wrong = StripeProvider(KEY, webhook_secrets=("whsec_canary0123456789abcdef",), http_client=client)
        world.billing.context = replace(world.billing.context, provider=wrong)
        world.later(hours=1).works()
        shown += [repr(wrong), repr(world.billing.context), repr(world.billing.dead_jobs())]
    seen = "\n".join([repr(logs), *shown])
    assert not CANARY.search(seen)
    assert token not in seen + stored(world.billing)
    assert KEY not in stored(world.billing)


@pytest.mark.parametrize(
    "ask",
    [
        lambda billing: billing.invoice(HOSTILE),
        lambda billing: billing.find_invoice(HOSTILE),
        lambda billing: billing.explain(HOSTILE),
        lambda billing: billing.void(HOSTILE, reason="none"),
        lambda billing: billing.collect(HOSTILE),
        lambda billing: billing.customer(HOSTILE),
        lambda billing: billing.put_customer(HOSTILE),
        lambda billing: billing.event(HOSTILE, HOSTILE, HOSTILE),
        lambda billing: billing.authenticate(HOSTILE),
        lambda billing: billing.revoke_api_key(HOSTILE),
        lambda billing: billing.create_api_key(HOSTILE, [HOSTILE]),
        lambda billing: billing.invoices(status=HOSTILE),
        lambda billing: billing.once(HOSTILE, "route", "print", lambda: (200, "")),
        lambda billing: billing.alerts(kind=HOSTILE),
        lambda billing: billing.set_alert_thresholds(HOSTILE, HOSTILE, [80]),
        lambda billing: billing.create_endpoint(HOSTILE),
        lambda billing: billing.create_endpoint("https://example.com/", [HOSTILE]),
        lambda billing: billing.create_endpoint("https://example.com/", customer_id=HOSTILE),
        lambda billing: billing.endpoint(HOSTILE),
        lambda billing: billing.rotate_endpoint_secret(HOSTILE),
        lambda billing: billing.message(HOSTILE),
        lambda billing: billing.messages(after=HOSTILE),
        lambda billing: billing.resend_message(HOSTILE, endpoint_id=HOSTILE),
        lambda billing: billing.receive(HOSTILE.encode(), {"Stripe-Signature": HOSTILE}),
        lambda billing: billing.bill("ada", collection=Collection(payment_method=HOSTILE), charges=[HOSTILE]) or _refuse(),
    ],
)
def test_no_error_repeats_what_was_sent(world: World, ask) -> None:
    with pytest.raises(TallystickError) as refusal:
        ask(world.billing)
    assert "canary" not in f"{refusal.value} {refusal.value.message} {refusal.value.field} {refusal.value.extra}"


def _refuse() -> None:
    raise TallystickError("nothing to bill")
