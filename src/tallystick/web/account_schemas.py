"""Accounts on the wire; a password only ever comes in."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from tallystick.domain.accounts import PASSWORD_LENGTH_MAX, Account
from tallystick.flows.accounts import LoggedIn
from tallystick.values.time import rfc3339
from tallystick.web.schemas import Email, Sent

Password = Annotated[str, Field(min_length=1, max_length=PASSWORD_LENGTH_MAX, json_schema_extra={"format": "password"})]


class CredentialsBody(Sent):
    email: Email
    password: Password


class AccountShown(BaseModel):
    """`id` is also the id of the customer."""

    id: str
    email: str | None
    role: Literal["user", "admin"]
    created_at: str | None

    @classmethod
    def of(cls, account: Account) -> Self:
        return cls(id=account.id, email=account.email, role=account.role.value, created_at=rfc3339(account.created_at))


class LoggedInShown(BaseModel):
    """`access_token` is the session that the cookie holds: send it as `Authorization: Bearer …` where there are no cookies."""

    user: AccountShown
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 the word of OAuth
    expires_at: str = Field(description="When it ends, if it is not used before; each use moves this on, for half a day in all.")

    @classmethod
    def of(cls, session: LoggedIn) -> Self:
        return cls(user=AccountShown.of(session.account), access_token=session.token, expires_at=rfc3339(session.ends_at))


class LoggedOutShown(BaseModel):
    status: Literal["logged_out"] = "logged_out"
