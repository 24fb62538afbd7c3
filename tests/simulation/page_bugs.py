"""Bugs of the provider's pages, on which invoices are paid and subscriptions begun, planted one at a time."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from tallystick.domain.checkouts import CheckoutStatus
from tallystick.domain.payments import PaymentStatus
from tallystick.flows import pay_on_page
from tallystick.providers.stripe import bodies, subscription_pages, translate
from tests.simulation.bugs import bug, instead


@bug(paged=1.0, seeds_from=2)
def what_collects_an_invoice_already_stays_beside_its_page() -> Iterator[None]:
    def canceled(_ctx: Any, payment: Any) -> Any:
        return replace(payment, status=PaymentStatus.CANCELED)

    with instead(pay_on_page, "_unpayable", SimpleNamespace(withdrawn=lambda _ctx, payment, _: payment, canceled=canceled)):
        yield


@bug(paged=1.0, seeds_from=16)
def whoever_comes_through_a_page_has_paid() -> Iterator[None]:
    real = translate._page_status

    def status(doc: Any, collecting: Any) -> Any:
        return PaymentStatus.SUCCEEDED if doc["status"] == "complete" else real(doc, collecting)

    with instead(translate, "_page_status", status):
        yield


@bug(paged=1.0)
def what_a_page_collects_says_itself_for_which_invoice() -> Iterator[None]:
    real = bodies.page

    def page(request: Any) -> Any:
        params = real(request)
        params["payment_intent_data"]["metadata"] = params["metadata"]
        return params

    with instead(bodies, "page", page):
        yield


@bug(paged=1.0, followed=1.0)
def a_page_is_closed_here_alone() -> Iterator[None]:
    """The first of two pages can be subscribed on as well as the second."""

    def closed(client: Any, ref: str, _key: str) -> Any:
        return replace(subscription_pages.fetched(client, ref), status=CheckoutStatus.EXPIRED, subscription_ref=None)

    with instead(subscription_pages, "closed", closed):
        yield
