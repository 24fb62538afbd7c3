"""The catalogue is what the document says; applied again there is nothing to do, and what was redeemed keeps its terms."""

import tomllib
from collections.abc import Iterator

import pytest

from tallystick.app import Tallystick
from tallystick.testing import FakeClock, SeededIds
from tallystick.values.errors import Conflict, InvalidInput

DOCUMENT = """
[[meters]]
key = "tokens"

[[charges]]
key = "tokens"
meter = "tokens"
price = {currency = "eur", model = "per_unit", unit_amount = "0.01"}

[[coupons]]
key = "EARLYBIRD30"
name = "Early bird"
percent = "30"
duration = "months"
months = 3
codes = [{code = "early", max_redemptions = 100, expires_at = 2026-06-30T00:00:00Z}]

[[coupons]]
key = "LAUNCH2025"
amounts = {eur = "50.00"}
max_redemptions = 2
"""


def document(**changes: str) -> dict[str, object]:
    """The document, with other texts in the place of some."""
    said = DOCUMENT
    for old, new in changes.values():
        assert old in said
        said = said.replace(old, new)
    return tomllib.loads(said, parse_float=str)


@pytest.fixture
def billing(database_url: str) -> Iterator[Tallystick]:
    app = Tallystick.from_url(database_url, clock=FakeClock(), ids=SeededIds())
    yield app
    app.close()


def test_a_document_is_applied_once(billing: Tallystick) -> None:
    would = billing.apply_catalogue(document(), dry_run=True)
    assert billing.coupons() == billing.charges() == {}
    done = billing.apply_catalogue(document())
    assert done == would
    assert [(change.kind, change.key) for change in done] == [
        ("meter", "tokens"),
        ("charge", "tokens"),
        ("coupon", "EARLYBIRD30"),
        ("coupon", "LAUNCH2025"),
        ("promotion_code", "EARLY"),
    ]
    assert billing.apply_catalogue(document()) == []
    assert [entry.act.action for entry in billing.audit()][:2] == ["promotion_code.put", "coupon.put"]


def test_what_a_document_does_not_name_stays(billing: Tallystick) -> None:
    billing.apply_catalogue(document())
    billing.apply_catalogue({"coupons": [{"key": "OTHER", "percent": "5", "codes": [{"code": "FIVE"}]}]})
    assert [*billing.coupons()] == ["EARLYBIRD30", "LAUNCH2025", "OTHER"]
    assert [code.code for code in billing.promotion_codes()] == ["EARLY", "FIVE"]


def test_what_was_redeemed_keeps_its_terms_and_a_dry_run_says_so(billing: Tallystick) -> None:
    billing.apply_catalogue(document())
    change = ('percent = "30"', 'percent = "40"')
    [planned] = billing.apply_catalogue(document(percent=change), dry_run=True)
    assert (planned.before, planned.after) == (planned.before | {"percent": "30"}, planned.before | {"percent": "40"})
    billing.redeem("ada", "early")
    for dry_run in (True, False):
        with pytest.raises(Conflict, match="make another coupon"):
            billing.apply_catalogue(document(percent=change), dry_run=dry_run)
    renamed = document(name=("Early bird", "Bird"), codes=("max_redemptions = 100", "max_redemptions = 10"))
    assert [change.kind for change in billing.apply_catalogue(renamed)] == ["coupon", "promotion_code"]
    assert billing.discounts("ada")[0].coupon.display_name == "Early bird", "as it was redeemed"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"coupons": [{"key": "A", "percent": "1"}, {"key": "A", "percent": "2"}]}, "coupons"),
        ({"coupons": [{"key": "A", "percent": "1", "codes": [{"code": "x"}, {"code": "X"}]}]}, "coupons"),
        ({"coupons": [{"key": "A"}]}, "coupons[0].percent"),
        ({"coupons": [{"key": "A", "percent": "1", "amount": "1"}]}, "coupons[0].amount"),
        ({"coupons": ["A"]}, "coupons[0]"),
        ({"coupons": {}}, "coupons"),
        ({"meters": [{"key": "a"}, {"key": "a"}]}, "meters"),
    ],
)
def test_a_wrong_document_changes_nothing(billing: Tallystick, wrong: dict, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        billing.apply_catalogue(document() | wrong)
    assert refused.value.field == field
    assert billing.meters() == {}
