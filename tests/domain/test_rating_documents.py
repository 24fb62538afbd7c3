"""A rating that was written is read as it was; nothing else is taken for one."""

from typing import Any

import pytest

from tallystick.domain.catalog import Conversion, UnitPrice
from tallystick.domain.rating import rate
from tallystick.domain.rating_documents import read_rating, write_rating
from tallystick.values.errors import InvalidInput
from tallystick.values.money import USD
from tests.domain.test_rating import d

WRITTEN: dict[str, Any] = {
    "currency": "usd",
    "total_minor": 500,
    "exact": "5",
    "true_up": "5/3",
    "details": [
        {"kind": "usage", "tier": None, "quantity": "10/3", "unit_amount": "1", "flat_amount": "0", "amount": "10/3"},
        {"kind": "minimum", "tier": None, "quantity": "1", "unit_amount": "0", "flat_amount": "5/3", "amount": "5/3"},
    ],
}


def test_a_rating_is_written_in_texts_and_whole_numbers_and_read_as_it_was() -> None:
    rating = rate(UnitPrice(d("1"), convert=Conversion(divide_by=d("3")), minimum_amount=d("5"), currency=USD), d("10"))
    assert write_rating(rating) == WRITTEN
    assert read_rating(WRITTEN) == rating
    assert write_rating(read_rating(WRITTEN)) == WRITTEN


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"total_minor": "500"}, "total_minor"),
        ({"total_minor": True}, "total_minor"),
        ({"exact": 5}, "exact"),
        ({"exact": "1/0"}, "exact"),
        ({"exact": "1e3"}, "exact"),
        ({"exact": None}, "exact"),
        ({"details": [{**WRITTEN["details"][0], "kind": "gift"}]}, "details.kind"),
        ({"details": [{**WRITTEN["details"][0], "x": 1}]}, "details.x"),
        ({"x": 1}, "x"),
    ],
)
def test_a_document_that_is_no_rating_is_refused_by_name(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_rating(WRITTEN | wrong)
    assert refused.value.field == field
