"""`tallystick doctor`: what is well, what is not, and what to do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from tallystick.cli.engine import Json, print_json, print_table, say

if TYPE_CHECKING:
    from tallystick.domain.diagnosis import Finding


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(as_json: Json = False) -> int:
    """Look at the key, webhooks, clock, database and worker; each line says ok, warn or fail, and what to do.

    Changes nothing. Exit 1 if anything fails.
    """
    from tallystick.domain.diagnosis import Health

    found = _found()
    if as_json:
        print_json([{"subject": f.subject, "health": f.health, "detail": f.detail, "remedy": f.remedy} for f in found])
    else:
        _print(found)
    return 1 if any(finding.health is Health.FAIL for finding in found) else 0


def _found() -> "list[Finding]":
    from tallystick.app import Tallystick
    from tallystick.cli import logs
    from tallystick.domain.diagnosis import Finding, Health
    from tallystick.settings import read_settings
    from tallystick.values.errors import TallystickError

    try:
        settings = read_settings()
        logs.configure(debug=settings.debug)
        billing = Tallystick.from_settings(settings, as_is=True)
    except TallystickError as wrong:
        return [Finding("settings", Health.FAIL, wrong.message, "mend it in the environment or in .env; see .env.example")]
    try:
        return [Finding("settings", Health.OK, "each has a value that can be"), *billing.diagnose(settings)]
    finally:
        billing.close()


def _print(found: "Sequence[Finding]") -> None:
    print_table(("", "what", "how it is"), [(finding.health, finding.subject, finding.detail) for finding in found])
    for finding in found:
        if finding.remedy:
            say(f"{finding.health}: {finding.subject}: {finding.remedy}")
