"""Quotas and spend caps on the shell: ask, take, grant, cap, list."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from tallystick.cli.engine import Json, engine, facts, print_json, print_table, say

if TYPE_CHECKING:
    from decimal import Decimal

    from tallystick.domain.entitlements import Decision
    from tallystick.domain.spend_caps import Spend

group = typer.Typer(no_args_is_help=True, help="What customers may use, and what is left of it.")

Word = TypeVar("Word", bound=StrEnum)
_Quantity = Annotated[str, typer.Argument(help="How much, as an exact decimal.")]
_Policy = Annotated[str, typer.Option(help="hard: blocked at the limit. soft: allowed above it, and said so.")]
_Zone = Annotated[str, typer.Option(help="Where the midnight is that begins a month, such as Asia/Tokyo.")]


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="quotas")


@group.command("check")
def check(customer: str, meter: str, quantity: _Quantity = "1", as_json: Json = False) -> int:
    """May so much be used now? Nothing is taken. Exit status 1: no."""
    with engine() as billing:
        return _told(billing.check(customer, meter, quantity), as_json=as_json)


@group.command("consume")
def consume(
    customer: str,
    meter: str,
    op: Annotated[str, typer.Option(help="Your own name for this use: sent again, it takes once.")],
    quantity: _Quantity = "1",
    as_json: Json = False,
) -> int:
    """Use so much, if it is allowed; it is recorded as usage. Exit status 1: no."""
    with engine() as billing:
        return _told(billing.consume(customer, meter, quantity, op=op), as_json=as_json)


@group.command("grant")
def grant(
    customer: str,
    meter: str,
    limit: Annotated[str, typer.Argument(help='How much, or "unlimited". 0 is nothing.')],
    policy: _Policy = "hard",
    reset: Annotated[str, typer.Option(help="calendar_month, or never: used up for good.")] = "calendar_month",
    zone: _Zone = "UTC",
    as_json: Json = False,
) -> None:
    """Say what a customer may use of a meter, from now on."""
    from tallystick.domain.entitlements import Policy, Quota, Reset
    from tallystick.values.decimals import exact_decimal

    number = None if limit == "unlimited" else exact_decimal(limit, field="limit")
    quota = Quota(number, _word(Policy, policy, "policy"), _word(Reset, reset, "reset"), zone)
    with engine() as billing:
        billing.grant(customer, meter, quota, actor="shell")
    said = {"customer": customer, "meter": meter, "limit": _number(number), "policy": policy, "reset": reset, "zone": zone}
    print_json(said) if as_json else facts(said)


@group.command("list")
def listed(customer: str, as_json: Json = False) -> None:
    """What a customer may use, and how each quota stands."""
    with engine() as billing:
        found = billing.quotas(customer)
    if as_json:
        print_json([{"meter": each.entitlement.meter_key, "policy": each.entitlement.quota.policy} | _decision(each.decision)
                    for each in found])  # fmt: skip
        return
    rows = [
        (each.entitlement.meter_key, _number(each.decision.limit) or "unlimited", each.entitlement.quota.policy,
         _number(each.decision.used), _number(each.decision.reserved), _number(each.decision.remaining) or "")
        for each in found
    ]  # fmt: skip
    print_table(("meter", "limit", "policy", "used", "reserved", "remaining"), rows)


@group.command("caps")
def caps(
    customer: str,
    limit: Annotated[int | None, typer.Option("--set", min=0, help="Cap it: an amount in minor units.")] = None,
    currency: Annotated[str, typer.Option(help="Of the amount.")] = "usd",
    remove: Annotated[bool, typer.Option("--remove", help="Take the cap away.")] = False,
    policy: _Policy = "hard",
    zone: _Zone = "UTC",
    as_json: Json = False,
) -> None:
    """How much of a customer's monthly spend cap is spent, rated live; or set it, or take it away."""
    from tallystick.domain.entitlements import Policy
    from tallystick.values.errors import InvalidInput
    from tallystick.values.money import Money
    from tallystick.values.money import currency as known

    if remove and limit is not None:
        raise InvalidInput("caps: give --set or --remove, not both")
    with engine() as billing:
        if limit is not None:
            cap = Money(limit, known(currency))
            billing.cap_spend(customer, cap, policy=_word(Policy, policy, "policy"), zone=zone, actor="shell")
        elif remove:
            billing.cap_spend(customer, None, actor="shell")
        spend = billing.spend(customer)
    if as_json:
        print_json(None if spend is None else _spend(spend))
    elif spend is None:
        say(f"{customer}: no cap")
    else:
        facts(_spend(spend))


def _told(decision: "Decision", *, as_json: bool) -> int:
    said = _decision(decision)
    print_json(said) if as_json else facts(said)
    return 0 if decision.allowed else 1


def _decision(decision: "Decision") -> dict[str, object]:
    return {
        "allowed": decision.allowed,
        "reason": decision.reason,
        "limit": _number(decision.limit),
        "used": _number(decision.used),
        "reserved": _number(decision.reserved),
        "remaining": _number(decision.remaining),
        "resets_at": None if decision.resets_at is None else decision.resets_at.isoformat(),
    }


def _spend(spend: "Spend") -> dict[str, object]:
    """Amounts in minor units."""
    cap = spend.cap
    return {
        "customer": cap.customer_id,
        "limit": cap.limit.minor,
        "spent": spend.spent.minor,
        "remaining": spend.remaining.minor,
        "currency": cap.limit.currency.code,
        "policy": cap.policy,
        "resets_at": spend.period.end.isoformat(),
    }


def _word(kind: type[Word], text: str, field: str) -> Word:
    from tallystick.values.errors import InvalidInput

    if text not in list(kind):
        raise InvalidInput(f"{field}: one of {', '.join(kind)}", field=field)
    return kind(text)


def _number(number: "Decimal | None") -> str | None:
    from tallystick.values.decimals import plain

    return None if number is None else plain(number)
