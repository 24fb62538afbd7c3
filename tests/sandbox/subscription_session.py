"""The part of the merchant's day that is about subscriptions: every endpoint of them, of coupons, and of credit notes."""

import contextlib
from decimal import Decimal
from typing import Any

import stripe

BEGINS, DAY = 1793491200, 86400  # the first of November 2026


def subscriptions(v1: Any, key: Any) -> None:
    clock, customer = _customer(v1, key)
    _coupons(v1, key, customer)
    flat, metered = _prices(v1, key)
    made = _made(v1, key, customer, (flat, metered))
    _changed(v1, key, customer, made)
    _advance(v1, key, clock, 31)
    _read(v1, customer, made)
    _ended(v1, key, customer, flat)
    _advance(v1, key, clock, 62)
    _credited(v1, key, customer)


def _customer(v1: Any, key: Any) -> tuple[Any, Any]:
    clock = v1.test_helpers.test_clocks.create({"frozen_time": BEGINS}, key())
    customer = v1.customers.create({"test_clock": clock.id, "email": "bob@example.com"}, key())
    method = v1.payment_methods.attach("pm_card_visa", {"customer": customer.id}, key())
    v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}}, key())
    return clock, customer


def _coupons(v1: Any, key: Any, customer: Any) -> None:
    v1.coupons.create({"id": "HALF", "percent_off": 50.0, "duration": "repeating", "duration_in_months": 3}, key())
    v1.coupons.create({"amount_off": 100, "currency": "usd", "duration": "once", "max_redemptions": 5}, key())
    v1.coupons.update("HALF", {"name": "Half", "metadata": {"a": "b"}}, key())
    v1.coupons.retrieve("HALF", {"expand": ["applies_to"]})
    v1.coupons.list({"limit": 3})
    gone = v1.coupons.create({"percent_off": 10.5, "duration": "forever"}, key())
    v1.coupons.delete(gone.id)
    wanted = {"promotion": {"type": "coupon", "coupon": "HALF"}, "code": "EARLY30", "max_redemptions": 50}
    code = v1.promotion_codes.create(wanted, key())
    v1.promotion_codes.update(code.id, {"metadata": {"a": "b"}}, key())
    v1.promotion_codes.retrieve(code.id, {"expand": ["promotion.coupon"]})
    v1.promotion_codes.list({"code": "early30", "active": True, "expand": ["data.promotion.coupon"]})


def _prices(v1: Any, key: Any) -> tuple[Any, Any]:
    monthly = {"product": "box", "currency": "usd"}
    flat = v1.prices.create({**monthly, "unit_amount": 9900, "recurring": {"interval": "month"}}, key())
    meter = v1.billing.meters.create(
        {"display_name": "Tokens", "event_name": "tokens", "default_aggregation": {"formula": "sum"}}, key()
    )
    tiers = [{"up_to": 10, "unit_amount_decimal": Decimal(0)}, {"up_to": "inf", "unit_amount_decimal": Decimal("0.5")}]
    recurring = {"interval": "month", "usage_type": "metered", "meter": meter.id}
    metered = v1.prices.create(
        {**monthly, "billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": tiers, "recurring": recurring}, key()
    )
    return flat, metered


def _made(v1: Any, key: Any, customer: Any, prices: tuple[Any, Any]) -> Any:
    flat, metered = prices
    code = v1.promotion_codes.list({"code": "EARLY30"}).data[0]
    made = v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": flat.id, "quantity": 1}, {"price": metered.id}],
            "billing_mode": {"type": "flexible"},
            "payment_behavior": "default_incomplete",
            "payment_settings": {"save_default_payment_method": "on_subscription"},
            "discounts": [{"promotion_code": code.id}],
            "trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}},
            "automatic_tax": {"enabled": False},
            "metadata": {"account_id": "acc_1"},
            "expand": ["latest_invoice.confirmation_secret", "pending_setup_intent", "discounts.source.coupon"],
        },
        key(),
    )
    v1.invoices.pay(made.latest_invoice.id, {"expand": ["payments"]}, key())
    return made


def _changed(v1: Any, key: Any, customer: Any, made: Any) -> None:
    item = made["items"].data[0]
    details = {"items": [{"id": item.id, "quantity": 3}], "proration_behavior": "always_invoice"}
    asked = {"customer": customer.id, "subscription": made.id, "expand": ["discounts"]}
    v1.invoices.create_preview({**asked, "subscription_details": details}, key())
    v1.invoices.create_preview({**asked, "preview_mode": "recurring"}, key())
    v1.subscriptions.update(made.id, {**details, "expand": ["latest_invoice"]}, key())
    other = v1.prices.create({"product": "box", "currency": "usd", "unit_amount": 500, "recurring": {"interval": "month"}}, key())
    added = v1.subscription_items.create({"subscription": made.id, "price": other.id, "quantity": 2}, key())
    v1.subscription_items.update(added.id, {"quantity": 4, "metadata": {"a": "b"}}, key())
    v1.subscription_items.retrieve(added.id)
    v1.subscription_items.list({"subscription": made.id})
    v1.subscription_items.delete(added.id, {"proration_behavior": "none"}, key())
    v1.subscriptions.update(made.id, {"pause_collection": {"behavior": "keep_as_draft", "resumes_at": BEGINS + 9 * DAY}}, key())
    v1.subscriptions.update(made.id, {"pause_collection": ""}, key())
    v1.invoice_items.create(
        {"customer": customer.id, "subscription": made.id, "amount": 70, "currency": "usd", "description": "By hand"}, key()
    )


def _advance(v1: Any, key: Any, clock: Any, days: int) -> None:
    v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": BEGINS + days * DAY}, key())
    v1.test_helpers.test_clocks.retrieve(clock.id)


def _read(v1: Any, customer: Any, made: Any) -> None:
    v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice.payments", "default_payment_method", "customer", "discounts"]})
    v1.subscriptions.list({"customer": customer.id, "status": "all", "limit": 100})
    v1.customers.retrieve(customer.id, {"expand": ["subscriptions"]})
    for invoice in v1.invoices.list({"subscription": made.id}).data:
        v1.invoices.line_items.list(invoice.id, {"limit": 100})
    v1.invoice_items.list({"customer": customer.id})


def _ended(v1: Any, key: Any, customer: Any, flat: Any) -> None:
    tried = v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": flat.id}], "trial_period_days": 7, "discounts": [{"coupon": "HALF"}]}, key()
    )
    v1.subscriptions.delete_discount(tried.id)
    v1.subscriptions.update(tried.id, {"trial_end": "now"}, key())
    v1.subscriptions.pause(tried.id, {"type": "subscription"}, key())
    v1.subscriptions.resume(
        tried.id, {"billing_cycle_anchor": {"type": "now"}, "payment_behavior": "resume_on_payment_success"}, key()
    )
    wanted = {"cancel_at_period_end": True, "cancellation_details": {"feedback": "too_expensive", "comment": "Too much"}}
    v1.subscriptions.update(tried.id, wanted, key())
    sent = {"collection_method": "send_invoice", "days_until_due": 14, "billing_cycle_anchor_config": {"day_of_month": 15}}
    other = v1.subscriptions.create({"customer": customer.id, "items": [{"price": flat.id}], **sent}, key())
    v1.subscriptions.cancel(other.id, {"invoice_now": True, "prorate": True})
    with contextlib.suppress(stripe.InvalidRequestError):
        v1.subscriptions.cancel(other.id)


def _credited(v1: Any, key: Any, customer: Any) -> None:
    paid = next(one for one in v1.invoices.list({"customer": customer.id, "status": "paid"}).data if one.amount_paid > 1000)
    line = {"type": "invoice_line_item", "invoice_line_item": paid.lines.data[0].id, "amount": 300}
    v1.credit_notes.preview({"invoice": paid.id, "amount": 300})
    given = {"refund_amount": 200, "credit_amount": 100, "reason": "order_change"}
    note = v1.credit_notes.create({"invoice": paid.id, "lines": [line], **given, "expand": ["refunds.refund"]}, key())
    v1.credit_notes.update(note.id, {"memo": "Sorry"}, key())
    v1.credit_notes.retrieve(note.id, {"expand": ["invoice", "customer_balance_transaction"]})
    v1.credit_notes.list({"invoice": paid.id})
    v1.credit_notes.line_items.list(note.id)
    owed = v1.invoices.create({"customer": customer.id, "currency": "usd"}, key())
    v1.invoice_items.create({"customer": customer.id, "invoice": owed.id, "amount": 900, "currency": "usd"}, key())
    v1.invoices.finalize_invoice(owed.id, {}, key())
    lower = v1.credit_notes.create({"invoice": owed.id, "amount": 100}, key())
    v1.credit_notes.void_credit_note(lower.id, {}, key())
