"""News comes in any order, and as often as it likes: what we end with is how things stand at the provider."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.domain.ledger import Account
from tallystick.domain.payments import Method
from tallystick.storage import disputes
from tallystick.values.money import USD
from tests.scenarios.world import World

PRICE = {"model": "per_unit", "currency": "usd", "unit_amount": "1"}
Posted = tuple[dict[str, str], bytes]

# What happens at the provider, in this order; nobody tells us before the end.
CARDS = ("pm_card_visa", "pm_card_createDispute", "pm_card_refundFail", "pm_card_chargeCustomerFail")
ENDS = ("refund", "winning_evidence", "losing_evidence", "cancel", "nothing")
lives = st.tuples(st.sampled_from(list(Method)), st.sampled_from(CARDS), st.sampled_from(ENDS))


def lived(world: World, method: Method, card: str, end: str) -> list[Posted]:
    """The life of one invoice at the provider; every piece of news of it, undelivered."""
    world.sells("calls", PRICE)
    world.uses("ada", "calls", 100)
    world.later(minutes=1)
    invoice = world.bill("ada", method=method, automatic=False)
    world.works()
    ref = world.payment(invoice).ref
    if end == "cancel":
        world.sandbox_call("POST", f"/v1/payment_intents/{ref}/cancel" if method is Method.INTENT else f"/v1/invoices/{ref}/void")
    else:
        world.pays(invoice, card)
        world.sandbox.catch_up()
    paid = [charge for charge in world.sandbox_call("GET", "/v1/charges")["data"] if charge["status"] == "succeeded"]
    if end == "refund" and paid and card != "pm_card_createDispute":
        world.sandbox_call("POST", "/v1/refunds", charge=paid[0]["id"], amount=1000)
    for dispute in world.sandbox_call("GET", "/v1/disputes")["data"]:
        if end.endswith("evidence"):
            world.sandbox_call("POST", f"/v1/disputes/{dispute['id']}", evidence__uncategorized_text=end)
    world.later(hours=2)  # a refund that fails has failed by now
    return undelivered(world)


def undelivered(world: World) -> list[Posted]:
    found: list[Posted] = []

    def post(_url: str, headers: dict[str, str], body: bytes) -> int:
        found.append((headers, body))
        return 200

    world.sandbox.webhooks.deliver_due(post)
    return found


def ours(world: World) -> dict[str, object]:
    (invoice,) = world.billing.invoices()
    with world.billing.context.database.reading() as conn:
        taken = [(found.ref, found.status.value, found.withdrawn) for found in disputes.page(conn, limit=10)]
    refunds = world.billing.refunds_of(invoice)
    back = [(refund.ref, "succeeded", refund.amount.minor) for refund in refunds if refund.status.value == "succeeded"]
    cash = world.balance(Account.CASH, USD).minor
    return {"invoice": invoice.status.value, "disputes": taken, "refunds": back, "cash": cash}


def theirs(world: World) -> dict[str, object]:
    """Said anew from the provider's own objects."""
    statuses = {"needs_response": "needs_response", "under_review": "under_review", "won": "won", "lost": "lost"}
    taken = [
        (doc["id"], statuses[doc["status"]], doc["status"] != "won") for doc in world.sandbox_call("GET", "/v1/disputes")["data"]
    ]
    # Of one that has failed before we heard of it, nothing need be written: no money has moved.
    made = world.sandbox_call("GET", "/v1/refunds")["data"]
    back = [(doc["id"], doc["status"], doc["amount"]) for doc in made if doc["status"] == "succeeded"]
    charged = sum(doc["amount"] for doc in world.sandbox_call("GET", "/v1/charges")["data"] if doc["status"] == "succeeded")
    gone = sum(amount for _, _, amount in back) + sum(charged for _, _, is_gone in taken if is_gone)
    return {"invoice": "paid" if charged else "open", "disputes": taken, "refunds": back, "cash": charged - gone}


@given(life=lives, data=st.data())
@settings(max_examples=12, deadline=None)
def test_any_order_and_any_repetition_ends_in_the_providers_truth(life: tuple[Method, str, str], data: st.DataObject) -> None:
    world = World("sqlite://")
    news = lived(world, *life)
    order = data.draw(st.permutations(range(len(news))), label="order")
    again = data.draw(st.lists(st.integers(0, len(news) - 1), max_size=6), label="again")
    pauses = data.draw(st.sets(st.integers(0, len(order))), label="works after")
    for place, number in enumerate([*order, *again]):
        headers, body = news[number]
        assert json.loads(body)["object"] == "event"
        world.billing.receive(body, resigned(world, headers, body))
        if place in pauses:
            world.works()
    for _ in range(3):
        world.later(hours=1).works()
    assert ours(world) == theirs(world)
    world.proves()
    world.billing.close()


def resigned(world: World, headers: dict[str, str], body: bytes) -> dict[str, str]:
    """Stripe signs anew each time it sends."""
    from tallystick.sandbox.webhooks import signature

    with world.sandbox.state.transaction():
        (endpoint,) = world.sandbox.state.scan("webhook_endpoint")
    return {**headers, "Stripe-Signature": signature(body, endpoint["_secret"], int(world.clock.now().timestamp()))}
