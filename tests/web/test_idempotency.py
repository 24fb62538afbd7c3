"""`Idempotency-Key`: the same request is done once, however often and from wherever it comes."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.web.world import World, problem

ORDER = {"customer": "ada"}


def with_usage(world: World) -> None:
    world.with_calls()
    world.used(500)
    world.up_for(1)


def test_the_same_request_is_answered_as_it_was(either_world: World) -> None:
    with_usage(either_world)
    first, second = (either_world.call("POST", "/v1/invoices", ORDER, Idempotency_Key="k1") for _ in range(2))
    assert len(first.json()["data"]) == 1
    assert (second.status_code, second.text) == (201, first.text)
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"


def test_the_same_key_for_something_else_is_refused(either_world: World) -> None:
    with_usage(either_world)
    either_world.call("POST", "/v1/invoices", ORDER, Idempotency_Key="k1")
    other = either_world.call("POST", "/v1/invoices", ORDER | {"until": "2026-01-01T00:30:00Z"}, Idempotency_Key="k1")
    assert problem(other) == (409, "idempotency_key_reused")
    route = either_world.call("POST", "/v1/api-keys", {"name": "x", "scopes": ["admin"]}, Idempotency_Key="k1")
    assert problem(route) == (409, "idempotency_key_reused")


def test_eight_at_once_are_one_effect(either_world: World) -> None:
    with_usage(either_world)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(either_world.call, "POST", "/v1/invoices", ORDER, Idempotency_Key="k8") for _ in range(8)]
        answers = [one.result() for one in asked]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7
    assert len(either_world.call("GET", "/v1/invoices").json()["data"]) == 1


def test_eight_keys_made_at_once_under_one_name_are_one(either_world: World) -> None:
    body = {"name": "once", "scopes": ["usage:read"]}
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(either_world.call, "POST", "/v1/api-keys", body, Idempotency_Key="k8") for _ in range(8)]
        answers = [one.result().json() for one in asked]
    assert len({answer["key_id"] for answer in answers}) == 1
    assert sum(answer["token"] is not None for answer in answers) == 1


def test_a_request_that_fails_keeps_no_key(either_world: World) -> None:
    assert problem(either_world.call("POST", "/v1/invoices", ORDER, Idempotency_Key="k")) == (404, "not_found")
    with_usage(either_world)
    late = ORDER | {"until": "2030-01-01T00:00:00Z"}
    assert problem(either_world.call("POST", "/v1/invoices", late, Idempotency_Key="k")) == (422, "invalid_input")
    assert len(either_world.call("POST", "/v1/invoices", ORDER, Idempotency_Key="k").json()["data"]) == 1


@pytest.mark.parametrize(("key", "status"), [("x" * 255, 201), ("x" * 256, 422), (" ~", 201), ("ä", 422), ("a\tb", 422)])
def test_a_key_is_1_to_255_printable_ascii_characters(world: World, key: str, status: int) -> None:
    world.with_calls()
    answer = world.client.post(
        "/v1/invoices", json=ORDER, headers=[*world.headers.items(), ("Idempotency-Key", key.encode("latin-1"))]
    )
    assert answer.status_code == status, answer.text
