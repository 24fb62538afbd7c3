"""Margins before anything is sold."""

from typing import Annotated

import typer

from tallystick.cli.engine import Json, facts, print_json

Figure = Annotated[str, typer.Argument(help="A decimal number, in major units of your currency where it is money.")]
group = typer.Typer(no_args_is_help=True, help="Project a month's cost, revenue and margin before you set a price.")


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="project")


@group.command("api")
def api(calls_per_month: Figure, cost_per_call: Figure, price_per_1k: Figure, as_json: Json = False) -> None:
    """An API that resells calls: viable from a margin of 50 %."""
    from tallystick.short_way import CostProjector

    _print(CostProjector.project_api_service(calls_per_month, cost_per_call, price_per_1k), as_json=as_json)


@group.command("code")
def code(hours_per_month: Figure, cost_per_hour: Figure, price_per_hour: Figure, as_json: Json = False) -> None:
    """Custom work by the hour: viable from a margin of 70 %."""
    from tallystick.short_way import CostProjector

    _print(CostProjector.project_custom_code(hours_per_month, cost_per_hour, price_per_hour), as_json=as_json)


@group.command("data")
def data(gb_per_month: Figure, cost_per_gb: Figure, price_per_gb: Figure, as_json: Json = False) -> None:
    """Data processing by the gigabyte: viable from a margin of 60 %."""
    from tallystick.short_way import CostProjector

    _print(CostProjector.project_data_processing(gb_per_month, cost_per_gb, price_per_gb), as_json=as_json)


def _print(projection: dict[str, object], *, as_json: bool) -> None:
    print_json(projection) if as_json else facts(projection)
