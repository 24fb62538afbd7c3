"""Bugs of following the provider, planted one at a time beside those of `bugs`."""

from collections.abc import Iterator

from tallystick import domain
from tallystick.domain.reconciliation import Finding, Part
from tallystick.flows import _compare, _settlement, _unpayable, reconcile
from tests.simulation.bugs import bug, instead
from tests.simulation.weather import WEBHOOK


@bug(elsewhere=0.9)
def what_is_canceled_in_the_dashboard_can_never_be_paid() -> Iterator[None]:
    with instead(_settlement, "_canceled", lambda *_, **__: None):
        yield


@bug(elsewhere=0.9)
def what_a_bank_takes_back_stays_in_the_cash() -> Iterator[None]:
    with instead(domain.disputes, "book", lambda *_, **__: None):
        yield


@bug(elsewhere=0.9, closed=(WEBHOOK,))
def nobody_looks_for_what_went_back() -> Iterator[None]:
    """Neither among the news that was missed, nor among the provider's refunds."""
    parts = {part: compare for part, compare in _compare.PARTS.items() if part is not Part.REFUNDS}
    with instead(_compare, "PARTS", parts), instead(reconcile, "_missed", lambda *_, **__: []):
        yield


@bug(elsewhere=0.9, closed=(WEBHOOK,))
def a_repair_is_said_and_not_done() -> Iterator[None]:
    with (
        instead(reconcile, "_mended", lambda _ctx, difference, _actor: Finding(difference, repaired=True)),
        instead(reconcile, "_receive", lambda *_: None),
    ):
        yield


@bug(followed=1.0, closed=(WEBHOOK,))
def nobody_looks_for_invoices_of_the_providers() -> Iterator[None]:
    """Neither among the news that was missed, nor among what the provider lists."""
    with instead(_compare, "_mirrored", lambda *_: iter(())), instead(reconcile, "_missed", lambda *_, **__: []):
        yield


@bug(credit=0.9, crash=0.02)
def that_we_cancel_is_not_written_down_first() -> Iterator[None]:
    with instead(_unpayable, "withdrawn", lambda _ctx, payment, _: payment):
        yield
