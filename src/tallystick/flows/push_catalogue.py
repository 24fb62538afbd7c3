"""Make the provider hold our catalogue: look what is there, and change what is not as it should be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tallystick import domain
from tallystick.domain.provider_catalogue import Act, ItemChange, Untold
from tallystick.flows import _provider_items
from tallystick.flows._provider_items import Name
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refused, Unknown
from tallystick.storage.provider_items import Kept


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
    wanted = [change for item in items if (change := _provider_items.change(item, there, kept)) is not None]
    changes, held = domain.provider_catalogue.held_back(wanted)
    if dry_run:
        return Pushed(changes, [*untold, *held])
    return _act(ctx, changes, refs, kept, Pushed((), [*untold, *held]), actor=actor)


def _act(
    ctx: Context, changes: Sequence[ItemChange], refs: dict[Name, str], kept: Mapping[Name, Kept], done: Pushed, *, actor: str
) -> Pushed:
    made: list[ItemChange] = []
    for change in changes:
        name = (change.item.kind, change.item.key)
        if change.act is not Act.REFUSE:
            outcome = _provider_items.push(ctx, change, refs, kept.get(name), actor=actor)
            if not isinstance(outcome, str):
                return replace(done, changes=made, stopped=outcome)
            refs[name] = outcome
        made.append(change)
    return replace(done, changes=made)
