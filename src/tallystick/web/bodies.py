"""The JSON door: bytes read up to a limit and within a time, JSON read strictly, before anything else looks at it."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from tallystick.values.errors import InvalidInput, TooLarge
from tallystick.values.json import strict_loads
from tallystick.web.problems import Malformed, WrongMediaType

BODY_BYTES_MAX = 1024 * 1024
READ_S_MAX = 5.0
JSON = frozenset({"application/json"})
_DIGITS_MAX = 19


class CheckedRequest(Request):
    """A request whose body was read and understood already."""

    def __init__(self, request: Request, raw: bytes, value: object) -> None:
        super().__init__(request.scope, request.receive)
        self._raw, self._value = raw, value

    async def body(self) -> bytes:
        return self._raw

    async def json(self) -> object:
        return self._value


async def checked(request: Request) -> CheckedRequest:
    """The request with its JSON body read. Raises what is wrong with it, before the route is asked."""
    check_media_type(request, JSON)
    raw = await read(request, BODY_BYTES_MAX)
    return CheckedRequest(request, raw, understood(raw))


def understood(raw: bytes) -> object:
    """The JSON value. Raises Malformed, which never repeats what was sent."""
    if not raw.strip():
        raise Malformed("the body is empty; send JSON")
    try:
        return strict_loads(raw)
    except InvalidInput as refusal:
        raise Malformed(f"body: {refusal.message}") from None


def check_media_type(request: Request, known: frozenset[str]) -> str:
    """The media type, without its parameters. Raises WrongMediaType, for a charset other than UTF-8 too."""
    given, _, parameters = request.headers.get("content-type", "").partition(";")
    media_type = given.strip().lower()
    if media_type not in known:
        raise WrongMediaType(f"content-type: send {' or '.join(sorted(known))}", field="content-type")
    charset = parameters.lower().partition("charset=")[2].partition(";")[0].strip(' "')
    if charset not in {"", "utf-8", "utf8"}:
        raise WrongMediaType("content-type: JSON is sent as utf-8", field="content-type")
    return media_type


async def read(request: Request, bytes_max: int) -> bytes:
    """The body as it came. Raises TooLarge beyond `bytes_max`, and Malformed where it does not arrive within five seconds."""
    said = request.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and (len(said) > _DIGITS_MAX or int(said) > bytes_max):
        raise _too_large(bytes_max)
    try:
        async with asyncio.timeout(READ_S_MAX):
            return await _collected(request, bytes_max)
    except TimeoutError:
        raise Malformed("the body did not arrive within 5 seconds", code="body_too_slow") from None
    except ClientDisconnect:
        raise Malformed("the body ended before it was complete", code="body_incomplete") from None


async def _collected(request: Request, bytes_max: int) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > bytes_max:
            raise _too_large(bytes_max)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(bytes_max: int) -> TooLarge:
    return TooLarge(f"the body is larger than {bytes_max // 1024} KiB; send it in parts")
