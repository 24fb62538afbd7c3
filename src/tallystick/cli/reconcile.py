"""Reconcile on the shell: the provider's half beside ours."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tallystick.cli.engine import WOULD_ACT, Json, engine, facts, print_json, print_table, say

if TYPE_CHECKING:
    from tallystick.domain.reconciliation import Reconciliation

_NOTHING = "–"


def register(app: typer.Typer) -> None:
    app.command("reconcile")(reconcile)


def reconcile(
    repair: Annotated[bool, typer.Option("--repair", help="Mend here what differs; at the provider nothing is changed.")] = False,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Look back so far; else thirty days.")] = None,
    as_json: Json = False,
) -> int:
    """Compare the provider's half with ours; exit 0 equal, 2 would repair, 1 differs and cannot be repaired."""
    with engine() as billing:
        found = billing.reconcile(since=None if since is None else since.replace(tzinfo=UTC), repair=repair, actor="shell")
    if as_json:
        print_json(_shown(found))
    else:
        _print(found)
    if found.beyond_repair:
        return 1
    return WOULD_ACT if found.differing else 0


def _print(found: "Reconciliation") -> None:
    facts({part: f"{count} equal" for part, count in found.equal.items()} or {"everything": "nothing to compare"})
    if found.findings:
        rows = [
            (f["verdict"], f["part"], f["subject"], f["ours"] or _NOTHING, f["theirs"] or _NOTHING, f["left"] or f["reason"])
            for f in found.findings
        ]
        print_table(("verdict", "part", "of", "ours", "theirs", "because"), rows)
    say(_summary(found))


def _summary(found: "Reconciliation") -> str:
    repaired = found.repaired_count
    if not found.findings:
        return "both halves are the same"
    if found.beyond_repair:
        return f"{repaired} repaired; {len(found.beyond_repair)} to look at: they cannot be repaired from here"
    return f"{repaired} repaired" if found.repair else f"{len(found.differing)} would be repaired; run again with --repair"


def _shown(found: "Reconciliation") -> dict[str, Any]:
    about = {"at": found.at.isoformat(), "since": found.since.isoformat(), "repair": found.repair}
    return about | {"equal": dict(found.equal), "findings": list(found.findings)}
