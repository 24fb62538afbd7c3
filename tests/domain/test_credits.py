"""Which grants pay first, that they never pay too much, and how what they hold is booked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.credits import Burn, CreditGrant, GrantKind, book_expiry, book_grant, burn, expired, grant_id
from tallystick.domain.ledger import Account
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId, GrantId
from tallystick.values.money import EUR, USD, Money, currency

NOW = datetime(2025, 2, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ADA = CustomerId("ada")


def a_grant(name: str, minor: int = 10_00, **facts) -> CreditGrant:
    amount = Money(minor, facts.pop("of", EUR))
    said = {"remaining": amount, "kind": GrantKind.PREPAID, "priority": 0, "name": name, "granted_at": NOW - DAY}
    return CreditGrant(GrantId(name), ADA, amount, **said | facts)


def burned(grants: list[CreditGrant], due: int, *, now: datetime = NOW) -> dict[str, int]:
    return {each.grant_id: each.amount.minor for each in burn(grants, Money(due, EUR), now=now)}


def test_grants_pay_in_one_order() -> None:
    """By priority, then what ends first, then what was given, then the oldest; an id decides between twins."""
    order = [
        a_grant("urgent", priority=-1),
        a_grant("ends tomorrow", expires_at=NOW + DAY),
        a_grant("ends later, given", expires_at=NOW + 2 * DAY, kind=GrantKind.PROMOTIONAL),
        a_grant("ends later, paid", expires_at=NOW + 2 * DAY),
        a_grant("given", kind=GrantKind.PROMOTIONAL, granted_at=NOW - DAY / 2),
        a_grant("old", granted_at=NOW - 2 * DAY),
        a_grant("twin a"),
        a_grant("twin b"),
        a_grant("last", priority=1, expires_at=NOW + DAY / 2, kind=GrantKind.PROMOTIONAL),
    ]
    for one in (order, order[::-1], order[3:] + order[:3]):
        assert [*burned(one, 90_00)] == [grant.name for grant in order]


def test_no_more_is_burned_than_is_due_or_remains() -> None:
    grants = [a_grant("a", remaining=Money(3_00, EUR)), a_grant("b"), a_grant("spent", remaining=Money(0, EUR), priority=-5)]
    assert burned(grants, 5_00) == {"a": 3_00, "b": 2_00}
    assert burned(grants, 3_00) == {"a": 3_00}
    assert burned(grants, 99_00) == {"a": 3_00, "b": 10_00}
    assert burned(grants, 0) == burned(grants, -5_00) == burned([], 5_00) == {}


def test_what_has_expired_or_is_of_another_currency_pays_nothing() -> None:
    ending = a_grant("a", expires_at=NOW)
    assert expired(ending, NOW)
    assert not expired(ending, NOW - timedelta(microseconds=1))
    assert burned([ending], 5_00) == {}
    assert burned([ending], 5_00, now=NOW - timedelta(microseconds=1)) == {"a": 5_00}
    assert burned([a_grant("dollars", of=USD)], 5_00) == {}


some_grants = st.lists(
    st.builds(
        lambda n, minor, left, kind, priority, days: a_grant(
            f"{n}", minor, remaining=Money(left * minor // 10, EUR), kind=kind, priority=priority,
            expires_at=None if days is None else NOW + DAY * days,
        ),
        st.integers(0, 99), st.integers(1, 10**6), st.integers(0, 10), st.sampled_from(GrantKind), st.integers(-1, 1),
        st.none() | st.integers(0, 3),
    ),
    max_size=6, unique_by=lambda grant: grant.id,
)  # fmt: skip


@given(grants=some_grants, due=st.integers(-5, 3 * 10**6))
def test_grants_pay_all_that_is_due_or_all_that_they_hold(grants: list[CreditGrant], due: int) -> None:
    found = burned(grants, due)
    remaining = {grant.id: grant.remaining.minor for grant in grants if not expired(grant, NOW)}
    assert sum(found.values()) == max(0, min(due, sum(remaining.values())))
    assert all(0 < minor <= remaining[GrantId(name)] for name, minor in found.items())
    for order in list(permutations(grants))[:5]:
        assert burned(list(order), due) == found


def test_a_grant_is_booked_by_where_it_came_from_and_an_expiry_takes_it_back() -> None:
    for kind, source, goes_to in (
        (GrantKind.PREPAID, Account.EXTERNAL, Account.REVENUE),
        (GrantKind.PROMOTIONAL, Account.PROMOTIONS, Account.PROMOTIONS),
    ):
        grant = a_grant("a", kind=kind)
        booked = book_grant(grant)
        assert [(e.account, e.amount.minor) for e in booked.entries] == [(source, 10_00), (Account.CREDITS, -10_00)]
        assert (booked.kind, booked.subject, booked.at) == ("credit.granted", "a", grant.granted_at)
        lost = book_expiry(grant, Money(4_00, EUR), part=3, at=NOW)
        assert [(e.account, e.amount.minor) for e in lost.entries] == [(Account.CREDITS, 4_00), (goes_to, -4_00)]
        assert lost.id != book_expiry(grant, Money(4_00, EUR), part=4, at=NOW).id


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"minor": 0}, "amount"),
        ({"minor": -5}, "amount"),
        ({"minor": 10**15 + 1}, "amount"),
        ({"minor": 150, "of": currency("isk")}, "amount"),
        ({"priority": 10**6 + 1}, "priority"),
        ({"expires_at": NOW - DAY}, "expires_at"),
    ],
)
def test_what_is_no_grant_is_refused_by_field(wrong: dict, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        a_grant("a", **wrong)
    assert refused.value.field == field


def test_an_operation_is_one_grant_of_its_customer() -> None:
    assert grant_id(ADA, "op") == grant_id(ADA, "op") != grant_id(CustomerId("ben"), "op")
    assert Burn(GrantId("a"), Money(1, EUR)) != Burn(GrantId("b"), Money(1, EUR))
    assert replace(a_grant("a"), remaining=Money(0, EUR)).amount == Money(10_00, EUR)
