"""An independent reader of Stripe's contract stands between us and the sandbox, and finds nothing wrong with what we send."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import uvicorn

from tallystick.domain.checkouts import CheckoutStatus, ProviderCheckout
from tallystick.domain.customers import Customer
from tallystick.domain.pages import Page
from tallystick.domain.payment_methods import Saving
from tallystick.domain.payments import Method, PaymentStatus
from tallystick.domain.provider_subscriptions import (
    End,
    ItemWanted,
    ProviderInvoice,
    ProviderPage,
    ProviderSubscription,
    Standing,
)
from tallystick.providers.protocol import (
    CheckoutRequest,
    Declined,
    Done,
    Limited,
    Refunded,
    RefundRequest,
    Refused,
    SubscriptionRequest,
    Unknown,
)
from tallystick.providers.stripe.client import StripeProvider
from tallystick.sandbox.faces import asgi_app
from tallystick.values.ids import CheckoutId, CustomerId, PaymentId, RefundId, SubscriptionId
from tallystick.values.money import USD, Money
from tests.beside import beside
from tests.providers.stripe_world import KEY, SECRET, START, World


def judge_script() -> Path:
    told = os.environ.get("TALLYSTICK_STRIPE_CONTRACT")
    return Path(told) if told else beside("tools", "stripe_contract.py")


@contextmanager
def served(world: World) -> Iterator[str]:
    """The sandbox on a port."""
    server = uvicorn.Server(uvicorn.Config(asgi_app(world.sandbox), port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def judged(upstream: str, log: Path) -> Iterator[str]:
    """The judge on a port, in front of `upstream`; what it thinks of each request is in `log`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    asked = ["serve", "--port", str(port), "--log", str(log), "--upstream", upstream]
    judge = subprocess.Popen([sys.executable, judge_script(), *asked], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not is_open(port) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        judge.terminate()
        judge.wait(20)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def everything(provider: StripeProvider, world: World) -> None:
    """Each method of the protocol, in each of its ways."""
    ada = Customer(CustomerId("ada"), START, email="ada@example.com", name="Ada")
    customer = provider.ensure_customer(ada, key="customer:ada")
    assert isinstance(customer, str)
    assert provider.ensure_customer(ada, key="customer:ada", look_first=True) == customer
    saves_cards(provider, world, customer)
    pays_on_a_page(provider, world, customer)
    bills_by_itself(provider, world, customer)
    for method in Method:
        for number, card in enumerate((None, "pm_card_chargeCustomerFail", "pm_card_visa", None)):
            request = world.request(customer, method, invoice=f"inv_{method}_{number}")
            opened = provider.open(request, key=f"{method}:{number}:open")
            assert isinstance(opened, Done), opened
            ref = opened.payment.ref
            if number == 3:
                assert isinstance(provider.cancel(ref, method, key=f"{method}:{number}:cancel"), Done)
                continue
            for look_first in (True, False):
                ready = provider.complete(ref, request, key=f"{method}:{number}:complete", look_first=look_first)
                assert isinstance(ready, Done), ready
            told = provider.charge(ref, method, key=f"{method}:{number}:charge", payment_method=card)
            assert isinstance(told, Refused | Declined | Done), told
            assert isinstance(provider.find(request), Done)
            if not isinstance(told, Done):
                assert isinstance(provider.cancel(ref, method, key=f"{method}:{number}:cancel"), Done)
            assert isinstance(provider.fetch(ref, method), Done)
            if isinstance(told, Done):
                refund_id = RefundId(f"rfd_{method}_{number}")
                given_back(provider, RefundRequest(refund_id, request.invoice_id, ref, method, Money(300, USD)))


def given_back(provider: StripeProvider, request: RefundRequest) -> None:
    assert provider.find_refund(request) is None
    made = provider.refund(request, key=request.refund_id)
    assert isinstance(made, Refunded), made
    assert provider.refund(request, key=request.refund_id) == provider.find_refund(request) == made
    assert provider.fetch_refund(made.refund.ref) == made
    paid = provider.fetch(request.payment_ref, request.method)
    assert isinstance(paid, Done)
    assert provider.refunds_of(paid.payment.intent_ref or "") == [made.refund]


def bills_by_itself(provider: StripeProvider, world: World, customer: str) -> None:
    """A subscription of the provider's own: begun, found, paid, ended with its period, and its invoice."""
    world.stripe.products.create({"id": "pro", "name": "Pro"})
    price = {"currency": "usd", "unit_amount": 900, "lookup_key": "pro", "recurring": {"interval": "month"}}
    world.stripe.prices.create({"product": "pro", **price})  # type: ignore[typeddict-item]
    named = SubscriptionId("psub_1")
    request = SubscriptionRequest(named, CustomerId("ada"), customer, (ItemWanted("pro", 2),), timedelta(0))
    assert provider.find_subscription(request) is None
    begun = provider.subscribe(request, key="psub_1:subscribe")
    assert isinstance(begun, ProviderSubscription)
    assert (begun.standing, begun.reference) == (Standing.INCOMPLETE, named)
    assert provider.find_subscription(request) == begun
    paid = provider.pay_subscription(begun.ref, key="psub_1:first")
    assert provider.fetch_subscription(begun.ref) == paid == provider.pay_subscription(begun.ref, key="psub_1:first")
    assert isinstance(paid, ProviderSubscription)
    assert paid.standing is Standing.ACTIVE
    for end in (End.PERIOD_END, End.GO_ON, End.NOW, End.NOW):
        assert isinstance(provider.end_subscription(begun.ref, end, key=f"psub_1:end:{end}"), ProviderSubscription)
    (invoice,) = world.stripe.invoices.list({"subscription": begun.ref}).data
    mirrored = provider.fetch_subscription_invoice(invoice.id)
    assert isinstance(mirrored, ProviderInvoice)
    assert (mirrored.reference, mirrored.total, len(mirrored.lines)) == (named, Money(18_00, USD), 1)
    on_page = replace(request, page=Page("https://shop.test/ok", "https://shop.test/plans"), trial=timedelta(days=14))
    page = provider.open_subscription_page(on_page, key="psub_3:subscribe")
    assert isinstance(page, ProviderPage), page
    closed = provider.close_subscription_page(page.ref, key="psub_3:close")
    assert isinstance(closed, ProviderPage)
    assert (closed.status, closed.reference) == (CheckoutStatus.EXPIRED, named)
    unknown = SubscriptionRequest(named, CustomerId("ada"), customer, (ItemWanted("none", 1),), timedelta(0))
    assert isinstance(provider.subscribe(unknown, key="psub_2:subscribe"), Refused)


def saves_cards(provider: StripeProvider, world: World, customer: str) -> None:
    request = CheckoutRequest(CheckoutId("chk_1"), customer, USD, "https://shop.test/ok", "https://shop.test/plans")
    started = provider.start_checkout(request, key="chk_1:start")
    assert isinstance(started, ProviderCheckout), started
    world.completes(started, "pm_card_visa")
    done = provider.fetch_checkout(started.ref)
    assert isinstance(done, ProviderCheckout)
    assert done.payment_method is not None
    assert isinstance(provider.set_default_method(customer, done.payment_method, key="chk_1:default"), str)
    assert isinstance(provider.begin_saving(customer, key="sav_1"), Saving)
    methods = provider.methods_of(customer)
    assert not isinstance(methods, Refused | Limited | Unknown)
    assert [method.is_default for method in methods if method.ref == done.payment_method] == [True]
    for visit in ("ptl_1", "ptl_2"):
        assert isinstance(provider.open_portal(customer, return_url="https://shop.test/account", key=visit), str)


def pays_on_a_page(provider: StripeProvider, world: World, customer: str) -> None:
    page = Page("https://shop.test/ok", "https://shop.test/invoices")
    asked = replace(world.request(customer, Method.INTENT, invoice="inv_page"), page=page, payment_id=PaymentId("pay_page"))
    opened = provider.open(asked, key="pay_page:open:0")
    assert isinstance(opened, Done), opened
    found = provider.find(asked)
    assert isinstance(found, Done)
    world.pays_on(found.payment, "pm_card_visa")
    paid = provider.fetch(opened.payment.ref, Method.INTENT)
    assert isinstance(paid, Done)
    assert paid.payment.status is PaymentStatus.SUCCEEDED
    back = RefundRequest(RefundId("ref_page"), asked.invoice_id, paid.payment.ref, Method.INTENT, asked.amount)
    assert isinstance(provider.refund(back, key="ref_page"), Refunded)
    other = replace(asked, payment_id=PaymentId("pay_closed"))
    closed = provider.open(other, key="pay_closed:open:0")
    assert isinstance(closed, Done)
    assert isinstance(provider.cancel(closed.payment.ref, Method.INTENT, key="pay_closed:cancel"), Done)
    assert not isinstance(provider.payments_since(START), Refused)


def test_the_judge_of_stripes_contract_finds_no_violation(tmp_path: Path) -> None:
    judge_script()
    world, log = World(), tmp_path / "judge.jsonl"
    with served(world) as upstream, judged(upstream, log) as base:
        everything(StripeProvider(KEY, webhook_secrets=[SECRET], api_base=base), world)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    wrong = [(line["method"], line["path"], flaw) for line in lines for flaw in line["violations"]]
    assert wrong == []
    asked = {(line["method"], line["template"]) for line in lines}
    assert len(asked) == 39, f"every endpoint that we use is judged: {sorted(asked)}"
    made_up = [line["path"] for line in lines for flaw in line["warnings"] if flaw["kind"] == "generated_idempotency_key"]
    assert made_up == [], "every POST carries our own key"
