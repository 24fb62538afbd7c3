"""Coupons on the shell: listed, and redeemed for a customer."""

from typing import Annotated

import typer

from tallystick.cli.engine import WOULD_ACT, DryRun, Json, engine, print_json, print_table, say

group = typer.Typer(no_args_is_help=True, help="What is taken off, and for whom.")


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="coupons")


@group.command("list")
def listed(as_json: Json = False) -> None:
    """Every coupon with its codes, and how often it was redeemed. `catalog apply` makes them."""
    from tallystick.domain.coupon_documents import write_offer

    with engine() as billing:
        coupons, codes, redemptions = billing.coupons(), billing.codes_by_coupon(), billing.redemptions()
    if as_json:
        print_json(
            [write_offer(coupon, codes.get(key, ())) | {"redemptions": redemptions[key]} for key, coupon in coupons.items()]
        )
        return
    rows = [
        (coupon.key, coupon.display_name, coupon.offer, coupon.duration, redemptions[coupon.key], coupon.max_redemptions or "")
        for coupon in coupons.values()
    ]
    print_table(("coupon", "name", "takes off", "duration", "redeemed", "of"), rows)


@group.command("redeem")
def redeem(
    customer: str,
    coupon: Annotated[str, typer.Argument(help="A code, in letters of any case, or the key of a coupon.")],
    subscription: Annotated[str, typer.Option(help="Only for this subscription; else for every invoice.")] = "",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Give a customer a discount, once."""
    with engine() as billing:
        if dry_run:
            offered = billing.offered(coupon)
            say(f"{customer}: {offered.name} would be redeemed, {offered.offer} {offered.duration}")
            return WOULD_ACT
        discount = billing.redeem(customer, coupon, subscription_id=subscription, actor="shell")
    if as_json:
        print_json({"id": discount.id, "coupon": discount.coupon.key, "ends_at": discount.ends_at, "used_up": discount.used_up})
    else:
        until = "" if discount.ends_at is None else f" until {discount.ends_at.isoformat()}"
        say(f"{customer}: {discount.coupon.name}, {discount.coupon.offer} {discount.coupon.duration}{until}")
    return 0
