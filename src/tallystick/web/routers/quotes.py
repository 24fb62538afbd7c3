"""What a price makes of a quantity, and a period of an amount: asked, not kept."""

from typing import Annotated, Any

from fastapi import Body

from tallystick.domain.quotes import answer_proration, answer_quote
from tallystick.web.door import Scope, router
from tallystick.web.security import needs

routes = router("quotes")
_QUOTE = {
    "id": "a",
    "price": {"currency": "usd", "model": "per_unit", "unit_amount": "0.01", "included": "10000"},
    "quantity": "10001",
}
_PRORATION = {
    "amount": "30.00",
    "currency": "usd",
    "full_period": ["2026-01-01", "2026-02-01"],
    "service_period": ["2026-01-16", "2026-02-01"],
    "convention": "day",
}
_Answer = dict[str, Any]


@routes.post("/v1/quote", dependencies=[needs(Scope.USAGE_READ)], summary="What a price makes of a quantity")
def quote(question: Annotated[dict[str, Any], Body(examples=[_QUOTE])]) -> _Answer:
    """The same question and answer as `tallystick quote` has, line by line."""
    return answer_quote(question)


@routes.post("/v1/prorate", dependencies=[needs(Scope.USAGE_READ)], summary="What a part of a period is worth")
def prorate(question: Annotated[dict[str, Any], Body(examples=[_PRORATION])]) -> _Answer:
    """The same question and answer as `tallystick prorate` has."""
    return answer_proration(question)
