"""Pages of the provider's on the shell: to pay an invoice, to begin a subscription, to manage cards. The address is printed."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tallystick.cli import followed
from tallystick.cli.engine import WOULD_ACT, DryRun, Json, engine, money_json, print_json, say

if TYPE_CHECKING:
    from tallystick.app import Tallystick
    from tallystick.domain.checkouts import Checkout
    from tallystick.domain.invoices import Invoice
    from tallystick.domain.pages import Page
    from tallystick.domain.payments import Payment

Success = Annotated[str, typer.Option("--success-url", help="Where the page leads back to when it is done.")]
Cancel = Annotated[str, typer.Option("--cancel-url", help="Where it leads back to when it is not.")]
Named = Annotated[str, typer.Argument(help="Its number or id.")]


def pay(invoice: Named, success_url: Success, cancel_url: Cancel, dry_run: DryRun = False, as_json: Json = False) -> int:
    """Open the provider's page on which an open invoice is paid, for a day; meanwhile nothing else collects it."""
    from tallystick.domain.checkouts import checked_url
    from tallystick.domain.pages import Page

    back = {"success_url": success_url, "cancel_url": cancel_url}
    with engine() as billing:
        found = billing.find_invoice(invoice)
        if dry_run:
            page = Page(**{name: checked_url(url, field=name) for name, url in back.items()})
            return _look(billing, found, page, as_json=as_json)
        payment = billing.pay_on_page(found.id, actor="shell", **back)
    if as_json:
        print_json({"url": payment.url, "session_id": payment.ref, "payment": _payment(payment)})
    else:
        say(str(payment.url))
    return 0


def _look(billing: "Tallystick", invoice: "Invoice", page: "Page", *, as_json: bool) -> int:
    """Whether a page would be opened: not for what is not open, nor where this very one, or a hosted invoice's, is there."""
    payment = billing.explain(invoice.id, events_max=0).payment
    there = payment is not None and payment.url is not None and (payment.method.value == "hosted" or payment.page == page)
    opens = invoice.status.value == "open" and not there
    if as_json:
        print_json({"invoice": invoice.id, "status": invoice.status.value, "opens_page": opens})
    else:
        say(f"{invoice.number}: {invoice.status}, {invoice.total}; {'a' if opens else 'no'} page would be opened")
    return WOULD_ACT if opens else 0


def close(invoice: Named, as_json: Json = False) -> None:
    """Close the page on which an invoice is paid: it is collected as before. Closed twice is closed once."""
    with engine() as billing:
        found = billing.find_invoice(invoice)
        payment = billing.close_page(found.id, actor="shell")
    if as_json:
        print_json(_payment(payment))
    else:
        say(f"{found.number}: {found.status}; payment {payment.status} {payment.url or ''}".rstrip())


def subscribe(
    customer: str,
    plan: str,
    success_url: Success,
    cancel_url: Cancel,
    currency: Annotated[str | None, typer.Option(help="Where the plan has prices in several.")] = None,
    interval: Annotated[str | None, typer.Option(help='"month", "year" or "3 months"; the plan\'s first if not given.')] = None,
    seats: Annotated[int | None, typer.Option(help="Of a plan that the provider bills; 1 if not given.")] = None,
    trial_days: Annotated[int | None, typer.Option(help="Of a plan that the provider bills: another trial than its own.")] = None,
    as_json: Json = False,
) -> None:
    """Open the provider's page on which a customer begins a subscription. The same wish is the same page, while that is open.

    For a plan that we bill a payment method is saved there; then the subscription begins, and is charged to it.
    """
    from tallystick.domain.plans import BilledBy

    wish: dict[str, Any] = {"success_url": success_url, "cancel_url": cancel_url, "currency": currency, "interval": interval}
    of_theirs: dict[str, Any] = {"seats": seats, "trial_days": trial_days}
    with engine() as billing:
        if billing.plan(plan).billed_by is BilledBy.PROVIDER:
            said = {name: value for name, value in of_theirs.items() if value is not None}
            begun = billing.subscribe_on_page(customer, plan, actor="shell", **wish, **said)
            url, session_id, shown = begun.page_url, begun.page_ref, {"subscription": followed.as_json_of(begun)}
        else:
            refused = [f"--{name.replace('_', '-')}" for name, value in of_theirs.items() if value is not None]
            if refused:
                raise typer.BadParameter("only with a plan that the provider bills", param_hint=", ".join(refused))
            checkout = billing.start_checkout(customer, plan=plan, **wish)
            url, session_id, shown = checkout.url, checkout.ref, {"checkout": _checkout(checkout)}
    if as_json:
        print_json({"url": url, "session_id": session_id, **shown})
    else:
        say(str(url))


def portal(
    customer: str,
    return_url: Annotated[str, typer.Option("--return-url", help="Where the page leads back to.")],
    as_json: Json = False,
) -> None:
    """Open the provider's page on which a customer adds, removes and chooses payment methods; for one visit, within minutes."""
    with engine() as billing:
        url = billing.open_portal(billing.customer(customer).id, return_url=return_url)
    if as_json:
        print_json({"url": url})
    else:
        say(url)


def _payment(payment: "Payment") -> dict[str, object]:
    decline = payment.decline
    return {
        "id": payment.id,
        "invoice": payment.invoice_id,
        "status": payment.status.value,
        "method": payment.method.value,
        "amount": money_json(payment.amount),
        "url": payment.url,
        "decline": None if decline is None else {"code": decline.code, "message": decline.message},
    }


def _checkout(checkout: "Checkout") -> dict[str, object]:
    from tallystick.values.time import rfc3339

    return {
        "id": checkout.id,
        "customer": checkout.customer_id,
        "status": checkout.status.value,
        "plan": checkout.choice.plan_key,
        "version": checkout.choice.plan_version,
        "currency": checkout.choice.currency.code,
        "interval": str(checkout.choice.cadence),
        "expires_at": rfc3339(checkout.expires_at),
    }
