"""Our catalogue beside what the provider holds of it: loaded the same way to push it and to compare it."""

from collections.abc import Mapping
from dataclasses import replace

from tallystick import domain, storage
from tallystick.domain.provider_catalogue import Act, CatalogueItem, Found, ItemChange, ItemKind, Untold
from tallystick.flows.context import Context
from tallystick.storage.provider_items import Kept

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
