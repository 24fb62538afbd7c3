"""What every part of the engine stands on: its context, wired for a program, a service or the shell."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from tallystick import storage
from tallystick.domain.dunning import End
from tallystick.flows.context import Context, Terms
from tallystick.storage.database import Database
from tallystick.values.errors import WrongConfiguration
from tallystick.values.ids import Ids, SystemIds
from tallystick.values.time import Clock, SimulatedClock, SystemClock

if TYPE_CHECKING:
    from tallystick.sandbox.server import Sandbox
    from tallystick.settings import Settings
    from tallystick.wiring import Wired


CLOCK_AHEAD = "clock_ahead"  # of a simulated clock, in microseconds


class Engine:
    """The context, and how it is wired from a URL or from settings."""

    def __init__(self, context: Context, *, sandbox: "Sandbox | None" = None, publishable_key: str = "") -> None:
        self.context, self.sandbox, self.publishable_key = context, sandbox, publishable_key
        self._api_key_pepper: str | None = None

    @classmethod
    def from_url(cls, url: str, *, clock: Clock | None = None, ids: Ids | None = None, terms: Terms | None = None) -> Self:
        """An engine on `url` (sqlite:///file, sqlite:// or postgresql://…), its schema up to date, the sandbox for Stripe.

        The sandbox keeps its state beside the SQLite file, else in memory.
        """
        from tallystick import wiring  # imports the SDK: not before it is needed

        clock = clock or SystemClock()
        database = Database.from_url(url, clock=clock)
        path = None if database.path is None else f"{database.path}-sandbox"
        wired = wiring.sandboxed(path, clock=clock, before_call=wiring.outside(database))
        context = Context(database, clock, ids or SystemIds(clock), wired.provider, terms or Terms())
        return cls._wired(wiring.with_couriers(context, None), wired)

    @classmethod
    def from_settings(
        cls, settings: "Settings", *, clock: Clock | None = None, receives: bool = False, as_is: bool = False
    ) -> Self:
        """The engine that the settings describe: Stripe where there is a key, else the sandbox.

        `receives` says that this process answers the provider's webhooks; `as_is`, that the database is only looked at.
        """
        from tallystick import wiring

        clock = clock or (SimulatedClock(SystemClock()) if settings.simulated_clock else SystemClock())
        database = Database.from_url(settings.database_url, clock=clock)
        wired = wiring.from_settings(settings, clock=clock, before_call=wiring.outside(database), receives=receives)
        due, grace = timedelta(days=settings.due_days), timedelta(minutes=settings.grace_minutes)
        terms = Terms(due, grace, settings.number_prefix, seller=wiring.seller(settings))
        terms = replace(terms, dunning=wiring.dunning_policy(settings), dunning_end=End(settings.dunning_end))
        terms = replace(terms, safety=wiring.safety_bounds(settings))
        context = Context(database, clock, SystemIds(clock), wired.provider, terms)
        context = wiring.with_couriers(context, settings)
        if as_is:
            return cls(context, sandbox=wired.sandbox, publishable_key=wired.publishable_key)
        app = cls._wired(context, wired)
        if settings.api_key_pepper is not None:
            app._api_key_pepper = settings.api_key_pepper.get_secret_value()
        return app

    @classmethod
    def _wired(cls, context: Context, wired: "Wired") -> Self:
        context.database.migrate()
        app = cls(context, sandbox=wired.sandbox, publishable_key=wired.publishable_key)
        app._pin_mode(app.mode)
        if isinstance(context.clock, SimulatedClock):
            app._go_on_from(context.clock)
        return app

    @property
    def mode(self) -> str:
        """What this engine's money is: of the sandbox, of a test key, or real."""
        if self.sandbox is not None:
            return "sandbox"
        return "live" if self.context.provider.livemode else "test"

    def _pin_mode(self, mode: str) -> None:
        with self.context.database.transaction("pin mode") as conn:
            pinned = storage.settings.pin(conn, "mode", mode)
        if pinned != mode:
            raise WrongConfiguration(f"DATABASE_URL: this database is of {pinned} mode, the key of {mode} mode; use one for each")

    def _go_on_from(self, clock: SimulatedClock) -> None:
        """What is kept was written at its time, and not before the clock was moved."""
        with self.context.database.reading() as conn:
            ahead = storage.settings.get(conn, CLOCK_AHEAD)
        if ahead is not None:
            clock.advance(timedelta(microseconds=int(ahead)))

    def close(self) -> None:
        """Gives back every connection; the engine is of no use afterwards."""
        self.context.database.close()
