"""The cookie of those who have logged in: no script reads it, no other site's page can use it."""

from starlette.requests import Request
from starlette.responses import Response

from tallystick.domain.accounts import LIFE_MAX
from tallystick.settings import Settings
from tallystick.values.errors import Forbidden

SECURE_COOKIE, PLAIN_COOKIE = "__Host-tallystick", "tallystick_session"
_TOKEN_LENGTH_MAX = 200


def cookie_name(request: Request, settings: Settings) -> str:
    """With `__Host-`, a browser takes it over https alone, and from this very host; on http there is no such thing."""
    return SECURE_COOKIE if is_secure(request, settings) else PLAIN_COOKIE


def is_secure(request: Request, settings: Settings) -> bool:
    return request.url.scheme == "https" or settings.url.startswith("https://")


def token_of(request: Request, settings: Settings) -> str:
    """The token of the session: of the bearer, else of the cookie; empty where there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = request.cookies.get(cookie_name(request, settings), "")
    return token if len(token) <= _TOKEN_LENGTH_MAX else ""


def put_cookie(response: Response, request: Request, settings: Settings, token: str) -> None:
    """Kept by the browser for as long as a session lasts at most; that it was not used meanwhile, the service knows."""
    response.set_cookie(
        cookie_name(request, settings),
        token,
        max_age=int(LIFE_MAX.total_seconds()),
        path="/",
        secure=is_secure(request, settings),
        httponly=True,
        samesite="lax",
    )


def drop_cookie(response: Response, request: Request, settings: Settings) -> None:
    response.delete_cookie(
        cookie_name(request, settings), path="/", secure=is_secure(request, settings), httponly=True, samesite="lax"
    )


def check_no_form(request: Request) -> None:
    """Raises Forbidden for what any page's form could send without asking: it takes a script to set any of these."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not {"authorization", "x-requested-with"} & set(request.headers):
        raise Forbidden(
            "send it as application/json, or with the header `X-Requested-With`; a form of another site can do neither",
            code="cross_site",
        )
