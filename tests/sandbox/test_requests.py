"""How requests are read and refused: keys, parameters, references, pages and expansions."""

from typing import Any

import pytest
import stripe

from tallystick.sandbox import InProcessClient, Sandbox


@pytest.mark.parametrize("key", ["sk_live_x123", "nonsense", "sk_test_"])
def test_only_test_keys_are_let_in(world: Any, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError) as refused:
        world.client(key).v1.customers.list()
    assert refused.value.http_status == 401


def test_without_a_key_it_is_401(world: Any) -> None:
    assert world.sandbox.handle("GET", "/v1/customers", headers={}).status == 401
    basic = {"Authorization": "Basic c2tfdGVzdF9zYW5kYm94Og=="}
    assert world.sandbox.handle("GET", "/v1/customers", headers=basic).status == 200


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"currency": "usd"}, "parameter_missing", "amount"),
        ({"amount": 500}, "parameter_missing", "currency"),
        ({"amount": 500, "currency": "usd", "colour": "red"}, "parameter_unknown", "colour"),
        ({"amount": 500, "currency": "usd", "shipping": {"x": 1}}, "parameter_unknown", "shipping[x]"),
        ({"amount": "many", "currency": "usd"}, "parameter_invalid_integer", "amount"),
        ({"amount": 0, "currency": "usd"}, "parameter_invalid_integer", "amount"),
        ({"amount": 500, "currency": "xxx"}, None, "currency"),
        ({"amount": 500, "currency": "usd", "capture_method": "slow"}, None, "capture_method"),
        ({"amount": 500, "currency": "usd", "confirm": "yes"}, None, "confirm"),
        ({"amount": 500, "currency": "usd", "customer": "cus_none"}, "resource_missing", "customer"),
        ({"amount": 500, "currency": "usd", "off_session": True}, None, "off_session"),
        ({"amount": 500, "currency": "usd", "payment_method_types": ["card"]}, "payment_method_types_no_longer_supported", None),
        ({"amount": 100_000_000, "currency": "usd"}, "amount_too_large", "amount"),
        ({"amount": 550, "currency": "isk"}, None, "amount"),
        ({"amount": 500, "currency": "usd", "metadata": {"k" * 41: "v"}}, None, f"metadata[{'k' * 41}]"),
    ],
)
def test_a_wrong_parameter_is_named(world: Any, params: Any, code: str | None, param: str | None) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.v1.payment_intents.create(params)
    assert (refused.value.http_status, refused.value.code) == (400, code)
    assert param is None or refused.value.param == param
    assert world.v1.payment_intents.list().data == []


def test_what_the_path_names_and_is_not_there_is_404(world: Any) -> None:
    for read in (world.v1.customers, world.v1.payment_intents, world.v1.invoices, world.v1.prices, world.v1.payment_methods):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            read.retrieve("nobody_1")
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_an_unknown_path_is_404(world: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        world.v1.tax_rates.list()
    assert refused.value.http_status == 404
    assert "Unrecognized request URL (GET: /v1/tax_rates)" in str(refused.value)


def test_what_is_not_covered_is_refused_and_not_ignored(world: Any) -> None:
    ada = world.customer()
    for params in ({"discounts": [{"coupon": "x"}]}, {"automatic_tax": {"enabled": True}}):
        with pytest.raises(stripe.InvalidRequestError, match="does not cover"):
            world.v1.invoices.create({"customer": ada.id, **params})


def test_metadata_is_merged_and_cleared(world: Any) -> None:
    ada = world.customer(metadata={"a": "1", "b": "2"})
    assert world.v1.customers.update(ada.id, {"metadata": {"b": "", "c": "3"}}).metadata.to_dict() == {"a": "1", "c": "3"}
    assert world.v1.customers.update(ada.id, {"metadata": ""}).metadata.to_dict() == {}
    assert world.v1.customers.update(ada.id, {"name": "Ada"}).name == "Ada"
    assert world.v1.customers.update(ada.id, {"name": ""}).name is None


def test_a_list_is_walked_newest_first(world: Any) -> None:
    made = [world.customer(name=str(number)).id for number in range(25)]
    walked = [customer.id for customer in world.v1.customers.list({"limit": 10}).auto_paging_iter()]
    assert walked == made[::-1]
    first = world.v1.customers.list()
    assert (len(first.data), first.has_more, first.url) == (10, True, "/v1/customers")
    before = world.v1.customers.list({"ending_before": made[20], "limit": 3})
    assert ([customer.id for customer in before.data], before.has_more) == (made[23:20:-1], True)
    last = world.v1.customers.list({"starting_after": made[3], "limit": 3})
    assert ([customer.id for customer in last.data], last.has_more) == (made[2::-1], False)


@pytest.mark.parametrize("params", [{"limit": 0}, {"limit": 101}, {"starting_after": "cus_none"}])
def test_a_page_has_its_limits(world: Any, params: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        world.v1.customers.list(params)


def test_lists_are_filtered(world: Any) -> None:
    start = int(world.clock.now().timestamp())
    ada, bob = world.customer(email="ada@x.test"), world.customer(email="bob@x.test")
    world.clock.move(hours=1)
    eve = world.customer(email="ada@x.test")
    found = world.v1.customers.list({"email": "ada@x.test"}).data
    assert [customer.id for customer in found] == [eve.id, ada.id]
    later = world.v1.customers.list({"created": {"gte": start + 3600}}).data
    assert [customer.id for customer in later] == [eve.id]
    earlier = world.v1.customers.list({"created": {"lt": start + 3600}}).data
    assert [customer.id for customer in earlier] == [bob.id, ada.id]
    assert len(world.v1.customers.list({"created": start}).data) == 2


def test_ids_are_expanded_along_paths(world: Any) -> None:
    ada = world.customer()
    intent = world.pays("pm_card_visa", customer=ada.id)
    assert isinstance(intent.latest_charge, str)
    again = world.v1.payment_intents.retrieve(intent.id, {"expand": ["customer", "latest_charge.balance_transaction.source"]})
    assert (again.customer.id, again.latest_charge.balance_transaction.source.id) == (ada.id, intent.latest_charge)
    listed = world.v1.payment_intents.list({"expand": ["data.customer", "data.latest_charge.payment_intent"]}).data[0]
    assert (listed.customer.id, listed.latest_charge.payment_intent.id) == (ada.id, intent.id)


@pytest.mark.parametrize("path", ["amount", "nothing", "customer.email", "a.b.c.d.e"])
def test_what_cannot_be_expanded_is_refused(world: Any, path: str) -> None:
    intent = world.pays("pm_card_visa", customer=world.customer().id)
    with pytest.raises(stripe.InvalidRequestError, match="expand"):
        world.v1.payment_intents.retrieve(intent.id, {"expand": [path]})


def test_the_same_seed_and_calls_give_the_same_bytes(world: Any) -> None:
    def story(seed: int) -> list[bytes]:
        sandbox = Sandbox(clock=world.clock, seed=seed)
        v1 = stripe.StripeClient("sk_test_sandbox", http_client=InProcessClient(sandbox)).v1
        ada = v1.customers.create({"name": "Ada"}, {"idempotency_key": "a"})
        v1.payment_intents.create({"amount": 500, "currency": "usd", "customer": ada.id}, {"idempotency_key": "b"})
        headers = {"Authorization": "Bearer sk_test_sandbox"}
        paths = ("/v1/customers", "/v1/payment_intents", "/v1/events")
        return [sandbox.handle("GET", path, headers=headers).body for path in paths]

    assert story(1) == story(1)
    assert story(1) != story(2)
