"""JSON lines in, JSON lines out: quotes, prorations and periods on the shell. A bad line is answered, and the run goes on."""

import json
from collections.abc import Callable, Mapping
from typing import BinaryIO, TextIO

from tallystick.domain.quotes import Answer, answer_periods, answer_proration, answer_quote, read_id
from tallystick.values.errors import InvalidInput, TallystickError, TooLarge
from tallystick.values.fields import Fields
from tallystick.values.json import strict_loads

LINE_BYTES_MAX = 1024 * 1024


def quote(stdin: BinaryIO, stdout: TextIO) -> int:
    """Answers quotes, line by line (docs/reference/prices.md); 1 if any line was bad, else 0."""
    return _answer_lines(stdin, stdout, answer_quote)


def prorate(stdin: BinaryIO, stdout: TextIO) -> int:
    """Answers prorations, line by line (docs/reference/prices.md); 1 if any line was bad, else 0."""
    return _answer_lines(stdin, stdout, answer_proration)


def periods(stdin: BinaryIO, stdout: TextIO) -> int:
    """Answers lists of boundaries, line by line (docs/reference/prices.md); 1 if any line was bad, else 0."""
    return _answer_lines(stdin, stdout, answer_periods)


def _answer_lines(stdin: BinaryIO, stdout: TextIO, answer: Callable[[Mapping[str, object]], Answer]) -> int:
    exit_code = 0
    while line := stdin.readline(LINE_BYTES_MAX + 1):
        if not line.strip():
            continue
        if len(line) > LINE_BYTES_MAX:
            _skip_rest(stdin, line)
        answered = _answer_line(line, answer)
        if "error" in answered:
            exit_code = 1
        stdout.write(json.dumps(answered) + "\n")
    stdout.flush()
    return exit_code


def _answer_line(line: bytes, answer: Callable[[Mapping[str, object]], Answer]) -> Answer:
    request: object = None
    try:
        if len(line) > LINE_BYTES_MAX:
            raise TooLarge(f"line: longer than {LINE_BYTES_MAX} bytes")
        request = strict_loads(line)
        if not isinstance(request, Mapping):
            raise InvalidInput("line: must be a JSON object")
        return answer(request)
    except TallystickError as wrong:
        return {"id": _id_of(request), "error": {"code": wrong.code, "detail": wrong.message}}


def _id_of(request: object) -> str | int | None:
    """The id of a question that could not be answered, where it has one that may be given back."""
    try:
        return read_id(Fields(request))
    except InvalidInput:
        return None


def _skip_rest(stdin: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = stdin.readline(LINE_BYTES_MAX)
