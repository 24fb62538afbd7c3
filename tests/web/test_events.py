"""Usage over HTTP: each event once, a verdict for each, and nothing said that is not on disk."""

from datetime import timedelta

import pytest

from tests.web.world import JUNE, World, problem


def usage_of(world: World, customer: str = "ada") -> str:
    answer = world.client.get("/v1/usage", params={"customer": customer, "meter": "calls", **JUNE}, headers=world.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["quantity"]


def test_an_event_sent_twice_counts_once(either_world: World) -> None:
    either_world.with_calls()
    first, second = either_world.used("1.25"), either_world.used("1.25")
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json() == {
        "results": [{"id": "e1", "verdict": "recorded", "code": None, "reason": None}],
        "recorded": 1, "duplicate": 0, "conflict": 0, "refused": 0,
    }  # fmt: skip
    assert second.json()["duplicate"] == 1
    assert usage_of(either_world) == "1.25"


def test_an_id_that_says_something_else_is_a_conflict_and_the_first_one_stands(either_world: World) -> None:
    either_world.with_calls()
    either_world.used(1)
    assert problem(either_world.used(2)) == (409, "conflict")
    assert usage_of(either_world) == "1"


def test_in_a_batch_each_event_has_its_verdict_in_the_order_sent(either_world: World) -> None:
    either_world.with_calls()
    event = {"customer": "ada", "meter": "calls", "quantity": 1}
    batch = [
        {**event, "id": "a"},
        {**event},
        {**event, "id": "a"},
        {**event, "id": "b", "meter": "nothing"},
        {**event, "id": "a", "quantity": 2},
        {**event, "id": "c", "quantity": "1e400"},
        7,
        {**event, "id": "d"},
    ]
    answer = either_world.call("POST", "/v1/events", {"events": batch})
    assert answer.status_code == 202
    told = [(result["id"], result["verdict"], result["code"]) for result in answer.json()["results"]]
    assert told == [
        ("a", "recorded", None),
        ("", "refused", "invalid_input"),
        ("a", "duplicate", None),
        ("b", "refused", "unknown_meter"),
        ("a", "conflict", "conflict"),
        ("c", "refused", "invalid_input"),
        ("", "refused", "invalid_input"),
        ("d", "recorded", None),
    ]
    assert {name: answer.json()[name] for name in ("recorded", "duplicate", "conflict", "refused")} == {
        "recorded": 2, "duplicate": 1, "conflict": 1, "refused": 4,
    }  # fmt: skip
    assert usage_of(either_world) == "2"


def test_a_batch_of_bad_events_is_answered_with_verdicts(world: World) -> None:
    answer = world.call("POST", "/v1/events", [{"id": "a"}, {}])
    assert (answer.status_code, answer.json()["refused"]) == (200, 2)


def test_a_customer_comes_into_being_with_the_first_event(world: World) -> None:
    world.with_calls()
    assert world.call("POST", "/v1/events", {"customer": "new", "id": "1", "meter": "calls", "quantity": 3}).status_code == 202
    assert world.call("GET", "/v1/customers/new").json()["email"] is None
    assert usage_of(world, "new") == "3"


BAD = [
    ({"quantity": 1, "id": None}, "id"),
    ({"id": 7}, "id"),
    ({"id": ""}, "id"),
    ({"id": "x" * 257}, "id"),
    ({"id": "a\tb"}, "id"),
    ({"customer": None}, "customer"),
    ({"quantity": None}, "quantity"),
    ({"quantity": 1.5}, "quantity"),
    ({"quantity": True}, "quantity"),
    ({"quantity": "NaN"}, "quantity"),
    ({"quantity": "-1"}, "quantity"),
    ({"quantity": "1.234"}, "quantity"),
    ({"quantity": "1e400"}, "quantity"),
    ({"quantity": "9" * 39}, "quantity"),
    ({"quantity": []}, "quantity"),
    ({"at": "2026-01-01"}, "at"),
    ({"at": "2026-01-01T00:00:00"}, "at"),
    ({"at": "1767225600"}, "at"),
    ({"at": 1767225600}, "at"),
    ({"source": 1}, "source"),
    ({"unit_price": 0.5}, "unit_price"),
    ({"properties": []}, "properties"),
    ({"properties": {"a": 1.5}}, "properties"),
    ({"properties": {"a": {}}}, "properties"),
    ({"properties": {str(n): "" for n in range(51)}}, "properties"),
    ({"price": 1}, "price"),
]


@pytest.mark.parametrize(("wrong", "field"), BAD, ids=[f"{field}-{place}" for place, (_, field) in enumerate(BAD)])
def test_one_bad_event_is_refused_by_the_name_of_its_field(world: World, wrong: dict[str, object], field: str) -> None:
    world.with_calls()
    answer = world.call("POST", "/v1/events", {"customer": "ada", "id": "1", "meter": "calls", "quantity": 1} | wrong)
    assert problem(answer) == (422, "invalid_input")
    assert answer.json()["field"] == field
    assert usage_of(world) == "0"


@pytest.mark.parametrize(
    ("shift", "status"),
    [
        (timedelta(minutes=5), 202),
        (timedelta(minutes=5, microseconds=1), 422),
        (timedelta(days=-35), 202),
        (timedelta(days=-35, microseconds=-1), 422),
    ],
)
def test_an_event_is_taken_from_35_days_back_to_5_minutes_ahead(world: World, shift: timedelta, status: int) -> None:
    world.with_calls()
    assert world.used(1, at=(world.clock.now() + shift).isoformat()).status_code == status


def test_properties_are_kept_up_to_32_kib(world: World) -> None:
    world.with_calls()
    assert world.used(1, id="a", properties={"p": "x" * (32 * 1024 - 1)}).status_code == 202
    assert problem(world.used(1, id="b", properties={"p": "x" * 32 * 1024})) == (422, "invalid_input")


def test_an_event_is_read_back_as_it_was_recorded(world: World) -> None:
    world.with_calls()
    world.used("2.50", id="a/b ü", source="urn:shop/eu", properties={"model": "x", "tokens": 12, "cached": True})
    asked = "/v1/events/urn:shop%2Feu/a%2Fb%20%C3%BC?customer=ada"
    assert world.call("GET", asked).json() == {
        "customer": "ada",
        "source": "urn:shop/eu",
        "id": "a/b ü",
        "meter": "calls",
        "quantity": "2.5",
        "at": "2026-01-01T00:00:00Z",
        "unit_price": None,
        "properties": {"model": "x", "tokens": "12", "cached": "true"},
        "amendment": None,
    }


@pytest.mark.parametrize("path", ["/v1/events/api/nope?customer=ada", "/v1/events/api/e1?customer=eve"])
def test_what_is_not_there_and_what_is_not_theirs_look_alike(world: World, path: str) -> None:
    world.with_calls()
    world.used(1)
    answer = world.call("GET", path)
    assert problem(answer) == (404, "not_found")
    assert answer.json()["detail"] == "event: there is no such event"


@pytest.mark.parametrize(
    "path", ["/v1/events/%00/a?customer=ada", "/v1/events/a/%E2%80?customer=ada", "/v1/events/a/b?customer=%00"]
)
def test_a_name_that_nothing_can_have_is_refused_or_not_found(world: World, path: str) -> None:
    assert world.call("GET", path).status_code in {404, 422}


def test_events_are_listed_page_by_page_in_the_order_of_their_time(either_world: World) -> None:
    either_world.with_calls()
    for n in range(5):
        either_world.used(n, id=f"e{n}", at=(either_world.clock.now() - timedelta(minutes=n % 3)).isoformat())
    seen, cursor = [], ""
    while cursor is not None:
        answer = either_world.call("GET", f"/v1/events?customer=ada&limit=2{cursor and '&cursor=' + cursor}").json()
        seen += [event["id"] for event in answer["data"]]
        cursor = answer["next_cursor"]
        assert answer["has_more"] is (cursor is not None)
    assert seen == ["e2", "e1", "e4", "e0", "e3"]


def test_a_list_of_events_may_be_of_one_meter_and_one_span(world: World) -> None:
    world.with_calls()
    world.used(1)
    assert len(world.call("GET", "/v1/events?customer=ada&meter=calls&from=2026-01-01T00:00:00Z").json()["data"]) == 1
    assert world.call("GET", "/v1/events?customer=ada&until=2026-01-01T00:00:00Z").json()["data"] == []
    assert world.call("GET", "/v1/events?customer=ada&meter=other").json()["data"] == []
    backwards = "/v1/events?customer=ada&from=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z"
    assert problem(world.call("GET", backwards)) == (422, "invalid_input")


def test_usage_needs_a_known_customer_a_known_meter_and_at_most_400_days(world: World) -> None:
    world.with_calls()
    assert problem(world.call("GET", "/v1/usage?customer=eve&meter=calls&from=2025-12-01T00:00:00Z")) == (404, "not_found")
    assert problem(world.call("GET", "/v1/usage?customer=ada&meter=nope&from=2025-12-01T00:00:00Z")) == (404, "not_found")
    span = "/v1/usage?customer=ada&meter=calls&from=2025-01-01T00:00:00Z&until="
    assert world.call("GET", span + "2026-02-05T00:00:00Z").status_code == 200
    assert problem(world.call("GET", span + "2026-02-05T00:00:01Z")) == (422, "invalid_input")
    assert problem(world.call("GET", "/v1/usage?customer=ada&meter=calls&from=yesterday")) == (422, "invalid_input")
