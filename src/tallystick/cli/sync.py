"""Usage sent on to the provider's meters, by the month."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.engine import WOULD_ACT, Json, engine, print_json, print_table, say

if TYPE_CHECKING:
    from tallystick.app import Tallystick
    from tallystick.domain.usage_exports import Export
    from tallystick.flows._usage_totals import Compared
    from tallystick.flows.sync_usage import Synced, SyncOrder, SyncReport


def register(app: typer.Typer) -> None:
    app.command("sync")(sync)


def sync(
    month: Annotated[str, typer.Option(help="Which month's usage, such as 2026-01; by UTC.")],
    subscription_item: Annotated[
        str | None, typer.Option(help="Only what this item of a subscription at the provider bills, such as si_….")
    ] = None,
    customer: Annotated[str | None, typer.Option(help="Only this customer.")] = None,
    commit: Annotated[bool, typer.Option("--commit", help="Send it; without this it is only shown.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Also what was rejected before, now that its cause is mended.")] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also what the provider has added up, beside what was recorded.")
    ] = False,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Also each event that the provider does not count, and why.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Tell the provider's meters what was used, each fact once. Without --commit: exit 2 where there is something to send."""
    from tallystick.domain import usage_exports
    from tallystick.flows.sync_usage import SyncOrder, SyncReport
    from tallystick.values.ids import CustomerId

    period = usage_exports.month(month)
    with engine() as billing:
        order = SyncOrder(period, None if customer is None else CustomerId(customer), retry=retry)
        if subscription_item is not None:
            order = billing.order_of_item(subscription_item, period, retry=retry)
        report = billing.sync(order) if commit else SyncReport(tuple(billing.plan_sync(order)))
        compared = _compared(billing, order) if compare else []
        uncounted = billing.uncounted_usage(period, customer_id=order.customer_id) if rejected else []
    if as_json:
        print_json(
            _as_json(month, report, compared, committed=commit) | {"rejected": [_uncounted_json(row) for row in uncounted]}
        )
    else:
        _print(report, compared)
        _print_uncounted(uncounted)
    if commit:
        return _status(report)
    return WOULD_ACT if any(each.key.what != "reject" for each in report.synced) else 0


def _compared(billing: "Tallystick", order: "SyncOrder") -> "Sequence[Compared]":
    return billing.compare_usage(order.period, customer_id=order.customer_id)


def _status(report: "SyncReport") -> int:
    failed = report.waiting or report.refusal or any(each.key.what in {"rejected", "unclear"} for each in report.synced)
    return 1 if failed else 0


def _print(report: "SyncReport", compared: "Sequence[Compared]") -> None:
    from tallystick.values.decimals import plain

    if report.synced:
        headings = ("customer", "meter", "at the provider", "", "events", "quantity", "")
        print_table(headings, [(*each.key[:4], each.count, plain(each.quantity), each.key.code or "") for each in report.synced])
    else:
        say("nothing to send")
    if report.refusal is not None:
        say(f"refused ({report.refusal.code}): {report.refusal.message}")
    if report.waiting:
        say(f"not all of it could be sent now; the worker goes on with {', '.join(report.waiting)}")
    if compared:
        say()
        figures = ("customer", "meter", "recorded", "at the provider", "difference", "")
        print_table(figures, [_figures(each) for each in compared])


def _print_uncounted(uncounted: "Sequence[Export]") -> None:
    from tallystick.values.decimals import plain
    from tallystick.values.time import rfc3339

    if not uncounted:
        return
    say()
    rows = [
        (row.customer_id, row.meter_key, row.event_id, rfc3339(row.at), plain(row.quantity), row.status, row.code, row.reason)
        for row in uncounted
    ]
    print_table(("customer", "meter", "event", "at", "quantity", "", "code", "reason"), rows)


def _uncounted_json(row: "Export") -> dict[str, object]:
    from tallystick.values.decimals import plain
    from tallystick.values.time import rfc3339

    return {
        "customer": row.customer_id,
        "meter": row.meter_key,
        "source": row.source,
        "event": row.event_id,
        "part": row.part.value,
        "at": rfc3339(row.at),
        "quantity": plain(row.quantity),
        "status": row.status.value,
        "code": row.code,
        "reason": row.reason,
    }


def _figures(each: "Compared") -> tuple[str, ...]:
    from tallystick.values.decimals import plain

    provider = "" if each.provider is None else plain(each.provider)
    difference = "" if each.difference is None else plain(each.difference)
    return (each.customer_id, each.meter_key, plain(each.recorded), provider, difference, each.problem or "")


def _as_json(month: str, report: "SyncReport", compared: "Sequence[Compared]", *, committed: bool) -> dict[str, object]:
    return {
        "month": month,
        "committed": committed,
        "usage": [_synced_json(each) for each in report.synced],
        "waiting": list(report.waiting),
        "refusal": None if report.refusal is None else {"code": report.refusal.code, "message": report.refusal.message},
        "compared": [_compared_json(each) for each in compared],
    }


def _synced_json(each: "Synced") -> dict[str, object]:
    from tallystick.values.decimals import plain

    key = each.key
    return {
        "customer": key.customer_id,
        "meter": key.meter_key,
        "export_as": key.event_name,
        "what": key.what,
        "events": each.count,
        "quantity": plain(each.quantity),
        "code": key.code,
    }


def _compared_json(each: "Compared") -> dict[str, object]:
    from tallystick.values.decimals import plain

    figures = {"recorded": each.recorded, "waiting": each.held.waiting, "provider": each.provider, "difference": each.difference}
    said = {name: None if figure is None else plain(figure) for name, figure in figures.items()}
    return {"customer": each.customer_id, "meter": each.meter_key, **said, "problem": each.problem}
