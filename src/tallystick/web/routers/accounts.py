"""Accounts of an app's users: register, log in, log out, and who am I."""

from typing import Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tallystick.flows.accounts import LoggedIn
from tallystick.values.errors import NotFound
from tallystick.web import sessions
from tallystick.web.account_schemas import AccountShown, CredentialsBody, LoggedInShown, LoggedOutShown
from tallystick.web.embedding import Embedding, TheEmbedding, TheVisitor, router
from tallystick.web.security import PUBLIC, SIGNED_IN


def account_routes(embedding: Embedding | None = None) -> APIRouter:
    """The routes; of this embedding, or of the one that their application has."""
    routes = router("auth", embedding)
    routes.post(
        "/auth/register", dependencies=[PUBLIC], summary="Make an account, and log in", status_code=201,
        response_model=LoggedInShown,
    )(register_account)  # fmt: skip
    routes.post("/auth/login", dependencies=[PUBLIC], summary="Log in", response_model=LoggedInShown)(log_in)
    routes.post("/auth/logout", dependencies=[PUBLIC], summary="Log out", response_model=LoggedOutShown)(log_out)
    routes.get("/auth/me", dependencies=[SIGNED_IN], summary="Who is logged in")(get_me)
    return routes


def register_account(request: Request, embedding: TheEmbedding, body: CredentialsBody) -> Response:
    """An address that has an account already is refused, 409. Twenty in a quarter of an hour from one network, then 429."""
    _check_ours(embedding)
    embedding.billing.register(body.email, body.password, address=_address(request))
    return _begun(request, embedding, embedding.billing.log_in(body.email, body.password), 201)


def log_in(request: Request, embedding: TheEmbedding, body: CredentialsBody) -> Response:
    """The same 401, as late, for an unknown address and a wrong password; the sixth wrong try in 15 minutes is a 429."""
    _check_ours(embedding)
    session = embedding.billing.log_in(body.email, body.password, address=_address(request))
    return _begun(request, embedding, session, 200)


def log_out(request: Request, embedding: TheEmbedding) -> Response:
    """The session is over, at once and everywhere. Without a session there is nothing to do."""
    _check_ours(embedding)
    embedding.billing.log_out(sessions.token_of(request, embedding.settings))
    response = JSONResponse(LoggedOutShown().model_dump())
    sessions.drop_cookie(response, request, embedding.settings)
    return response


def get_me(visitor: TheVisitor) -> AccountShown:
    if visitor.account is not None:
        return AccountShown.of(visitor.account)
    role: Literal["user", "admin"] = "admin" if visitor.is_admin else "user"
    return AccountShown(id=visitor.customer_id, email=None, role=role, created_at=None)


def _begun(request: Request, embedding: Embedding, session: LoggedIn, status: int) -> Response:
    """The session that came with the request is over: whoever knew its token does not know the new one."""
    embedding.billing.log_out(sessions.token_of(request, embedding.settings))
    response = JSONResponse(LoggedInShown.of(session).model_dump(), status)
    sessions.put_cookie(response, request, embedding.settings, session.token)
    return response


def _check_ours(embedding: Embedding) -> None:
    if embedding.identify is not None:
        raise NotFound("accounts: are the host's own here")


def _address(request: Request) -> str:
    return "" if request.client is None else request.client.host
