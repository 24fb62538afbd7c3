"""Plans on the shell: what is sold."""

from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.engine import Json, engine, print_json, print_table, say
from tallystick.values.english import counted

if TYPE_CHECKING:
    from tallystick.domain.plans import PlanVersion

group = typer.Typer(no_args_is_help=True, help="What is sold.")


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="plans")


@group.command("list")
def listed(as_json: Json = False) -> None:
    """Every plan in its newest version, by key."""
    with engine() as billing:
        found = list(billing.plans().values())
    if as_json:
        print_json([_as_json(plan) for plan in found])
        return
    rows = [
        (
            plan.key,
            plan.version,
            plan.display_name,
            "add-on" if plan.add_on else "",
            ", ".join(str(cadence) for cadence in plan.cadences),
            ", ".join(sorted({currency.code for cadence in plan.cadences for currency in plan.currencies(cadence)})),
            ", ".join(sorted(plan.features)),
        )
        for plan in found
    ]
    print_table(("plan", "version", "name", "", "by the", "in", "features"), rows)


@group.command("show")
def show(
    plan: str,
    version: Annotated[int | None, typer.Option(min=1, help="Another one than the newest.")] = None,
    as_json: Json = False,
) -> None:
    """One plan: what it charges, and what it lets customers use."""
    with engine() as billing:
        found = billing.plan(plan, version)
    print_json(_as_json(found)) if as_json else _print(found)


def _as_json(plan: "PlanVersion") -> dict[str, object]:
    from tallystick.domain.plan_documents import write_plan

    return {"version": plan.version, **write_plan(plan)}


def _print(plan: "PlanVersion") -> None:
    from tallystick.domain.price_documents import write_price
    from tallystick.values.decimals import plain

    trial = f", {counted(plan.trial.days, 'day')} of trial" if plan.trial else ""
    say(f"{plan.key}, version {plan.version}: by the {' or the '.join(str(cadence) for cadence in plan.cadences)}{trial}")
    for charge in plan.charges:
        of = f" of {charge.meter_key}" if charge.meter_key else ""
        say(f"  charge {charge.key}: {charge.kind}{of}, in {'advance' if charge.in_advance else 'arrears'}")
        for priced in charge.prices:
            each = " ".join(f"{name} {value}" for name, value in write_price(priced.price).items())
            say(f"    {'each period' if priced.cadence is None else f'by the {priced.cadence}'}: {each}")
    for meter_key, quota in sorted(plan.quotas.items()):
        limit = "unlimited" if quota.limit is None else plain(quota.limit)
        say(f"  quota of {meter_key}: {limit}, {quota.policy}, reset {quota.reset}")
    for feature in sorted(plan.features):
        say(f"  feature {feature}")
