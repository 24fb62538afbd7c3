"""The one table from errors to HTTP: every refusal is application/problem+json, and none repeats what was sent."""

import re
import traceback
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tallystick.values import errors
from tallystick.values.errors import InvalidInput, TallystickError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = "1"
_BLANK = "about:blank"
_SAYABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}", re.ASCII)
_WRONG_PLACES = {"body", "query", "path", "header", "cookie"}

log = structlog.get_logger("tallystick.web")


class Malformed(InvalidInput):
    """The body is not what it says it is: it was not understood at all."""

    code = "malformed_body"


class WrongMediaType(InvalidInput):
    """The body is of another type than this route reads."""

    code = "unsupported_media_type"


# Along the tree of errors: the first class that is in an error's ancestry decides.
STATUSES: dict[type[TallystickError], int] = {
    Malformed: 400,
    WrongMediaType: 415,
    errors.InvalidInput: 422,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Forbidden: 403,
    errors.Unauthorized: 401,
    errors.TooLarge: 413,
    errors.RateLimited: 429,
    errors.QuotaExceeded: 429,
    errors.Busy: 503,
    errors.ProviderUnavailable: 503,
    errors.ProviderError: 502,
    errors.WrongConfiguration: 503,
}
# Of an error's own words these may leave the house; each is made of our figures, never of what was sent.
_EXTRAS = (
    *("amount", "minimum", "currency", "reached_at", "url", "retry_after"),
    *("meter", "limit", "used", "remaining", "resets_at"),
)
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}


class Problem(BaseModel):
    """What went wrong (RFC 9457). `code` is stable and for programs; `detail` is for people, and may change."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": True})

    type: str = Field(examples=[_BLANK])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    code: str = Field(examples=["invalid_input"])
    detail: str
    request_id: str
    field: str | None = Field(default=None, description="The field that is wrong, where there is one.")


def status_of(error: TallystickError) -> int:
    """The status by the table; 500 for what is nobody's fault but ours."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)


def answer(
    request: Request, status: int, code: str, detail: str, *, extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """The problem as a response."""
    body = {"type": _BLANK, "title": _title(status), "status": status, "code": code, "detail": detail}
    body |= {"request_id": request_id(request)} | dict(extra or {})
    given = dict(headers or {})
    if status == 503 or (status == 429 and code != errors.QuotaExceeded.code):  # a quota may never be counted anew
        given.setdefault("Retry-After", RETRY_AFTER_S)
    if status == 401:
        given.setdefault("WWW-Authenticate", "Bearer")
    return JSONResponse(body, status, given, MEDIA_TYPE)


def of_error(request: Request, error: TallystickError) -> Response:
    """One of ours: its words were written for the one who asked."""
    status = status_of(error)
    if status == 500:
        log.error("request.failed", request_id=request_id(request), code=error.code, detail=error.message)
        return answer(request, status, error.code, "this is our mistake, not yours; tell us the request_id")
    extra = {name: error.extra[name] for name in _EXTRAS if error.extra.get(name) is not None}
    if error.field is not None:
        extra["field"] = error.field
    return answer(request, status, error.code, error.message, extra=extra, headers=headers_of(error))


def headers_of(error: TallystickError) -> dict[str, str]:
    """What an error says in headers: when to come again, and how a quota stands."""
    said = {"Retry-After": error.extra.get("retry_after")}
    if isinstance(error, errors.QuotaExceeded):
        said |= {"X-RateLimit-Limit": error.extra["limit"], "X-RateLimit-Remaining": error.extra["remaining"]}
        said |= {"X-RateLimit-Reset": error.extra.get("resets_in")}
    return {name: str(value) for name, value in said.items() if value is not None}


def of_surprise(request: Request, error: Exception) -> Response:
    """A bug of ours: logged by where it happened, told in one sentence."""
    # Neither its text nor its variables: both may hold what was sent, keys too.
    frames = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=False)
    where = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    log.error("request.crashed", request_id=request_id(request), error=type(error).__name__, where=where[-12:])
    return answer(request, 500, "internal_error", "this is our mistake, not yours; tell us the request_id")


def of_validation(request: Request, wrong: Iterable[Mapping[str, Any]]) -> Response:
    """The first field that is wrong, by name; its content is not repeated."""
    first = next(iter(wrong))
    field = field_path(first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    reason = "unknown field" if first["type"] == "extra_forbidden" else message[:1].lower() + message[1:]
    extra = {"field": field} if field else None
    return answer(request, 422, "invalid_input", f"{field or 'body'}: {reason}", extra=extra)


def field_path(place: Iterable[int | str]) -> str:
    """`lines[2].amount`; a name that cannot be one is not said, for it may be anything."""
    path = ""
    for step, part in enumerate(place):
        if isinstance(part, int):
            path += f"[{part}]"
        elif step == 0 and part in _WRONG_PLACES:
            continue
        elif _SAYABLE.fullmatch(part):
            path += f".{part}" if path else part
    return path


def request_id(request: Request) -> str:
    return str(request.scope.get("tallystick.request_id", ""))


def add_to(app: FastAPI) -> None:
    """Every refusal of this app is answered from here."""
    app.add_exception_handler(TallystickError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ResponseValidationError, _surprise)


def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, TallystickError), "registered for these"
    return of_error(request, error)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError), "registered for these"
    return of_validation(request, error.errors())


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for these"
    return of_http(request, error)


def of_http(request: Request, error: HTTPException) -> Response:
    """One of the framework's: there is no such address, or not with that method."""
    code = _CODES.get(error.status_code, "bad_request")
    detail = {404: "there is no such thing", 405: "this address does not know that method"}
    said = detail.get(error.status_code, _title(error.status_code).lower())
    return answer(request, error.status_code, code, said, headers=error.headers)


def _surprise(request: Request, error: Exception) -> Response:
    return of_surprise(request, error)


def _title(status: int) -> str:
    return HTTPStatus(status).phrase
