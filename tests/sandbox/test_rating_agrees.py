"""The same prices and the same usage, rated by us and billed by the sandbox's Stripe: the same money."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.domain import rating
from tallystick.domain.catalog import FlatPrice, GraduatedPrice, PackagePrice, Price, Rounding, UnitPrice, VolumePrice
from tallystick.domain.tiers import Tier
from tallystick.values.decimals import half_up
from tallystick.values.exact import times
from tallystick.values.money import USD
from tests.sandbox.conftest import World
from tests.sandbox.subscribing import Shop

_HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Offer:
    """One component of a plan, in our words and in Stripe's; and how much of it is used."""

    ours: Price
    theirs: dict[str, Any]
    used: Decimal


def minors(places: int) -> st.SearchStrategy[Decimal]:
    """Amounts in minor units, up to 20 major ones."""
    return st.decimals(0, 2000, places=places)


USED = st.one_of(st.integers(0, 5000).map(Decimal), st.decimals(0, 500, places=3))


@st.composite
def flat(draw: st.DrawFn) -> Offer:
    amount = draw(minors(0))
    return Offer(FlatPrice(amount / _HUNDRED, currency=USD), {"unit_amount": int(amount)}, Decimal(1))


@st.composite
def per_unit(draw: st.DrawFn) -> Offer:
    amount = draw(minors(4))
    return Offer(UnitPrice(amount / _HUNDRED, currency=USD), {"unit_amount_decimal": amount}, draw(USED))


@st.composite
def package(draw: st.DrawFn) -> Offer:
    amount, size, how = draw(minors(0)), draw(st.integers(1, 1000)), draw(st.sampled_from(["up", "down"]))
    theirs = {"unit_amount": int(amount), "transform_quantity": {"divide_by": size, "round": how}}
    return Offer(PackagePrice(Decimal(size), amount / _HUNDRED, Rounding(how), currency=USD), theirs, draw(USED))


@st.composite
def tiered(draw: st.DrawFn, *, mode: str, places: int = 0) -> Offer:
    ends = [*sorted(draw(st.sets(st.integers(1, 3000), max_size=3))), None]
    sums = [(draw(minors(places)), draw(minors(0))) for _ in ends]
    tiers = tuple(Tier(None if end is None else Decimal(end), unit / _HUNDRED, fee / _HUNDRED)
                  for end, (unit, fee) in zip(ends, sums, strict=True))  # fmt: skip
    shown = [{"up_to": end or "inf", "unit_amount_decimal": unit, "flat_amount": int(fee)}
             for end, (unit, fee) in zip(ends, sums, strict=True)]  # fmt: skip
    # Of parts of units, parts of a minor unit would come again.
    used = draw(USED if mode == "volume" else st.integers(0, 5000).map(Decimal))
    kind = VolumePrice if mode == "volume" else GraduatedPrice
    theirs = {"billing_scheme": "tiered", "tiers_mode": mode, "tiers": shown}
    return Offer(kind(tiers, currency=USD, zero_usage_flat=True), theirs, used)


def billed(offers: Sequence[Offer]) -> Any:
    """The invoice of the first month, and the fees of the second in advance."""
    shop = Shop(World())
    prices = [shop.price(**offer.theirs) if is_flat(offer) else shop.metered(**offer.theirs) for offer in offers]
    shop.subscribes(*prices)
    for offer, price in zip(offers, prices, strict=True):
        if not is_flat(offer) and offer.used:
            shop.uses(price, str(offer.used), "2026-01-15")
    shop.on("2026-02-15T02:00:00")
    return shop


def is_flat(offer: Offer) -> bool:
    return isinstance(offer.ours, FlatPrice)


def total_of(shop: Shop) -> int:
    cycles = shop.v1.invoices.list({"customer": shop.customer.id, "limit": 10}).data
    return sum(invoice.total for invoice in cycles if invoice.billing_reason == "subscription_cycle")


ANY = st.one_of(flat(), per_unit(), package(), tiered(mode="volume"), tiered(mode="graduated"))
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(offers=st.lists(ANY, min_size=1, max_size=4))
def test_a_month_costs_the_same_to_the_cent(offers: list[Offer]) -> None:
    assert total_of(billed(offers)) == sum(rating.rate(offer.ours, offer.used).total.minor for offer in offers)


def by_line(whole: rating.Rating) -> int:
    """The details of our rating as Stripe's lines, each rounded by itself: the units of a tier, and its flat amount."""
    parts = [part for row in whole.details for part in (times(row.quantity, row.unit_amount), row.flat_amount)]
    return sum(half_up(times(part, _HUNDRED)) for part in parts)


@FEW
@given(offer=tiered(mode="graduated", places=3))
def test_of_graduated_parts_of_a_cent_stripe_rounds_each_tier_and_we_their_sum(offer: Offer) -> None:
    whole, theirs = rating.rate(offer.ours, offer.used), total_of(billed([offer]))
    assert theirs == by_line(whole), "the same details to the last place, but rounded one by one"
    assert abs(theirs - whole.total.minor) <= len(whole.details) // 2, "half a cent for each tier at most"
