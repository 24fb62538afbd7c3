"""A year of a made-up business, to look at: made once, in a file of its own, then served."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.engine import Progress, say
from tallystick.values.english import counted

_DAYS = 365


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    database: Annotated[
        str, typer.Option(help="The SQLite file that the business lives in; served as it is where it exists.")
    ] = ("tallystick-demo.db"),
    customers: Annotated[int, typer.Option(min=1, max=1000, help="How many customers the business has had.")] = 60,
    days: Annotated[int, typer.Option(min=1, max=2000, help="How many days it goes back.")] = _DAYS,
    seed: Annotated[int, typer.Option(help="The same seed tells the same story.")] = 1,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port; PORT if not given.")] = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Only make it, and prove its books.")] = False,
) -> int:
    """Make up a year of a small business, prove its books, and serve its dashboards. Nothing leaves this machine."""
    from tallystick.cli import logs, serve
    from tallystick.settings import read_settings

    # Its mail is shown and not sent, and Stripe is the sandbox, whatever this machine is set to.
    given: dict[str, object] = {"database_url": f"sqlite:///{database}", "sandbox_path": f"{database}-sandbox", "uptime": False}
    given["simulated_clock"] = True
    given |= {"stripe_secret_key": None, "smtp_url": None} | ({} if port is None else {"port": port})
    settings = read_settings(**given)
    logs.configure(debug=settings.debug)
    if Path(database).exists():
        say(f"{database}: is there already, and is served as it is; remove it to make another one")
    elif not _made(settings.database_url, customers=customers, days=days, seed=seed):
        return 1
    if not no_serve:
        serve.serve_settings(settings)
    return 0


def _made(url: str, *, customers: int, days: int, seed: int) -> bool:
    """Whether the books of the year are whole."""
    from tallystick import demo
    from tallystick.values.time import SystemClock

    today = SystemClock().now().replace(hour=0, minute=0, second=0, microsecond=0)
    billing, clock = demo.opened(url, began_at=today - timedelta(days=days), seed=seed)
    try:
        with Progress("hours of business", days * 24) as progress:
            year = demo.Year(billing, clock, customers=customers, days=days, seed=seed)
            year.run(lambda days_over: progress.advance(days_over * 24))
        report, compared = billing.verify(), billing.reconcile()
    finally:
        billing.close()
    books = "whole" if report.clean else "NOT whole; see `tallystick verify`"
    halves = "are the same" if not compared.findings else "DIFFER; see `tallystick reconcile`"
    lived = f"{counted(days, 'day')} of {counted(customers, 'customer')}"
    say(f"{lived}: the books are {books}; the provider's half and ours {halves}")
    return report.clean and not compared.findings
