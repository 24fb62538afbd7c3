"""Inkwell, a host with users, a login and pages of its own: run it with `uvicorn --factory main:inkwell`."""

import secrets
import tomllib
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

from tallystick import Tallystick
from tallystick.settings import Settings, read_settings
from tallystick.web import metered
from tallystick.web.install import install

HERE = Path(__file__).parent
CATALOGUE = HERE.parent / "catalogues" / "ai_platform.toml"
COOKIE = "inkwell_session"
# Who may log in. Yours are in your database, with their passwords hashed, or at your identity provider.
PEOPLE = {"ada": "rosebud", "ben": "rosebud", "boss": "rosebud"}
STAFF = {"boss"}


class Login(BaseModel):
    name: str
    password: str


class Person(BaseModel):
    name: str
    is_staff: bool


class Sessions:
    """Who is behind which cookie: the host's own affair."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def begin(self, login: Login) -> str | None:
        """The cookie; None for who is not known."""
        password = PEOPLE.get(login.name)
        if password is None or not secrets.compare_digest(password.encode(), login.password.encode()):
            return None
        cookie = secrets.token_urlsafe()
        self._names[cookie] = login.name
        return cookie

    def end(self, request: Request) -> None:
        self._names.pop(request.cookies.get(COOKIE, ""), None)

    def who(self, request: Request) -> str | None:
        return self._names.get(request.cookies.get(COOKIE, ""))

    def is_staff(self, request: Request) -> bool:
        return self.who(request) in STAFF


def inkwell(billing: Tallystick | None = None, settings: Settings | None = None, pages: Path = HERE / "dist") -> FastAPI:
    """The whole host: three routes for its login, one for its work, the engine under /billing, and its pages."""
    settings = settings or read_settings()
    billing = billing or Tallystick.from_settings(settings, receives=True)
    billing.apply_catalogue(tomllib.loads(CATALOGUE.read_text()), actor="inkwell")
    sessions = Sessions()
    app = FastAPI(title="Inkwell")
    add_login(app, sessions)
    install(app, billing, settings=settings, identify=sessions.who, admin=sessions.is_staff)

    @app.post("/work", dependencies=[Depends(metered(None, "tokens", 1000))])
    def work() -> str:
        """Refused with 403 without a plan, and with 429 where it is used up; counted once it has answered."""
        return "It was a dark and stormy night."

    app.mount("/", StaticFiles(directory=pages, html=True, check_dir=False), name="pages")
    return app


def add_login(app: FastAPI, sessions: Sessions) -> None:
    @app.get("/session")
    def who(name: Annotated[str | None, Depends(sessions.who)]) -> Person:
        if name is None:
            raise HTTPException(401, "log in first")
        return Person(name=name, is_staff=name in STAFF)

    @app.post("/session")
    def log_in(login: Login, response: Response) -> Person:
        cookie = sessions.begin(login)
        if cookie is None:
            raise HTTPException(403, "nobody here has that name and password")
        response.set_cookie(COOKIE, cookie, httponly=True, samesite="lax")
        return Person(name=login.name, is_staff=login.name in STAFF)

    @app.delete("/session")
    def log_out(request: Request, response: Response) -> None:
        sessions.end(request)
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")
