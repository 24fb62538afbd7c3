"""The shell's door: prints, and decides nothing. Commands import what they need when they run, so that help is quick."""

import sys
from typing import Annotated, Any

import typer

from tallystick.cli import (
    alerts,
    bill,
    catalog,
    coupons,
    credits,
    customers,
    demo,
    doctor,
    dunning,
    events,
    exports,
    invoices,
    jobs,
    keys,
    lines,
    operate,
    plans,
    project,
    quotas,
    reconcile,
    report,
    serve,
    subscriptions,
    sync,
    uptime,
    users,
    webhooks,
)
from tallystick.values.errors import TallystickError

app = typer.Typer(
    name="tallystick", no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
for group in (
    serve,
    demo,
    operate,
    jobs,
    reconcile,
    report,
    doctor,
    uptime,
    lines,
    catalog,
    customers,
    plans,
    subscriptions,
    coupons,
    credits,
    events,
    quotas,
    bill,
    sync,
    exports,
    invoices,
    dunning,
    project,
    keys,
    users,
    alerts,
    webhooks,
):
    group.register(app)

_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]  # the base of every "you called it wrongly"


def _say_version(asked: bool) -> None:
    if asked:
        from tallystick import __version__

        print(f"tallystick {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Which release this is, and nothing else.")
    ] = False,
) -> None:
    """The billing engine you import: usage metering, quotas and invoices, on Stripe.

    Exit status: 0 done, 1 failed, 2 would act (a dry run that found something to do).
    """


def _why(cause: BaseException) -> str:
    """The driver's own words: which host, and whether it is off, or does not let us in. They never hold a password."""
    lines = str(getattr(cause, "orig", cause)).strip().splitlines()
    return lines[0] if lines else "no reason is given"


def main() -> None:
    """Runs one command; an error of ours is one line on standard error, never a traceback."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit status of one command."""
    try:
        status = app(arguments, standalone_mode=False)
    except _USAGE_ERROR as wrong:
        wrong.show()
        return 1
    except TallystickError as error:
        print(f"tallystick: {error.message} [{error.code}]", file=sys.stderr)
        if error.code == "unreachable" and error.__cause__ is not None:
            print(f"DATABASE_URL: {_why(error.__cause__)}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, typer.Abort):
        print("tallystick: stopped; what was reported done is done, and the command may be run again", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone, as `head` does; nothing is left to say
        return 0
    return status if isinstance(status, int) else 0
