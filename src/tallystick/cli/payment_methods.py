"""What a customer has saved at the provider to pay with, on the shell: seen, and the one chosen that is charged."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.engine import WOULD_ACT, DryRun, Json, engine, print_json, print_table, say
from tallystick.values.errors import NotFound

if TYPE_CHECKING:
    from tallystick.domain.payment_methods import SavedMethod

group = typer.Typer(no_args_is_help=True, help="What a customer has saved to pay with, as the provider holds it now.")


def register(customers: typer.Typer) -> None:
    customers.add_typer(group, name="payment-methods")


@group.command("list")
def listed(customer: str, as_json: Json = False) -> None:
    """Saved payment methods, newest first; the default is charged unless an invoice or a subscription names another."""
    with engine() as billing:
        found = billing.payment_methods(billing.customer(customer).id)
    _print(found, as_json=as_json)


@group.command("default")
def default(
    customer: str,
    method: Annotated[str, typer.Argument(help="The id of a payment method that the customer has saved.")],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Charge this one from now on; what is open and was declined is tried by it at once, by the worker."""
    with engine() as billing:
        known = billing.customer(customer)
        if not dry_run:
            _print(billing.set_default_payment_method(known.id, method, actor="shell"), as_json=as_json)
            return 0
        before = billing.payment_methods(known.id)
    after = _chosen(before, method)
    say("would be:") if not as_json else None
    _print(after, as_json=as_json)
    return WOULD_ACT if after != [*before] else 0


def _chosen(saved: "Sequence[SavedMethod]", method: str) -> "list[SavedMethod]":
    """What would be saved then. Raises NotFound."""
    if method not in {each.ref for each in saved}:
        raise NotFound("payment_method: the customer has not saved such a payment method", field="payment_method")
    return [replace(each, is_default=each.ref == method) for each in saved]


def _print(saved: "Sequence[SavedMethod]", *, as_json: bool) -> None:
    if as_json:
        print_json([_as_json(each) for each in saved])
        return
    rows = [
        (each.ref, each.kind, each.brand or "", each.last4 or "", _until(each), "default" if each.is_default else "")
        for each in saved
    ]
    print_table(("id", "type", "brand", "last four", "until", ""), rows)


def _until(method: "SavedMethod") -> str:
    return "" if method.exp_month is None else f"{method.exp_month:02d}/{method.exp_year}"


def _as_json(method: "SavedMethod") -> dict[str, object]:
    return {
        "id": method.ref,
        "type": method.kind,
        "is_default": method.is_default,
        "brand": method.brand,
        "last4": method.last4,
        "exp_month": method.exp_month,
        "exp_year": method.exp_year,
    }
