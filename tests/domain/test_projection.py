"""Margins before anything is sold: the figures of the complete example, and its thresholds."""

from decimal import Decimal

import pytest

from tallystick.domain.projection import Recommendation, project_api_service, project_custom_code, project_data_processing
from tallystick.values.errors import InvalidInput
from tests.domain.test_rating import d


def test_the_example_of_the_seed() -> None:
    projection = project_api_service(d("50000"), d("0.002"), d("5.0"))
    assert (projection.monthly_cost, projection.monthly_revenue, projection.monthly_profit) == (100, 250, 150)
    assert (projection.quantity, projection.margin_percent, projection.recommendation) == (50000, 60, "Viable")


@pytest.mark.parametrize(
    ("price", "margin", "recommendation"),
    [
        ("2", "50", Recommendation.VIABLE),
        ("1.9999", "50.00", Recommendation.THIN),
        ("1", "0", Recommendation.THIN),
        ("0.9", "-11.11", Recommendation.LOSS),
    ],
)
def test_an_api_service_is_viable_from_half(price: str, margin: str, recommendation: Recommendation) -> None:
    projection = project_api_service(d("1000"), d("0.001"), d(price))
    assert (projection.margin_percent, projection.recommendation) == (d(margin), recommendation)


def test_each_kind_has_its_own_threshold() -> None:
    assert project_custom_code(d("10"), d("30"), d("100")).recommendation is Recommendation.VIABLE
    assert project_custom_code(d("10"), d("30.01"), d("100")).recommendation is Recommendation.THIN
    assert project_data_processing(d("10"), d("0.4"), d("1")).recommendation is Recommendation.VIABLE
    assert project_data_processing(d("10"), d("0.41"), d("1")).recommendation is Recommendation.THIN


def test_nothing_sold_is_no_margin() -> None:
    assert project_api_service(d("0"), d("1"), d("1")).margin_percent == 0
    assert project_api_service(d("5"), d("1"), d("0")).recommendation is Recommendation.LOSS


@pytest.mark.parametrize("figure", ["-1", "NaN", "1e40"])
def test_a_figure_that_cannot_be_is_refused(figure: str) -> None:
    with pytest.raises(InvalidInput):
        project_data_processing(Decimal(figure), d("1"), d("1"))
