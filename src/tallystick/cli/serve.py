"""The service: API, pay page, worker, and this machine's uptime being metered."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.engine import say

if TYPE_CHECKING:
    from types import FrameType

    import uvicorn
    from fastapi import FastAPI

    from tallystick.app import Tallystick
    from tallystick.settings import Settings


FIRST_ADMIN = "admin@localhost"


def register(app: typer.Typer) -> None:
    app.command("serve")(serve)


def serve(
    host: Annotated[str | None, typer.Option(help="The address to bind; HOST if not given.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port; PORT if not given.")] = None,
) -> None:
    """Serve the API and the pay page; without a Stripe key, the offline sandbox stands in for Stripe."""
    from tallystick.cli import logs
    from tallystick.settings import read_settings

    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = read_settings(**given)
    logs.configure(debug=settings.debug)
    serve_settings(settings)


def serve_settings(settings: "Settings") -> None:
    """The service that the settings describe, until it is stopped."""
    from tallystick.app import Tallystick
    from tallystick.web.service import create_app

    _check_free(settings)
    billing = Tallystick.from_settings(settings, receives=True)
    _greet(billing, settings)
    server = server_of(create_app(billing, settings), settings)
    with suppress(KeyboardInterrupt):
        server.run()
    billing.close()
    if not server.started:
        raise typer.Exit(3)


def _check_free(settings: "Settings") -> None:
    """Raises WrongConfiguration where nothing can be served. Asked before anything is done: whoever serves there already shares
    our sandbox, and would hear of it no more.
    """
    import socket

    from tallystick.values.errors import WrongConfiguration

    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind(address)
    except OSError as error:
        raise WrongConfiguration(
            f"PORT: {settings.port} on {settings.host} cannot be listened on ({error.strerror}); stop what serves there, or take "
            "another one, such as PORT=8001",
            field="port",
        ) from None


def server_of(app: "FastAPI", settings: "Settings") -> "uvicorn.Server":
    """A server that lets go of those who follow the events once it is told to stop: it waits for every answer to end."""
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: "FrameType | None") -> None:
            app.state.door.followers.stop()
            super().handle_exit(sig, frame)

    level = "info" if settings.debug else "warning"
    return Server(uvicorn.Config(app, host=settings.host, port=settings.port, log_level=level, access_log=settings.debug))


def _greet(billing: "Tallystick", settings: "Settings") -> None:
    stripe = (
        "the offline sandbox (test cards only, no account needed)"
        if settings.sandbox
        else ("live" if settings.live else "test mode")
    )
    say(f"Tallystick on {settings.url}")
    say(f"  pay page   {settings.url}/")
    say(f"  customers  {settings.url}/billing")
    say(f"  admins     {settings.url}/admin")
    say(f"  API        {settings.url}/docs")
    say(f"  database   {billing.context.database.safe_url}")
    say(f"  Stripe     {stripe}")
    if not settings.sandbox and not settings.webhook_secrets:
        say("  webhooks   refused: STRIPE_WEBHOOK_SECRET is not set; payments are settled by asking every few minutes")
    if not billing.api_keys():
        issued = billing.create_api_key("first key", ["admin"], actor="serve")
        say(f"  API key    {issued.token}   (shown this once; more with `tallystick api-keys create`)")
    if not billing.accounts(limit=1):
        password = billing.made_up_password()
        billing.register(FIRST_ADMIN, password, role="admin", actor="serve")
        say(f"  admin      {FIRST_ADMIN} / {password}   (shown this once; more with `tallystick users add`)")
