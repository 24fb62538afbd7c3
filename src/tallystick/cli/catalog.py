"""The catalogue on the shell: meters, charges, plans and coupons from a file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.engine import WOULD_ACT, DryRun, Json, engine, print_json, say

if TYPE_CHECKING:
    from tallystick.flows.push_catalogue import Pushed

_SIGNS = {
    "create": "+",
    "replace": "+ (takes over the lookup key)",
    "update": "~",
    "adopt": "= (is there already)",
    "refuse": "! (is there otherwise, and never changes there: give ours another key)",
}
group = typer.Typer(no_args_is_help=True, help="What is measured, and what it costs.")


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="catalog")


@group.command("apply")
def apply(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A TOML or JSON file with meters, charges, plans and coupons.")
    ],
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Make the catalogue what the file says; what the file does not name stays as it is."""
    document = read_document(file)
    with engine() as billing:
        changes = billing.apply_catalogue(document, dry_run=dry_run, actor="shell")
    if as_json:
        print_json([{"kind": c.kind, "key": c.key, "before": c.before, "after": c.after} for c in changes])
    for change in () if as_json else changes:
        say(f"{'+' if change.before is None else '~'} {change.kind} {change.key}")
        if change.before is not None:
            _print_difference(_flat(change.before), _flat(change.after))
    if not changes and not as_json:
        say("nothing to change")
    return WOULD_ACT if dry_run and changes else 0


@group.command("push")
def push(dry_run: DryRun = False, as_json: Json = False) -> int:
    """Make the provider hold the catalogue: products, prices, meters, coupons and codes; what it cannot hold is said.

    What is there already is adopted. A price never changes: a new one takes over its lookup key. Twice is the same as once.
    """
    with engine() as billing:
        pushed = billing.push_catalogue(dry_run=dry_run, actor="shell")
    if as_json:
        print_json(_pushed(pushed))
    else:
        _print_pushed(pushed)
    if pushed.stopped is not None or pushed.refused:
        return 1
    return WOULD_ACT if dry_run and pushed.changes else 0


@group.command("show")
def show() -> None:
    """The catalogue as it is, as a JSON document that `apply` reads."""
    from tallystick.domain.catalog_documents import write_charge, write_meter
    from tallystick.domain.coupon_documents import write_offer
    from tallystick.domain.plan_documents import write_plan

    with engine() as billing:
        meters, charges = billing.meters().values(), billing.charges().values()
        coupons, codes = billing.coupons(), billing.codes_by_coupon()
        plans = [write_plan(plan) for plan in billing.plans().values()]
    document = {"meters": [write_meter(m) for m in meters], "charges": [write_charge(c) for c in charges], "plans": plans}
    print_json(document | {"coupons": [write_offer(coupon, codes.get(key, ())) for key, coupon in coupons.items()]})


def _pushed(pushed: "Pushed") -> dict[str, object]:
    changes = [
        {
            "act": change.act,
            "kind": change.item.kind,
            "key": change.item.key,
            "before": None if change.there is None else {"ref": change.there.ref, **change.there.document},
            "after": change.item.document,
        }
        for change in pushed.changes
    ]
    untold = [{"kind": each.kind, "key": each.key, "reason": each.reason} for each in pushed.untold]
    return {"changes": changes, "untold": untold, "stopped": None if pushed.stopped is None else pushed.stopped.message}


def _print_pushed(pushed: "Pushed") -> None:
    for change in pushed.changes:
        say(f"{_SIGNS[change.act]} {change.item.kind} {change.item.key}")
        if change.there is not None and change.act != "adopt":
            _print_difference(_flat(change.there.document), _flat(change.item.document))
    for untold in pushed.untold:
        say(f"not there: {untold.kind} {untold.key}: {untold.reason}")
    if pushed.stopped is not None:
        say(f"stopped: {pushed.stopped.message}; run it again, it goes on where it stopped")
    elif not pushed.changes:
        say("nothing to change")


def _print_difference(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """What of it is otherwise: each field that was, and that will be."""
    for path in [*before, *(path for path in after if path not in before)]:
        for side, values in (("-", before), ("+", after)):
            if path in values and before.get(path) != after.get(path):
                say(f"    {side} {path} {values[path]}".rstrip())


def _flat(value: object, path: str = "") -> dict[str, str]:
    """Each single value by its path; what is in a list by its own key, where it has one."""
    match value:
        case Mapping():
            named = {str(name): part for name, part in value.items()}
        case list():
            named = {_name(part, at): part for at, part in enumerate(value)}
        case _:
            return {path: value if isinstance(value, str) else json.dumps(value)}
    return {at: leaf for name, part in named.items() for at, leaf in _flat(part, f"{path}.{name}" if path else name).items()}


def _name(part: object, at: int) -> str:
    if not isinstance(part, Mapping):
        return str(at)
    return str(part.get("key") or part.get("meter") or part.get("code") or at)


def read_document(file: Path) -> dict[str, object]:
    """The file's document; numbers with a point stay text, so that no price passes through a float."""
    import tomllib

    from tallystick.values.errors import InvalidInput
    from tallystick.values.json import strict_loads

    try:
        if file.suffix == ".json":
            document = strict_loads(file.read_bytes())
        else:
            document = tomllib.loads(file.read_text("utf-8"), parse_float=str)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise InvalidInput(f"{file}: not a TOML file: {wrong}") from None
    if not isinstance(document, dict):
        raise InvalidInput(f"{file}: must hold an object with meters and charges")
    return document
