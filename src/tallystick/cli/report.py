"""Reports on the shell: what was earned, what recurs, what fails, and with whom most is earned."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tallystick.cli.engine import Json, engine, money_json, print_json, print_table, say

if TYPE_CHECKING:
    from tallystick.app import Tallystick
    from tallystick.domain.recurring_revenue import RecurringMonth

group = typer.Typer(no_args_is_help=True, help="How the business does, by calendar months in UTC.")
_NOTHING = "–"
Months = Annotated[int, typer.Option(min=1, max=120, help="How many, the last of them the current one.")]


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="report")


@group.command("mrr")
def mrr(months: Months = 12, as_json: Json = False) -> None:
    """What recurs: with what each month began, what was new, grew, shrank, left and came back, and what it ended with."""
    with engine() as billing:
        found = billing.mrr(_since(billing, months))
    if as_json:
        print_json([_month_json(each) for each in found])
        return
    rows = [(f"{m.month:%Y-%m}", m.opening, m.new, m.expansion, m.contraction, m.churn, m.reactivation, m.closing) for m in found]
    print_table(("month", "began with", "new", "grew", "shrank", "left", "came back", "MRR"), rows)


@group.command("churn")
def churn(months: Months = 12, as_json: Json = False) -> None:
    """How many customers each month began with, how many of them left, and which part of them and of the MRR that is."""
    with engine() as billing:
        found = billing.mrr(_since(billing, months))
    if as_json:
        print_json([_month_json(each) for each in found])
        return
    rows = [
        (f"{m.month:%Y-%m}", m.closing.currency.code, m.customers_before, m.customers_new + m.customers_back, m.customers_lost,
         _percent(m.customer_churn), _percent(m.revenue_churn))
        for m in found
    ]  # fmt: skip
    print_table(("month", "in", "customers", "gained", "left", "churn", "churn of MRR"), rows)


@group.command("payments")
def payments(months: Months = 12, as_json: Json = False) -> None:
    """How many payments were tried in each month, how many of them failed, and why."""
    with engine() as billing:
        found = billing.payment_months(_since(billing, months))
    if as_json:
        print_json([
            {"month": m.month.isoformat(), "tried": m.tried, "failed": m.failed, "recovered": m.recovered,
             "failure_rate": _text(m.failure_rate), "reasons": dict(m.reasons)}
            for m in found
        ])  # fmt: skip
        return
    rows = [
        (f"{m.month:%Y-%m}", m.tried, m.failed, _percent(m.failure_rate), m.recovered,
         ", ".join(f"{code} {count}" for code, count in m.reasons) or _NOTHING)
        for m in found
    ]  # fmt: skip
    print_table(("month", "tried", "failed", "of them", "paid in the end", "why"), rows)


@group.command("top-customers")
def top_customers(
    months: Months = 12,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many of each currency.")] = 10,
    as_json: Json = False,
) -> None:
    """With whom most was earned, less what was given back."""
    with engine() as billing:
        found = billing.top_customers(_since(billing, months), limit=limit)
    if as_json:
        print_json([{"customer": each.id, "name": each.name, "revenue": money_json(each.revenue)} for each in found])
        return
    if not found:
        say("nothing was earned in this time")
        return
    print_table(("customer", "name", "revenue"), [(each.id, each.name or "", each.revenue) for each in found])


def _since(billing: "Tallystick", months: int) -> datetime:
    from tallystick.domain.recurring_revenue import first_of_months

    return first_of_months(months, now=billing.context.clock.now())


def _month_json(found: "RecurringMonth") -> dict[str, Any]:
    amounts = ("opening", "new", "expansion", "contraction", "churn", "reactivation")
    return {
        "month": found.month.isoformat(),
        "currency": found.closing.currency.code,
        **{name: getattr(found, name).minor for name in amounts},
        "mrr": found.closing.minor,
        "customers_before": found.customers_before,
        "customers_new": found.customers_new,
        "customers_lost": found.customers_lost,
        "customers_back": found.customers_back,
        "customers_after": found.customers_after,
        "customer_churn": _text(found.customer_churn),
        "revenue_churn": _text(found.revenue_churn),
    }


def _text(share: Decimal | None) -> str | None:
    from tallystick.values.decimals import plain

    return None if share is None else plain(share)


def _percent(share: Decimal | None) -> str:
    from tallystick.values.decimals import EXACT, plain

    return _NOTHING if share is None else f"{plain(EXACT.scaleb(share, 2))} %"
