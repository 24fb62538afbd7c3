"""CloudEvents 1.0, structured: one, or a batch, by their content types or among plain events."""

import json

import pytest

from tests.web.world import World, problem

ONE, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/shop/eu",
    "subject": "ada",
    "type": "calls",
    "time": "2026-01-01T00:00:00Z",
    "datacontenttype": "application/json",
    "traceparent": "00-1-2-01",
    "data": {"quantity": "1.5", "model": "x"},
}


def posted(world: World, body: object, media_type: str = ONE) -> tuple[int, dict]:
    answer = world.send(json.dumps(body).encode(), media_type=media_type)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (EVENT, ONE),
        ([EVENT], BATCH),
        (EVENT, "application/json"),
        ([EVENT], "application/json"),
        ({"events": [EVENT]}, "application/json"),
    ],
)
def test_a_cloud_event_is_taken_in_every_form(world: World, body: object, media_type: str) -> None:
    world.with_calls()
    assert posted(world, body, media_type)[0] == 202
    kept = world.call("GET", "/v1/events/%2Fshop%2Feu/1?customer=ada").json()
    assert (kept["quantity"], kept["meter"], kept["properties"]) == ("1.5", "calls", {"model": "x"})


def test_the_quantity_may_be_called_value_and_the_time_may_be_now(world: World) -> None:
    world.with_calls()
    event = {name: value for name, value in EVENT.items() if name != "time"} | {"data": {"value": 2}}
    assert posted(world, event)[0] == 202
    assert world.call("GET", "/v1/events/%2Fshop%2Feu/1?customer=ada").json()["at"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"source": None}, "source"),
        ({"subject": None}, "subject"),
        ({"type": 3}, "type"),
        ({"time": "soon"}, "time"),
        ({"data": None}, "data"),
        ({"data": "text"}, "data"),
        ({"data": {}}, "data.quantity"),
        ({"data": {"quantity": 1, "value": 1}}, "data.quantity"),
        ({"data": {"quantity": 1.5}}, "data.quantity"),
        ({"data": {"value": "x"}}, "data.value"),
        ({f"ext{n}": n for n in range(21)}, None),
        ({"ext": {"nested": True}}, None),
        ({"ext": "x" * 1025}, None),
    ],
)
def test_a_wrong_cloud_event_is_refused_by_the_name_of_its_field(world: World, wrong: dict, field: str | None) -> None:
    world.with_calls()
    status, body = posted(world, EVENT | wrong)
    assert (status, body.get("field")) == (422, field)


@pytest.mark.parametrize(
    ("body", "media_type"), [([EVENT], ONE), (EVENT, BATCH), (7, ONE), ("x", "application/json"), (None, BATCH)]
)
def test_the_body_must_be_what_its_type_says(world: World, body: object, media_type: str) -> None:
    assert problem(world.send(json.dumps(body).encode(), media_type=media_type)) == (422, "invalid_input")
