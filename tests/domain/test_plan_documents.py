"""Plans and terms as documents: what is written reads as the same, and whatever else comes is refused by its place."""

import math
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.catalog import Price
from tallystick.domain.entitlements import Policy, Quota, Reset
from tallystick.domain.periods import Cadence, Interval, read_cadence
from tallystick.domain.plan_documents import checked_plan, read_plan, read_terms, write_plan, write_terms
from tallystick.domain.plans import ChargeKind, PlanCharge, PlanPrice, PlanVersion, Timing
from tallystick.domain.price_documents import read_price
from tallystick.domain.subscriptions import SEATS_MAX, AddOn, PlanTerms
from tallystick.values.errors import InvalidInput
from tallystick.values.fields import Fields
from tallystick.values.ids import MeterKey
from tallystick.values.json import strict_loads
from tallystick.values.money import EUR, JPY, USD, Currency

KEYS = st.text("abcxyz-_.é日", min_size=1, max_size=12)
NAMES = st.just("") | st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)
CADENCES = st.builds(Cadence, st.sampled_from(Interval), st.integers(1, 1000))
AMOUNTS = st.decimals(0, 10**9, places=4, allow_nan=False).map(str)


@st.composite
def prices(draw: st.DrawFn, currency: Currency) -> Price:
    amount = draw(AMOUNTS)
    model: dict[str, object] = draw(
        st.sampled_from(
            [
                {"model": "flat", "amount": amount},
                {"model": "per_unit", "unit_amount": amount, "included": "10", "maximum_amount": "100"},
                {"model": "package", "package_size": "100", "package_amount": amount, "minimum_amount": "3"},
                {
                    "model": "graduated",
                    "tiers": [{"up_to": "5", "unit_amount": amount, "flat_amount": "1"}, {"up_to": None, "unit_amount": "2"}],
                },
            ]
        )
    )
    return read_price({"currency": currency.code, **model})


@st.composite
def charges(draw: st.DrawFn, key: str) -> PlanCharge:
    kind = draw(st.sampled_from(ChargeKind))
    places = draw(st.lists(st.tuples(st.just(USD), st.none() | CADENCES), max_size=3, unique=True))
    listed = [(USD, None), *(place for place in places if place[1] is not None)]
    own = {ChargeKind.USAGE: Timing.ARREARS, ChargeKind.ONE_TIME: Timing.ADVANCE}
    return PlanCharge(
        key=key,
        kind=kind,
        prices=tuple(PlanPrice(draw(prices(currency)), cadence) for currency, cadence in listed),
        meter_key=MeterKey(draw(KEYS)) if kind is ChargeKind.USAGE else None,
        timing=own[kind] if kind in own else draw(st.sampled_from(Timing)),
        display_name=draw(NAMES),
    )


@st.composite
def plans(draw: st.DrawFn) -> PlanVersion:
    return PlanVersion(
        key=draw(KEYS),
        version=draw(st.integers(1, 9)),
        charges=tuple(draw(charges(key)) for key in draw(st.lists(KEYS, max_size=4, unique=True))),
        cadences=tuple(draw(st.lists(CADENCES, min_size=1, max_size=3, unique=True))),
        quotas=draw(
            st.dictionaries(
                KEYS.map(MeterKey),
                st.builds(
                    Quota,
                    st.none() | st.decimals(0, 10**12, places=3),
                    st.sampled_from(Policy),
                    st.sampled_from(Reset),
                ),
                max_size=3,
            )
        ),
        features=frozenset(draw(st.sets(KEYS, max_size=3))),
        trial=timedelta(days=draw(st.integers(0, 730))),
        add_on=draw(st.booleans()),
        display_name=draw(NAMES),
    )


@given(plans())
def test_a_plan_that_is_written_reads_as_the_same_plan(plan: PlanVersion) -> None:
    assert read_plan(Fields(write_plan(plan)), version=plan.version) == plan
    assert checked_plan(plan) == plan


@st.composite
def terms(draw: st.DrawFn) -> PlanTerms:
    currency = draw(st.sampled_from((EUR, JPY)))
    beside = draw(st.lists(KEYS, max_size=3, unique=True))
    return PlanTerms(
        plan_key=draw(KEYS),
        plan_version=draw(st.integers(1, 10**6)),
        currency=currency,
        cadence=draw(CADENCES),
        seats=draw(st.integers(0, SEATS_MAX)),
        add_ons=tuple(AddOn(key, draw(st.integers(1, 99)), draw(st.integers(1, SEATS_MAX))) for key in beside),
        overrides={key: draw(prices(currency)) for key in draw(st.sets(KEYS, max_size=3))},
    )


@given(terms())
def test_terms_that_are_written_read_as_the_same_terms(agreed: PlanTerms) -> None:
    assert read_terms(write_terms(agreed)) == agreed


FEE = {"key": "base", "kind": "recurring", "prices": [{"currency": "eur", "model": "flat", "amount": "1"}]}
METERED = {"key": "calls", "kind": "usage", "meter": "calls", "prices": [{"currency": "eur", "model": "flat", "amount": "1"}]}
PLAN = {"key": "pro", "charges": [FEE]}
TEXTS = st.text(max_size=9)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(("\ud800", "1e400", "9" * 50)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.integers(), inner, max_size=3),
    max_leaves=8,
)
PLACES = st.sampled_from(
    [("plan", name) for name in ("key", "name", "intervals", "trial_days", "features", "charges", "quotas", "add_on", "new")]
    + [("charge", name) for name in ("key", "kind", "meter", "timing", "name", "prices", "new")]
    + [("price", name) for name in ("currency", "model", "amount", "interval", "new")]
    + [("quota", name) for name in ("meter", "limit", "policy", "reset", "new")]
)


@given(place=PLACES, value=ANYTHING)
def test_whatever_comes_as_a_plan_is_a_plan_or_refused_by_name(place: tuple[str, str], value: object) -> None:
    level, name = place
    changed = {name: value}
    price = {**FEE["prices"][0], **(changed if level == "price" else {})}  # type: ignore[dict-item]
    fee = {**FEE, "prices": [price], **(changed if level == "charge" else {})}
    quota = {"meter": "calls", "limit": "5", **(changed if level == "quota" else {})}
    document = {**PLAN, "charges": [fee], "quotas": [quota], **(changed if level == "plan" else {})}
    try:
        plan = read_plan(Fields(document))
    except InvalidInput:
        return
    assert checked_plan(plan) == plan, "what is taken can be kept"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"trial_days": 10**9}, "trial_days"),
        ({"intervals": ["999999999 years"]}, "intervals"),
        ({"intervals": ["٣ months"]}, "intervals"),
        ({"name": "a\x00b"}, "name"),
        ({"charges": [{**FEE, "name": "\ud800"}]}, "charges[0].name"),
        ({"charges": [{**FEE, "kind": "one_time", "timing": "arrears"}]}, "charges[0].timing"),
        ({"charges": [{**METERED, "timing": "advance"}]}, "charges[0].timing"),
        ({"charges": [FEE, FEE]}, "charges"),
        ({"quotas": [{"meter": "calls", "limit": "5"}, {"meter": "calls", "limit": "7"}]}, "quotas"),
    ],
)
def test_what_makes_no_plan_is_refused_by_its_place(changes: Mapping[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_plan(Fields({**PLAN, **changes}))
    assert refused.value.field == field


def test_a_field_that_is_there_twice_is_no_document() -> None:
    with pytest.raises(InvalidInput):
        strict_loads('{"key": "pro", "key": "starter"}')


@pytest.mark.parametrize(
    "unsayable",
    [
        {"display_name": "x" * 300},
        {"features": frozenset({""})},
        {"trial": timedelta(hours=36)},
    ],
)
def test_a_plan_that_no_document_can_say_is_never_kept(unsayable: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        checked_plan(PlanVersion("pro", 1, (), **unsayable))


def test_a_plan_with_more_charges_than_a_document_holds_is_never_kept() -> None:
    price = PlanPrice(read_price({"currency": "eur", "model": "flat", "amount": "1"}))
    many = tuple(PlanCharge(f"fee-{number}", ChargeKind.RECURRING, (price,)) for number in range(1001))
    with pytest.raises(InvalidInput, match="at most 1000"):
        checked_plan(PlanVersion("pro", 1, many))


@pytest.mark.parametrize("seats", [2.5, "3", True, None, -1, SEATS_MAX + 1, Decimal(2), math.nan])
def test_seats_are_a_whole_number(seats: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        PlanTerms("pro", 1, EUR, read_cadence("month"), seats=seats)
    assert refused.value.field == "seats"
