"""Questions in JSON lines on standard input, answers in JSON lines on standard output."""

import sys

import typer


def register(app: typer.Typer) -> None:
    app.command("quote")(quote)
    app.command("prorate")(prorate)
    app.command("periods")(periods)


def quote() -> int:
    """Rate prices: {"id", "price": {…}, "quantity": "…"} a line in, {"id", "total", "exact", "lines"} a line out."""
    from tallystick.cli import quote as answers

    return answers.quote(sys.stdin.buffer, sys.stdout)


def prorate() -> int:
    """Prorate amounts: {"id", "amount", "currency", "full_period", "service_period"} a line in, the share a line out."""
    from tallystick.cli import quote as answers

    return answers.prorate(sys.stdin.buffer, sys.stdout)


def periods() -> int:
    """List billing periods: {"id", "anchor", "interval", "count", "zone", "from", "until"} a line in, boundaries out."""
    from tallystick.cli import quote as answers

    return answers.periods(sys.stdin.buffer, sys.stdout)
