"""Our catalogue beside what the provider holds of it: loaded, and pushed, the same way by who pushes it and who compares it."""

from collections.abc import Mapping
from dataclasses import replace

from tallystick import domain, storage
from tallystick.domain.provider_catalogue import Act, CatalogueItem, Found, ItemChange, ItemKind, Untold
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, Refused, Unknown
from tallystick.storage.provider_items import Holding, Kept
from tallystick.values.ids import derived

Name = tuple[ItemKind, str]


def load(ctx: Context) -> tuple[list[CatalogueItem], list[Untold], dict[Name, Kept]]:
    """What the provider is to hold, what it cannot, and what it was asked for."""
    with ctx.database.reading() as conn:
        coupons, codes = storage.coupons.coupons(conn), list(storage.coupons.codes(conn).values())
        offers = [(coupon, [code for code in codes if code.coupon_key == key]) for key, coupon in coupons.items()]
        plans, meters = storage.plans.latest(conn).values(), storage.catalog.meters(conn)
        items, untold = domain.provider_catalogue.of_catalogue(plans, meters, offers, now=ctx.clock.now())
        return items, untold, storage.provider_items.kept(conn)


def change(item: CatalogueItem, there: Mapping[Name, Found], kept: Mapping[Name, Kept]) -> ItemChange | None:
    """What is to be done about the item; None where it is there as it should be."""
    name = (item.kind, item.key)
    known, found = kept.get(name), there.get(name)
    change = domain.provider_catalogue.difference(item, found, known=None if known is None else known.ref_of(item))
    if change is None or known is None or found is None or change.act is not Act.ADOPT or item.kind is not ItemKind.PRICE:
        return change
    # An earlier run may have made the new price, and not lived to retire the old one.
    return change if known.ref in {None, found.ref} else replace(change, old=known.ref)


def push(
    ctx: Context, change: ItemChange, refs: Mapping[Name, str], before: Kept | None, *, actor: str
) -> str | Refused | Limited | Unknown:
    """The question written down, asked outside, the answer written down: the provider's id of the item."""
    asked = _asked(change, before)
    outcome = _ask(ctx, change, asked, refs)
    if isinstance(outcome, str):
        _answered(ctx, change, replace(asked, status=Holding.HELD, ref=outcome), actor=actor)
    return outcome


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
