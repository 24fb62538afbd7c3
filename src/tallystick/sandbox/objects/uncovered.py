"""Refuses what Stripe can do and the sandbox cannot, so that nothing is silently left undone."""

from collections.abc import Iterable

from tallystick.sandbox.errors import invalid
from tallystick.sandbox.state import Doc


def refuse_uncovered(params: Doc, names: Iterable[str]) -> None:
    for name in names:
        if params.get(name):
            raise invalid(f"The sandbox does not cover `{name}`; see its README.", param=name)
    if params.get("automatic_tax", {}).get("enabled"):
        raise invalid("The sandbox does not cover automatic tax; see its README.", param="automatic_tax[enabled]")
