"""JSON lines in, JSON lines out: good lines are answered, bad ones too, and nothing ends in a traceback."""

import json
from collections.abc import Callable
from io import BytesIO, StringIO
from random import Random
from typing import Any, BinaryIO, TextIO

import pytest

from tallystick.cli.quote import LINE_BYTES_MAX, periods, prorate, quote
from tests.domain.price_cases import random_case

GOOD = b'{"id":"a","price":{"currency":"usd","model":"per_unit","unit_amount":"0.5"},"quantity":"3"}'


def answered(lines: bytes, run: Callable[[BinaryIO, TextIO], int] = quote) -> tuple[int, list[dict[str, Any]]]:
    out = StringIO()
    return run(BytesIO(lines), out), [json.loads(line) for line in out.getvalue().splitlines()]


def test_every_question_has_its_answer_in_order() -> None:
    code, answers = answered(GOOD + b"\n\n  \n" + GOOD.replace(b'"a"', b"2"))
    assert (code, [answer["id"] for answer in answers], answers[0]["total"]) == (0, ["a", 2], "1.50")


def test_nothing_in_nothing_out() -> None:
    assert answered(b"") == (0, [])


def test_prorations_and_periods_are_answered_too() -> None:
    asked = b'{"id":1,"amount":"31","currency":"usd","full_period":["2026-01-01","2026-02-01"]}'
    asked = asked[:-1] + b',"service_period":["2026-01-15","2026-02-01"]}'
    assert answered(asked, prorate)[1][0]["exact_fraction"] == "17/31"
    asked = b'{"id":1,"anchor":"2026-01-31","interval":"month","from":"2026-01-31","until":"2026-03-01"}'
    assert answered(asked, periods)[1][0]["boundaries"] == ["2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"]


BAD = [
    b"{",
    b"nope",
    b"[]",
    b'"text"',
    b"1",
    b"null",
    b"NaN",
    b'{"id":"x","id":"x"}',
    b'{"id":"x","price":{"currency":"usd","currency":"usd"}}',
    b'{"id":"x","quantity":NaN}',
    b'{"id":"x","quantity":-Infinity}',
    b'{"id":"x","quantity":1e999999999999999999999}',
    b'{"id":"x","quantity":1' + b"0" * 200 + b"}",
    b'{"id":"x","quantity":' + b"1" * 5000 + b"}",
    b"[" * 100_000,
    b'{"a":' * 9 + b"1" + b"}" * 9,
    b'{"id":"\\ud800"}',
    b'{"\\udc00":1}',
    b'{"id":"a\\u0000b"}',
    b'{"id":["\\u0000"]}',
    b"\xff\xfe",
    b"\xef\xbb\xbf" + GOOD,
    b'{"id":"' + b"x" * LINE_BYTES_MAX + b'"}',
    GOOD.replace(b'"0.5"', b"0.5"),
    GOOD.replace(b'"3"', b"3.0"),
    GOOD.replace(b'"3"', b"1e2"),
    GOOD.replace(b"per_unit", b"perpetual"),
    GOOD.replace(b'"id":"a"', b'"id":{}'),
    b'{"id":"x","price":{"currency":"usd","model":"per_unit","unit_amount":"1"},"quantity":"1","surprise":1}',
]


@pytest.mark.parametrize("line", BAD, ids=lambda line: line[:24])
def test_a_bad_line_is_answered_and_the_run_goes_on(line: bytes) -> None:
    code, answers = answered(GOOD + b"\n" + line + b"\n" + GOOD)
    assert code == 1
    assert [("error" in answer) for answer in answers] == [False, True, False]
    assert set(answers[1]) == {"id", "error"}
    assert answers[1]["error"]["code"] in ("invalid_input", "too_large")
    assert answers[1]["error"]["detail"]


def test_an_error_names_the_line_by_its_id_and_does_not_repeat_the_input() -> None:
    _, answers = answered(b'{"id":"inv-7","price":{"currency":"usd","model":"per_unit","unit_amount":"SECRET"},"quantity":"1"}')
    assert answers[0]["id"] == "inv-7"
    assert answers[0]["error"] == {
        "code": "invalid_input",
        "detail": 'price.unit_amount: not a decimal number; write it as "1.25"',
    }


def test_a_line_without_end_costs_no_more_than_its_limit() -> None:
    class Endless(BytesIO):
        left, longest = 40, 0

        def readline(self, size: int | None = -1) -> bytes:
            assert size is not None
            assert size > 0, "never the whole line"
            self.left -= 1
            return b"" if self.left < 0 else b"x" * size

    out = StringIO()
    assert quote(Endless(), out) == 1
    assert json.loads(out.getvalue())["error"]["code"] == "too_large"


def test_no_mangled_question_ends_in_a_traceback() -> None:
    """Good questions with bytes changed, cut and doubled: each gets an answer or an error, one line for one line."""
    rng = Random(20261121)
    for _ in range(3000):
        case = random_case(rng)
        asked = {"id": 1, "price": case.document} | (
            {"events": case.events} if case.quantity is None else {"quantity": case.quantity}
        )
        raw = bytearray(json.dumps(asked).encode())
        for _ in range(rng.randrange(4)):
            at = rng.randrange(len(raw))
            raw[at : at + rng.randrange(3)] = rng.choice(
                (b"", b'"', b"9" * 40, b"null", b"-", b"[", b"\xff", b"{}", b"1e9", b"\\u0000", b"e")
            )
        line = bytes(raw).replace(b"\n", b" ")
        code, answers = answered(line)
        assert len(answers) == 1
        assert code == int("error" in answers[0])
