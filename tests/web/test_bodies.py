"""The JSON door: what two readers could understand differently is refused, and so is what is too much."""

import asyncio
import json

import pytest
from starlette.requests import Request

from tallystick.values.errors import TooLarge
from tallystick.web import bodies
from tallystick.web.problems import Malformed
from tests.web.world import World, problem

TRAPS = {
    "empty": b"",
    "blank": b" \n",
    "cut": b'{"id": "a"',
    "no json": b"quantity=1",
    "NaN": b'{"quantity": NaN}',
    "Infinity": b'{"quantity": -Infinity}',
    "twice the same name": b'{"id": "a", "id": "b"}',
    "a lone surrogate": b'{"id": "\\ud800"}',
    "a lone surrogate in a name": b'{"\\udfff": 1}',
    "NUL": b'{"id": "a\\u0000b"}',
    "a bare control character": b'{"id": "a\nb"}',
    "not UTF-8": b'{"id": "\xff"}',
    "a surrogate in UTF-8": b'{"id": "\xed\xa0\x80"}',
    "a byte order mark": b'\xef\xbb\xbf{"id": "a"}',
    "101 digits": b'{"quantity": ' + b"9" * 101 + b"}",
    "deep": b"[" * 9 + b"]" * 9,
    "very deep": b"[" * 100_000,
    "two values": b"{} {}",
    "a comment": b"{} // x",
}


@pytest.mark.parametrize("path", ["/v1/events", "/v1/quote", "/v1/invoices", "/v1/invoices/preview", "/v1/api-keys"])
@pytest.mark.parametrize("trap", TRAPS)
def test_what_is_no_json_is_refused_and_not_repeated(asked_world: World, path: str, trap: str) -> None:
    assert problem(asked_world.send(TRAPS[trap], path)) == (400, "malformed_body")


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b'{"customer":"ada","id":"1","meter":"calls","quantity":12345678901234567890123456}', "quantity"),
        (b'{"customer":"ada","id":"1","meter":"calls","quantity":1e400}', "quantity"),
        (b'{"customer":"ada","id":"1","meter":"calls","quantity":12345678901234567.123456789}', "quantity"),
        (b'{"customer":"ada","id":"1","meter":"calls","quantity":"' + b"9" * 5000 + b'"}', "quantity"),
        (b'{"customer":"ada","id":"1","meter":"calls","quantity":"\xd9\xa1"}', "quantity"),
        (b'{"customer":"ada","id":"1","meter":"calls","quantity":" 1"}', "quantity"),
    ],
)
def test_a_number_that_is_not_exact_or_too_great_is_refused_by_its_name(asked_world: World, raw: bytes, field: str) -> None:
    asked_world.with_calls()
    answer = asked_world.send(raw)
    assert (*problem(answer), answer.json()["field"]) == (422, "invalid_input", field)


def test_depth_eight_is_read_and_nine_is_not(asked_world: World) -> None:
    assert problem(asked_world.send(b"[" * 8 + b"]" * 8, "/v1/quote"))[0] == 422
    assert problem(asked_world.send(b"[" * 9 + b"]" * 9, "/v1/quote"))[0] == 400


@pytest.mark.parametrize("path", ["/v1/quote", "/v1/invoices"])
@pytest.mark.parametrize(
    "media_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json-seq", "application/json; charset=latin-1"],
)
def test_a_body_of_another_type_is_refused(asked_world: World, path: str, media_type: str) -> None:
    assert problem(asked_world.send(b"{}", path, media_type)) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
def test_json_may_say_that_it_is_utf_8(asked_world: World, media_type: str) -> None:
    assert problem(asked_world.send(b"{}", "/v1/quote", media_type)) == (422, "invalid_input")


@pytest.mark.parametrize(("path", "kib"), [("/v1/quote", 1024), ("/v1/events", 4096), ("/v1/invoices/preview", 1024)])
def test_a_body_is_read_up_to_its_limit(asked_world: World, path: str, kib: int) -> None:
    at_limit = b'{"x": "' + b"y" * (kib * 1024 - 9) + b'"}'
    assert len(at_limit) == kib * 1024
    assert problem(asked_world.send(at_limit, path))[0] == 422
    assert problem(asked_world.send(at_limit + b" ", path)) == (413, "too_large")


def test_a_length_that_is_said_too_great_is_refused_before_anything_is_read(asked_world: World) -> None:
    def never():
        raise AssertionError("was read")
        yield b""

    headers = {**asked_world.headers, "Content-Type": "application/json", "Content-Length": "99999999999999999999999"}
    assert problem(asked_world.client.post("/v1/quote", content=never(), headers=headers)) == (413, "too_large")


def test_a_thousand_events_are_taken_and_one_more_is_not(asked_world: World) -> None:
    asked_world.with_calls()
    events = [{"customer": "ada", "id": str(n), "meter": "calls", "quantity": 1} for n in range(1001)]
    assert problem(asked_world.call("POST", "/v1/events", events)) == (413, "too_many_events")
    assert asked_world.call("POST", "/v1/events", events[:1000]).json()["recorded"] == 1000
    assert problem(asked_world.call("POST", "/v1/events", [])) == (422, "invalid_input")


def coming(*chunks: bytes, then_waits: bool = False) -> Request:
    """A request whose body comes in these chunks, and then perhaps never ends."""
    waiting = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]

    async def receive() -> dict[str, object]:
        if waiting:
            return waiting.pop(0)
        if then_waits:
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


def test_a_body_in_chunks_is_counted_as_it_comes() -> None:
    with pytest.raises(TooLarge):
        asyncio.run(bodies.read(coming(b"x" * 6, b"x" * 5), 10))


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "READ_S_MAX", 0.05)
    with pytest.raises(Malformed, match="did not arrive"):
        asyncio.run(bodies.read(coming(b"x", then_waits=True), 10))


def test_a_body_that_breaks_off_is_refused() -> None:
    with pytest.raises(Malformed, match="ended before"):
        asyncio.run(bodies.read(coming(b"x"), 10))


SECRETIVE = "4242424242424242 <script>"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/events", {"customer": SECRETIVE, "id": SECRETIVE, "meter": SECRETIVE, "quantity": SECRETIVE}),
        ("POST", "/v1/events", {SECRETIVE: SECRETIVE}),
        ("POST", "/v1/quote", {SECRETIVE: SECRETIVE}),
        ("POST", "/v1/quote", {"price": {SECRETIVE: 1, "model": SECRETIVE}, "quantity": SECRETIVE}),
        ("PUT", "/v1/customers/ada", {SECRETIVE: 1}),
        ("PUT", "/v1/customers/ada", {"email": SECRETIVE}),
        ("PUT", "/v1/meters/a", {"aggregation": SECRETIVE}),
        ("PUT", "/v1/charges/a", {"meter": SECRETIVE, "price": {SECRETIVE: SECRETIVE}}),
        ("POST", "/v1/invoices", {"customer": SECRETIVE, "until": SECRETIVE}),
        ("POST", "/v1/api-keys", {"name": SECRETIVE, "scopes": [SECRETIVE]}),
        ("GET", f"/v1/invoices/{SECRETIVE}", None),
        ("GET", f"/v1/invoices?status={SECRETIVE}&cursor={SECRETIVE}", None),
        ("GET", f"/{SECRETIVE}", None),
    ],
)
def test_a_refusal_never_repeats_what_was_sent(asked_world: World, method: str, path: str, body: object) -> None:
    answer = asked_world.call(method, path, body)
    assert 400 <= problem(answer)[0] < 500
    assert SECRETIVE not in json.loads(answer.text).__repr__()


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/customers/a", {"email": 7}, "email"),
        ("/v1/customers/a", {"email": "nobody"}, "email"),
        ("/v1/customers/a", {"id": "b"}, "id"),
        ("/v1/customers/a", {"provider_ref": "cus_1"}, "provider_ref"),
        ("/v1/meters/a", {"decimals": "6"}, "decimals"),
        ("/v1/meters/a", {"decimals": 13}, "decimals"),
        ("/v1/meters/a", {"aggregation": "sum", "unique_property": "x"}, "unique_property"),
        ("/v1/charges/a", {"meter": "calls", "price": 1}, "price"),
        ("/v1/charges/a", {"meter": "calls", "price": {"currency": "usd", "model": "flat", "amount": 1.5}}, "price.amount"),
        ("/v1/charges/a", {"meter": "nope", "price": {"currency": "usd", "model": "flat", "amount": "1"}}, "meter"),
        ("/v1/meters/" + "x" * 257, {}, "key"),
    ],
)
def test_a_wrong_field_is_named(asked_world: World, path: str, body: object, field: str) -> None:
    answer = asked_world.call("PUT", path, body)
    assert (problem(answer)[0], answer.json()["field"]) == (422, field)
