"""A representative day of a merchant, over every endpoint that the sandbox has: for the judge, and to see that each answers."""

import contextlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import stripe

from tests.sandbox.asking import ask
from tests.sandbox.subscription_session import subscriptions

Options = Callable[[], Any]
NEVER = {"enabled": True, "allow_redirects": "never"}


def drive(v1: Any, world: Any, key: Options) -> None:
    """Calls everything, each POST under a key of its own."""
    endpoint = webhook_endpoints(v1, key)
    customer = customers(v1, key)
    products(v1, key)
    method = payment_methods(v1, key, customer)
    payment_intents(v1, world, key, customer, method)
    setup_intents(v1, world, key, customer)
    checkout_sessions(v1, world, key, customer)
    selling_sessions(v1, world, key, customer)
    billing_portal(v1, key, customer)
    invoices(v1, key, customer, method)
    refunds(v1, key)
    disputes(v1, key)
    meters(v1, world, key, customer)
    test_clocks(v1, key)
    subscriptions(v1, key)
    money(v1)
    v1.webhook_endpoints.delete(endpoint.id)


def webhook_endpoints(v1: Any, key: Options) -> Any:
    wanted = {"url": "https://example.com/hook", "enabled_events": ["*"], "api_version": "2026-10-28.endive"}
    endpoint = v1.webhook_endpoints.create(wanted, key())
    v1.webhook_endpoints.update(endpoint.id, {"description": "ours"}, key())
    v1.webhook_endpoints.retrieve(endpoint.id)
    v1.webhook_endpoints.list({"limit": 3})
    v1.accounts.retrieve_current()
    return endpoint


def customers(v1: Any, key: Options) -> Any:
    customer = v1.customers.create(
        {
            "email": "ada@example.com",
            "name": "Ada",
            "address": {"country": "DE", "postal_code": "10115"},
            "shipping": {"name": "Ada", "address": {"country": "DE"}},
            "metadata": {"account": "1"},
            "preferred_locales": ["de"],
        },
        key(),
    )
    v1.customers.update(customer.id, {"metadata": {"account": "2"}, "phone": "123"}, key())
    v1.customers.retrieve(customer.id, {"expand": ["subscriptions", "sources", "tax_ids", "invoice_credit_balance"]})
    v1.customers.list({"email": "ada@example.com", "limit": 2})
    moved = v1.customers.balance_transactions.create(
        customer.id, {"amount": -5, "currency": "usd", "description": "goodwill"}, key()
    )
    v1.customers.balance_transactions.retrieve(customer.id, moved.id)
    v1.customers.balance_transactions.list(customer.id, {"limit": 2})
    gone = v1.customers.create({}, key())
    v1.customers.delete(gone.id)
    v1.customers.retrieve(gone.id)
    return customer


def products(v1: Any, key: Options) -> None:
    v1.products.create({"id": "box", "name": "Box", "description": "A box"}, key())
    v1.products.update("box", {"name": "Big box"}, key())
    v1.products.retrieve("box")
    v1.products.list({"active": True})
    spare = v1.products.create({"name": "Spare"}, key())
    v1.products.delete(spare.id)
    price = v1.prices.create({"product": "box", "currency": "usd", "unit_amount": 900, "lookup_key": "box_usd"}, key())
    v1.prices.update(price.id, {"nickname": "nine"}, key())
    v1.prices.retrieve(price.id, {"expand": ["product", "currency_options"]})
    tiers = [{"up_to": 10, "unit_amount_decimal": Decimal(0)}, {"up_to": "inf", "unit_amount_decimal": Decimal("0.5")}]
    recurring = {"interval": "month", "usage_type": "licensed"}
    tiered = {"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": tiers, "recurring": recurring}
    v1.prices.create({"product": "box", "currency": "usd", **tiered}, key())
    v1.prices.list({"product": "box", "expand": ["data.tiers"]})


def payment_methods(v1: Any, key: Options, customer: Any) -> Any:
    method = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id}, key())
    v1.payment_methods.update(method.id, {"metadata": {"a": "b"}, "billing_details": {"name": "Ada"}}, key())
    v1.payment_methods.retrieve(method.id, {"expand": ["customer"]})
    v1.payment_methods.list({"customer": customer.id, "type": "card"})
    v1.customers.payment_methods.list(customer.id, {"type": "card"})
    v1.customers.payment_methods.retrieve(customer.id, method.id)
    other = v1.payment_methods.attach("pm_card_mastercard", {"customer": customer.id}, key())
    v1.payment_methods.detach(other.id, {}, key())
    v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}}, key())
    v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}}, key())
    return method


def payment_intents(v1: Any, world: Any, key: Options, customer: Any, method: Any) -> None:
    intent = v1.payment_intents.create(
        {"amount": 5000, "currency": "usd", "customer": customer.id, "automatic_payment_methods": NEVER}, key()
    )
    v1.payment_intents.update(intent.id, {"amount": 6000, "metadata": {"order": "1"}}, key())
    v1.payment_intents.confirm(intent.id, {"payment_method": method.id}, key())
    everything = ["customer", "payment_method", "latest_charge.balance_transaction", "latest_charge.refunds"]
    paid = v1.payment_intents.retrieve(intent.id, {"expand": everything})
    v1.charges.retrieve(paid.latest_charge.id)
    v1.charges.update(paid.latest_charge.id, {"description": "Order 1"}, key())
    v1.charges.list({"customer": customer.id})
    with contextlib.suppress(stripe.CardError):
        off = {"confirm": True, "off_session": True}
        v1.payment_intents.create(
            {"amount": 5000, "currency": "usd", "payment_method": "pm_card_visa_chargeDeclined", **off}, key()
        )
    held = {"capture_method": "manual", "confirm": True, "payment_method": "pm_card_visa", "automatic_payment_methods": NEVER}
    held_intent = v1.payment_intents.create({"amount": 700, "currency": "usd", **held}, key())
    v1.payment_intents.capture(held_intent.id, {"amount_to_capture": 600}, key())
    asked = {"confirm": True, "payment_method": "pm_card_threeDSecure2Required", "return_url": "https://example.com/done"}
    for success in (True, False):
        asking = v1.payment_intents.create({"amount": 700, "currency": "usd", **asked}, key())
        world.sandbox.authenticate(asking.id, success=success)
        v1.payment_intents.retrieve(asking.id)
    idle = v1.payment_intents.create({"amount": 700, "currency": "usd", "allowed_payment_method_types": ["card"]}, key())
    v1.payment_intents.cancel(idle.id, {"cancellation_reason": "abandoned"}, key())
    v1.payment_intents.list({"customer": customer.id, "limit": 2, "expand": ["data.customer"]})


def setup_intents(v1: Any, world: Any, key: Options, customer: Any) -> None:
    intent = v1.setup_intents.create({"customer": customer.id, "usage": "off_session", "automatic_payment_methods": NEVER}, key())
    v1.setup_intents.update(intent.id, {"metadata": {"a": "b"}}, key())
    v1.setup_intents.confirm(intent.id, {"payment_method": "pm_card_authenticationRequired"}, key())
    world.sandbox.authenticate(intent.id)
    v1.setup_intents.retrieve(intent.id, {"expand": ["payment_method"]})
    idle = v1.setup_intents.create({"customer": customer.id}, key())
    v1.setup_intents.cancel(idle.id, {"cancellation_reason": "abandoned"}, key())
    with contextlib.suppress(stripe.CardError):
        refused = {"payment_method": "pm_card_visa_chargeDeclined", "confirm": True, "automatic_payment_methods": NEVER}
        v1.setup_intents.create({"customer": customer.id, **refused}, key())
    v1.setup_intents.list({"customer": customer.id})


def checkout_sessions(v1: Any, world: Any, key: Options, customer: Any) -> None:
    wanted = {
        "mode": "setup",
        "ui_mode": "hosted_page",
        "currency": "usd",
        "customer": customer.id,
        "client_reference_id": "chk_1",
        "success_url": "https://example.com/done?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://example.com/plans",
        "metadata": {"plan": "pro"},
        "setup_intent_data": {"metadata": {"plan": "pro"}},
    }
    asked, given_up = v1.checkout.sessions.create(wanted, key()), v1.checkout.sessions.create(wanted, key())
    page = asked.url.partition("8000")[2]
    ask(world, "POST", page, key="", card="pm_card_authenticationRequired")
    world.sandbox.authenticate(asked.setup_intent)
    v1.checkout.sessions.retrieve(asked.id, {"expand": ["setup_intent.payment_method", "customer"]})
    v1.checkout.sessions.expire(given_up.id, {}, key())
    v1.checkout.sessions.list({"customer": customer.id, "status": "complete"})


def selling_sessions(v1: Any, world: Any, key: Options, customer: Any) -> None:
    line = {"price_data": {"currency": "usd", "unit_amount": 1490, "product_data": {"name": "Order"}}, "quantity": 1}
    wanted = {
        "mode": "payment", "customer": customer.id, "line_items": [line], "adaptive_pricing": {"enabled": False},
        "payment_intent_data": {"setup_future_usage": "off_session", "metadata": {"order": "1"}},
        "success_url": "https://example.com/done", "cancel_url": "https://example.com/cart",
    }  # fmt: skip
    paid, slow, given_up = (v1.checkout.sessions.create(wanted, key()) for _ in range(3))
    ask(world, "POST", paid.url.partition("8000")[2], key="", card="pm_card_chargeDeclined")
    ask(world, "POST", paid.url.partition("8000")[2], key="", card="pm_card_visa")
    ask(world, "POST", slow.url.partition("8000")[2], key="", card="pm_card_sandboxNeverClears")
    v1.checkout.sessions.expire(given_up.id, {}, key())
    found = v1.checkout.sessions.retrieve(paid.id, {"expand": ["payment_intent.latest_charge"]})
    v1.checkout.sessions.list({"payment_intent": found.payment_intent.id})
    product = v1.products.create({"name": "Plan"}, key())
    terms = {"product": product.id, "currency": "usd", "unit_amount": 500, "recurring": {"interval": "month"}}
    price = v1.prices.create(terms, key())
    wanted = {
        "mode": "subscription", "customer": customer.id, "line_items": [{"price": price.id, "quantity": 1}],
        "subscription_data": {"billing_mode": {"type": "flexible"}, "metadata": {"plan": "pro"}},
        "success_url": "https://example.com/done",
    }  # fmt: skip
    begun = v1.checkout.sessions.create(wanted, key())
    ask(world, "POST", begun.url.partition("8000")[2], key="", card="pm_card_visa")
    v1.checkout.sessions.retrieve(begun.id, {"expand": ["subscription.latest_invoice", "invoice"]})


def billing_portal(v1: Any, key: Options, customer: Any) -> None:
    portal = v1.billing_portal
    features = {"payment_method_update": {"enabled": True}, "invoice_history": {"enabled": False}}
    configuration = portal.configurations.create({"features": features, "metadata": {"for": "cards"}}, key())
    portal.configurations.update(configuration.id, {"features": {"invoice_history": {"enabled": True}}}, key())
    portal.configurations.retrieve(configuration.id)
    portal.configurations.list({"active": True})
    session = {"customer": customer.id, "configuration": configuration.id, "return_url": "https://example.com/account"}
    portal.sessions.create({**session, "expand": ["configuration"]}, key())


def invoice(v1: Any, key: Options, customer: Any, amount: int, **more: Any) -> Any:
    made = v1.invoices.create(
        {"customer": customer.id, "currency": "usd", "pending_invoice_items_behavior": "exclude", **more}, key()
    )
    v1.invoice_items.create(
        {"customer": customer.id, "invoice": made.id, "amount": amount, "currency": "usd", "description": "Usage"}, key()
    )
    return made


def invoices(v1: Any, key: Options, customer: Any, method: Any) -> None:
    first = invoice(v1, key, customer, 1234, auto_advance=False, metadata={"run": "1"})
    priced = {"currency": "usd", "product": "box", "unit_amount_decimal": Decimal("0.05")}
    item = v1.invoice_items.create(
        {"customer": customer.id, "invoice": first.id, "price_data": priced, "quantity_decimal": Decimal("1234.5"),
         "period": {"start": 1793491200, "end": 1796083199}},
        key(),
    )  # fmt: skip
    v1.invoice_items.update(item.id, {"quantity_decimal": Decimal(3), "metadata": {"batch": "1"}}, key())
    v1.invoice_items.retrieve(item.id)
    price = v1.prices.list({"lookup_keys": ["box_usd"]}).data[0]
    extra = v1.invoice_items.create({"customer": customer.id, "invoice": first.id, "pricing": {"price": price.id}}, key())
    v1.invoice_items.delete(extra.id)
    v1.invoice_items.list({"customer": customer.id, "pending": False})
    v1.invoices.update(first.id, {"description": "October"}, key())
    v1.invoices.finalize_invoice(
        first.id, {"auto_advance": False, "expand": ["confirmation_secret", "payments", "customer"]}, key()
    )
    v1.invoices.pay(
        first.id, {"payment_method": method.id, "off_session": True, "expand": ["payments.data.payment.payment_intent"]}, key()
    )
    v1.invoices.line_items.list(first.id, {"limit": 100})
    payment = v1.invoice_payments.list({"invoice": first.id}).data[0]
    v1.invoice_payments.retrieve(payment.id)
    v1.invoice_payments.list({"payment": {"type": "payment_intent", "payment_intent": payment.payment.payment_intent}})
    sent = invoice(v1, key, customer, 900, collection_method="send_invoice", days_until_due=14)
    v1.invoices.send_invoice(sent.id, {}, key())
    v1.invoices.mark_uncollectible(sent.id, {}, key())
    v1.invoices.void_invoice(sent.id, {}, key())
    cash = invoice(v1, key, customer, 900)
    v1.invoices.finalize_invoice(cash.id, {}, key())
    v1.invoices.pay(cash.id, {"paid_out_of_band": True}, key())
    tiny = invoice(v1, key, customer, 7)
    v1.invoices.finalize_invoice(tiny.id, {}, key())
    v1.invoices.delete(invoice(v1, key, customer, 900).id)
    v1.invoices.retrieve(first.id, {"expand": ["default_payment_method", "customer"]})
    v1.invoices.list({"customer": customer.id, "status": "paid"})


def refunds(v1: Any, key: Options) -> None:
    intent = next(i for i in v1.payment_intents.list({"limit": 100}).auto_paging_iter() if i.status == "succeeded")
    refund = v1.refunds.create({"payment_intent": intent.id, "amount": 100, "reason": "requested_by_customer"}, key())
    v1.refunds.update(refund.id, {"metadata": {"ticket": "1"}}, key())
    v1.refunds.retrieve(refund.id, {"expand": ["charge", "balance_transaction"]})
    v1.refunds.list({"payment_intent": intent.id})


def disputes(v1: Any, key: Options) -> None:
    for text in ("winning_evidence", "losing_evidence"):
        wanted = {
            "amount": 800,
            "currency": "usd",
            "payment_method": "pm_card_createDispute",
            "confirm": True,
            "off_session": True,
        }
        v1.payment_intents.create(wanted, key())
        dispute = v1.disputes.list({"limit": 1}).data[0]
        v1.disputes.retrieve(dispute.id, {"expand": ["charge", "payment_intent"]})
        v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}, "submit": True}, key())
    v1.payment_intents.create({**wanted, "payment_method": "pm_card_createDisputeInquiry"}, key())
    v1.disputes.close(v1.disputes.list({"limit": 1}).data[0].id, {}, key())


def meters(v1: Any, world: Any, key: Options, customer: Any) -> None:
    wanted = {"display_name": "Calls", "event_name": "calls", "default_aggregation": {"formula": "sum"}}
    meter = v1.billing.meters.create(wanted, key())
    now = int(world.sandbox.clock.now().timestamp())
    payload = {"stripe_customer_id": customer.id, "value": "1.25"}
    for identifier in ("calls:1", "calls:2"):
        event = {"event_name": "calls", "identifier": identifier, "payload": payload, "timestamp": now}
        v1.billing.meter_events.create(event, key())
    cancel = {"event_name": "calls", "type": "cancel", "cancel": {"identifier": "calls:1"}}
    v1.billing.meter_event_adjustments.create(cancel, key())
    whole = {"customer": customer.id, "start_time": now - now % 60, "end_time": now - now % 60 + 60}
    v1.billing.meters.event_summaries.list(meter.id, whole)
    v1.billing.meters.update(meter.id, {"display_name": "API calls"}, key())
    v1.billing.meters.deactivate(meter.id, {}, key())
    v1.billing.meters.reactivate(meter.id, {}, key())
    v1.billing.meters.retrieve(meter.id)
    v1.billing.meters.list({"status": "active"})


def test_clocks(v1: Any, key: Options) -> None:
    clocks = v1.test_helpers.test_clocks
    clock = clocks.create({"frozen_time": 1793491200, "name": "renewal"}, key())
    customer = v1.customers.create({"test_clock": clock.id}, key())
    invoice(v1, key, customer, 900, auto_advance=True)
    clocks.advance(clock.id, {"frozen_time": 1796083200}, key())
    clocks.retrieve(clock.id)
    clocks.list({"limit": 3})
    v1.customers.list({"test_clock": clock.id})
    clocks.delete(clock.id)


def money(v1: Any) -> None:
    v1.balance.retrieve()
    transaction = v1.balance_transactions.list({"limit": 100, "type": "charge"}).data[0]
    v1.balance_transactions.retrieve(transaction.id, {"expand": ["source"]})
    for event in v1.events.list({"limit": 100, "created": {"gte": 1}, "delivery_success": False}).auto_paging_iter():
        assert event.data.object["object"]
    v1.events.retrieve(v1.events.list({"types": ["invoice.paid"]}).data[0].id)
