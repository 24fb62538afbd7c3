"""Jobs on the shell: what is left to do outside and how late it is, what was given up and why, and begun anew."""

from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.engine import Json, engine, print_json, print_table, say

if TYPE_CHECKING:
    from tallystick.flows.backlog import Backlog
    from tallystick.storage.jobs import Job

group = typer.Typer(invoke_without_command=True)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="jobs")


@group.callback()
def listed(
    asked: typer.Context,
    status: Annotated[str, typer.Option(help="dead (given up), failing, waiting or running.")] = "dead",
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many; dead ones newest first, others soonest due first.")] = 100,
    retry: Annotated[bool, typer.Option("--retry", help="Begin all of the dead anew, once what was wrong is mended.")] = False,
    as_json: Json = False,
) -> None:
    """What is left to do: the jobs that were given up, and why; or those that fail, wait or run."""
    if asked.invoked_subcommand is not None:
        return
    if retry and status != "dead":
        raise typer.BadParameter("is for what was given up; one job begins by `jobs retry JOB`", param_hint="--retry")
    with engine() as billing:
        found, backlog = billing.jobs(status, limit=limit), billing.backlog()
        retried = billing.retry_dead_jobs(actor="shell") if retry else 0
    if as_json:
        print_json([_as_json(job, status) for job in found])
        return
    rows = [(job.id, job.name, job.subject, job.attempt, job.run_at.isoformat(), job.error or "") for job in found]
    print_table(("id", "job", "about", "attempts", "due", "last error"), rows)
    say(f"begun anew: {retried}" if retry else _behind(backlog))


@group.command("retry")
def retry(job: Annotated[str, typer.Argument(help="The id of the job.")], as_json: Json = False) -> None:
    """Do one job now: one that was given up begins anew, one that waits is brought forward; the worker does it."""
    with engine() as billing:
        again, status = billing.retry_job(job, actor="shell")
    if as_json:
        print_json(_as_json(again, status))
    else:
        say(f"{again.id}: {again.name} {again.subject}, {status}, due {again.run_at.isoformat()}")


def _behind(backlog: "Backlog") -> str:
    late = f", the oldest for {int(backlog.lag.total_seconds())} s" if backlog.due else ""
    seen = "no worker was seen yet" if backlog.seen_at is None else f"a worker was seen at {backlog.seen_at.isoformat()}"
    return f"{backlog.due} due{late}; {backlog.dead} given up; {seen}"


def _as_json(job: "Job", status: str) -> dict[str, object]:
    from tallystick.values.time import rfc3339

    return {
        "id": job.id,
        "name": job.name,
        "subject": job.subject,
        "status": status,
        "attempts": job.attempt,
        "run_at": rfc3339(job.run_at),
        "error": job.error,
    }
