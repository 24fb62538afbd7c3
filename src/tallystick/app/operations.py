"""The engine's calls about its own work: the provider's news, the truth, keys, and what the worker has left."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from tallystick import flows, storage
from tallystick.app.engine import CLOCK_AHEAD, Engine
from tallystick.domain.api_keys import ApiKey, IssuedKey, Principal
from tallystick.domain.diagnosis import Finding
from tallystick.domain.operations import Watch
from tallystick.flows.backlog import Backlog
from tallystick.flows.diagnose import Expected
from tallystick.flows.idempotently import Kept
from tallystick.flows.verify import Report
from tallystick.storage.audit import Entry
from tallystick.storage.jobs import Job, JobStatus
from tallystick.values.errors import Conflict
from tallystick.values.time import MovableClock, SimulatedClock

if TYPE_CHECKING:
    from tallystick.settings import Settings

Result = TypeVar("Result")
_SANDBOX_SECRETS = 2  # of its whole events, and of its thin ones


class OperationCalls(Engine):
    """Webhooks in, the audit trail, `verify`, API keys, jobs."""

    def receive(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Keeps one webhook delivery of the provider's; whether it was new. Raises InvalidInput for a forged one."""
        return flows.receive_provider_event.receive_provider_event(self.context, body, headers)

    def audit(self, *, before: int | None = None, limit: int = 50) -> list[Entry]:
        """Who did what, and why, newest first, below the number `before`."""
        with self.context.database.reading() as conn:
            return storage.audit.page(conn, before=before, limit=limit)

    def advance_clock(self, by: timedelta) -> datetime:
        """The time from now on, in a business that is only played; nothing is done of what falls due meanwhile.

        Who is logged in stays so: for them it is a moment. Raises Conflict where the clock is a real one.
        """
        clock = self.context.clock
        if not isinstance(clock, MovableClock):
            told = "clock: is the real one; start with the sandbox and TALLYSTICK_SIMULATED_CLOCK=true"
            raise Conflict(told, code="real_clock")
        if isinstance(clock, SimulatedClock):
            with self.context.database.transaction("advance clock") as conn:  # first: nothing is kept from its future
                storage.settings.put(conn, CLOCK_AHEAD, str((clock.ahead + by) // timedelta(microseconds=1)))
                storage.accounts.move_sessions(conn, by=by)
        return clock.advance(by)

    def verify(self) -> Report:
        """Proves the books: every invariant, over everything."""
        return flows.verify.verify(self.context)

    def create_api_key(
        self, name: str, scopes: Sequence[str], *, life: timedelta | None = None, actor: str = "system"
    ) -> IssuedKey:
        """A new key, good for `life` (a year); its token is shown now and never again."""
        return flows.api_keys.issue(self.context, name, scopes, under=self._pepper(), life=life, actor=actor)

    def authenticate(self, token: str) -> Principal:
        """Whose token it is. Raises Unauthorized for one that is unknown, expired or revoked."""
        return flows.api_keys.authenticate(self.context, token, under=self._pepper())

    def revoke_api_key(self, key_id: str, *, actor: str = "system") -> ApiKey:
        """The key, which opens nothing from now on. Raises NotFound."""
        return flows.api_keys.revoke(self.context, key_id, actor=actor)

    def api_keys(self, *, after: str | None = None, limit: int = 200) -> list[ApiKey]:
        """A page of keys, in the order of their ids, behind `after`; never with a secret."""
        return flows.api_keys.listed(self.context, after=after, limit=limit)

    def once(self, key: str, route: str, fingerprint: str, effect: Callable[[], tuple[int, str]]) -> Kept:
        """What `effect` answers, done once per idempotency key, kept with it in one transaction."""
        return flows.idempotently.idempotently(self.context, key, route, fingerprint, effect)

    def rehearse(self, act: Callable[[], Result]) -> Result:
        """What `act` returns, with nothing of it kept: `billing.rehearse(lambda: billing.cancel(…))` says what that comes to."""
        return flows.rehearse.rehearse(self.context, act)

    def backlog(self) -> Backlog:
        """How far behind the worker is."""
        return flows.backlog.backlog(self.context)

    def diagnose(self, settings: "Settings") -> list[Finding]:
        """Everything that billing needs, looked at: what is well, what is not, and what to do. Nothing is changed."""
        secrets = _SANDBOX_SECRETS if self.sandbox is not None else len(settings.webhook_secrets)
        return flows.diagnose.diagnose(self.context, Expected(settings.url, secrets, self.mode))

    def operations(self) -> list[Watch]:
        """The vital signs of the business: each with its limit, whether it is ill, and since when."""
        return flows.show_operations.show_operations(self.context)

    def observe_answer(self, took: timedelta) -> None:
        """Notes how long the provider waited for our answer to a webhook, if that was long."""
        flows.observe.observe_answer(self.context, took)

    def dead_jobs(self, *, limit: int = 100) -> list[Job]:
        """The jobs that were given up, newest first, each with its last error."""
        return flows.dead_jobs.dead_jobs(self.context, limit=limit)

    def jobs(self, status: str, *, limit: int = 100) -> list[Job]:
        """The jobs that are waiting, running, failing or dead, each with its last error."""
        return flows.dead_jobs.list_jobs(self.context, status, limit=limit)

    def retry_job(self, job_id: str, *, actor: str = "system") -> tuple[Job, JobStatus]:
        """Makes one job due now; one that was given up begins anew. Raises NotFound, and Conflict while it runs."""
        return flows.dead_jobs.retry_job(self.context, job_id, actor=actor)

    def retry_dead_jobs(self, *, actor: str = "system") -> int:
        """Begins every dead job anew; how many there were."""
        return flows.dead_jobs.retry_dead_jobs(self.context, actor=actor)

    def _pepper(self) -> bytes:
        return flows.api_keys.pepper(self.context, self._api_key_pepper)
