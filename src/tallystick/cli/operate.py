"""Commands for whoever runs it: migrate, worker, verify, audit."""

from dataclasses import asdict
from typing import Annotated

import typer

from tallystick.cli.engine import Json, engine, facts, print_json, print_table, say
from tallystick.values.english import counted


def register(app: typer.Typer) -> None:
    app.command("migrate")(migrate)
    app.command("worker")(worker)
    app.command("verify")(verify)
    app.command("audit")(audit)


def migrate() -> None:
    """Bring the database's schema to what this version needs; safe to run at any time, by several at once."""
    with engine() as billing:
        say(f"schema: {billing.context.database.schema_version()}")


def worker(
    once: Annotated[bool, typer.Option("--once", help="Work off what is due now, then stop; for cron.")] = False,
) -> None:
    """Work off jobs: collect payments, settle webhooks, ask about payments that went quiet."""
    import signal
    import threading

    from tallystick.worker import loop

    with engine() as billing:
        if once:
            say(f"ran {counted(loop.catch_up(billing.context), 'job')}")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        say("working; stop with Ctrl-C")
        loop.run_forever(billing.context, stop)


def verify(as_json: Json = False) -> int:
    """Prove the books: every invariant, over everything that is stored; exit 1 if one does not hold."""
    with engine() as billing:
        report = billing.verify()
    if as_json:
        wrong = [{"invariant": v.invariant, "subject": v.subject, "detail": v.detail} for v in report.violations]
        print_json({"clean": report.clean, "checked": report.checked, "violations": wrong})
    else:
        facts({name: f"{count} checked" for name, count in report.checked.items()})
        for violation in report.violations:
            say(f"VIOLATED {violation.invariant}: {violation.subject}: {violation.detail}")
        found = f"{counted(len(report.violations), 'violation')}; restore or mend before billing on"
        say("the books are right" if report.clean else found)
    return 0 if report.clean else 1


def audit(
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 20, as_json: Json = False
) -> None:
    """Who did what, and why; the chain of hashes is checked by `verify`."""
    with engine() as billing:
        entries = billing.audit(limit=limit)
    if as_json:
        print_json([{"seq": e.seq, "at": e.at.isoformat(), **asdict(e.act), "hash": e.hash} for e in entries])
        return
    rows = [(e.seq, e.at.isoformat(), e.act.actor, e.act.action, e.act.subject, e.act.reason or "") for e in entries]
    print_table(("seq", "at", "actor", "action", "subject", "reason"), rows)
