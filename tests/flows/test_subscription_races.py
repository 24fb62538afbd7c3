"""Everybody at once on one subscription: whatever comes first, each event is billed once and every book is right."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

from tallystick import Tallystick
from tallystick.domain.usage import Event
from tallystick.testing import FakeClock, SeededIds
from tallystick.values.errors import Busy, Conflict, IllegalTransition
from tallystick.worker import loop

ROUNDS = 6
FEE = {"currency": "usd", "model": "flat", "amount": "10"}
CALL = {"currency": "usd", "model": "per_unit", "unit_amount": "1"}
PLANS = [
    {
        "key": key,
        "charges": [
            {"key": "base", "kind": "recurring", "prices": [{**FEE, "amount": amount}]},
            {"key": "calls", "kind": "usage", "meter": "calls", "prices": [CALL]},
        ],
        "quotas": [{"meter": "calls", "limit": "unlimited"}],
    }
    for key, amount in (("small", "10"), ("large", "31"))
]


def test_changes_bills_pauses_and_events_at_once_lose_nothing_and_wait_in_no_circle(database_url: str) -> None:
    clock = FakeClock()
    app = Tallystick.from_url(database_url, clock=clock, ids=SeededIds())
    app.apply_catalogue({"meters": [{"key": "calls", "decimals": 0}], "plans": PLANS})
    named, sent = app.subscribe("ada", "small").id, [0]

    def record() -> None:
        events = [
            Event("ada", f"event-{sent[0]}-{n}", "calls", Decimal(1), clock.now() - timedelta(hours=9 * n))  # type: ignore[arg-type]
            for n in range(4)
        ]
        app.record(events)

    def accept() -> None:
        shown = app.preview_change(named, plan="large", when="now").preview
        assert shown is not None
        app.accept_preview(shown.id)

    acts: list[Callable[[], object]] = [
        record,
        accept,
        lambda: app.change_subscription(named, plan="small", when="now"),
        lambda: app.bill_subscription(named),
        lambda: app.bill("ada"),
        lambda: app.pause(named),
        lambda: app.resume(named),
        lambda: app.consume("ada", "calls", 1, op=f"op-{sent[0]}"),
    ]

    def quietly(act: Callable[[], object]) -> None:
        with suppress(Conflict, IllegalTransition, Busy):
            act()

    clock.advance(timedelta(days=2))
    for sent[0] in range(ROUNDS):
        clock.advance(timedelta(days=11))
        with ThreadPoolExecutor(len(acts)) as pool:
            list(pool.map(quietly, acts))
        report = app.verify()
        assert report.clean, report.violations
    clock.advance(timedelta(days=1))
    app.cancel(named, now=True, credit_unused=True)
    clock.advance(timedelta(days=40))
    loop.catch_up(app.context)
    lines = [line for invoice in app.invoices(customer_id="ada", limit=200) for line in invoice.lines if line.meter_key]
    events = app.events("ada", limit=200)
    assert sum(line.quantity for line in lines) == sum(event.quantity for event in events)
    assert app.verify().clean
    app.close()
