"""The engine's calls about those who log in, for programs that have no users of their own."""

from tallystick import flows
from tallystick.app.engine import Engine
from tallystick.domain.accounts import Account, Role
from tallystick.flows.accounts import LoggedIn
from tallystick.values.errors import InvalidInput


class AccountCalls(Engine):
    """Register, log in, log out; roles and passwords."""

    def register(self, email: str, password: str, *, role: str = "user", address: str = "", actor: str = "") -> Account:
        """A new account, whose id is that of its customer. Raises Conflict where the e-mail address has one already."""
        return flows.accounts.register(self.context, email, password, role=_role(role), address=address, actor=actor)

    def log_in(self, email: str, password: str, *, address: str = "") -> LoggedIn:
        """A new session. Raises Unauthorized, and RateLimited for the sixth wrong try within a quarter of an hour."""
        return flows.accounts.log_in(self.context, email, password, address=address)

    def log_out(self, token: str) -> None:
        """Ends the session of this token."""
        flows.accounts.log_out(self.context, token)

    def logged_in(self, token: str) -> Account:
        """Whose session it is. Raises Unauthorized where there is none, or it is over."""
        return flows.accounts.known(self.context, token)

    def accounts(self, *, after: str | None = None, limit: int = 50) -> list[Account]:
        """A page of accounts, in the order of their ids, behind `after`."""
        return flows.accounts.listed(self.context, after=after, limit=limit)

    def set_role(self, email: str, role: str, *, actor: str = "system") -> Account:
        """The account with that role; it has to log in again. Raises Conflict for the last admin."""
        return flows.accounts.set_role(self.context, email, _role(role), actor=actor)

    def reset_password(self, email: str, password: str | None = None, *, actor: str = "system") -> str:
        """The new password, made up where none is given; whoever is logged in under the account has to do so again."""
        return flows.accounts.reset_password(self.context, email, password, actor=actor)

    def made_up_password(self) -> str:
        """One that nobody guesses, to be told to somebody once."""
        return flows.accounts.made_up_password(self.context)


def _role(word: str) -> Role:
    if word not in set(Role):
        raise InvalidInput(f"role: one of {', '.join(Role)}", field="role")
    return Role(word)
