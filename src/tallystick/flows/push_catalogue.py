"""Make the provider hold our catalogue: look what is there, write the question down, ask outside, write the answer down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tallystick import storage
from tallystick.domain.provider_catalogue import Act, ItemChange, Untold
from tallystick.flows import _provider_items
from tallystick.flows._provider_items import Name
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refused, Unknown
from tallystick.storage.provider_items import Holding, Kept
from tallystick.values.ids import derived


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was changed, or would be; what the provider cannot hold; and where it stopped, `stopped` says why."""

    changes: Sequence[ItemChange]
    untold: Sequence[Untold]
    stopped: Refused | Limited | Unknown | None = None

    @property
    def refused(self) -> list[ItemChange]:
        """What is there otherwise, and can be neither changed nor replaced: people have to choose."""
        return [change for change in self.changes if change.act is Act.REFUSE]


def push_catalogue(ctx: Context, *, dry_run: bool = False, actor: str = "system") -> Pushed:
    """Run twice, the second does nothing. An outcome that is unknown stays one; the next run looks before it asks again."""
    items, untold, kept = _provider_items.load(ctx)
    there = ctx.provider.find_items(items)
    if isinstance(there, Refused | Limited | Unknown):
        return Pushed((), untold, there)
    refs = {name: found.ref for name, found in there.items()}
    changes = [change for item in items if (change := _provider_items.change(item, there, kept)) is not None]
    if dry_run:
        return Pushed(changes, untold)
    return _act(ctx, changes, refs, kept, Pushed((), untold), actor=actor)


def _act(
    ctx: Context, changes: Sequence[ItemChange], refs: dict[Name, str], kept: Mapping[Name, Kept], done: Pushed, *, actor: str
) -> Pushed:
    made: list[ItemChange] = []
    for change in changes:
        item = change.item
        name = (item.kind, item.key)
        if change.act is not Act.REFUSE:
            asked = _asked(change, kept.get(name))
            outcome = _ask(ctx, change, asked, refs)
            if not isinstance(outcome, str):
                return replace(done, changes=made, stopped=outcome)
            refs[name] = outcome
            _answered(ctx, change, replace(asked, status=Holding.HELD, ref=outcome), actor=actor)
        made.append(change)
    return replace(done, changes=made)


def _asked(change: ItemChange, before: Kept | None) -> Kept:
    """The question as it is written down. Its round is a new one where this very content was held before, and is no more."""
    fingerprint = change.item.fingerprint
    number = 0
    if before is not None and before.fingerprint == fingerprint:
        number = before.round + (before.status is Holding.HELD)
    ref = change.old or (None if change.there is None else change.there.ref)
    return Kept(fingerprint, Holding.ASKED, number, ref)


def _ask(ctx: Context, change: ItemChange, asked: Kept, refs: Mapping[Name, str]) -> str | Refused | Limited | Unknown:
    """On disk before it is asked. A key stands for one content, and for one round of asking for it."""
    item = change.item
    with ctx.database.transaction("ask for item") as conn:
        storage.provider_items.put(conn, item, asked, at=ctx.clock.now())
    key = derived("catalogue", item.kind, item.key, item.fingerprint, asked.ref or "", change.act, str(asked.round))
    outcome = ctx.provider.put_item(change, refs, key=key)
    if isinstance(outcome, Unknown | Refused) and _is_stored(outcome):
        # The provider would say the same under this key for ever; the next run looks first, and asks under another.
        with ctx.database.transaction("ask for item anew") as conn:
            storage.provider_items.put(conn, item, replace(asked, round=asked.round + 1), at=ctx.clock.now())
    return outcome


def _is_stored(outcome: Unknown | Refused) -> bool:
    return outcome.stored if isinstance(outcome, Unknown) else not outcome.unheard


def _answered(ctx: Context, change: ItemChange, kept: Kept, *, actor: str) -> None:
    item, now = change.item, ctx.clock.now()
    before = None if change.there is None else {"ref": change.there.ref, **change.there.document}
    with ctx.database.transaction("item is held") as conn:
        storage.provider_items.put(conn, item, kept, at=now)
        act = storage.audit.Act(
            actor, f"catalogue.{change.act}", f"{item.kind}:{item.key}", before=before, after={"ref": kept.ref, **item.document}
        )
        storage.audit.append(conn, act, at=now)
