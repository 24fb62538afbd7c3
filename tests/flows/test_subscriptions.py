"""Any life of a subscription adds up: no time is paid twice or not at all, and those who act at once do not both succeed."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick import Tallystick
from tallystick.domain.lines import LineKind
from tallystick.domain.subscriptions import Status
from tallystick.testing import FakeClock, SeededIds
from tallystick.values.errors import Conflict, IllegalTransition, InvalidInput
from tallystick.worker import loop

FEES = {"a": "10", "b": "31.31", "c": "997.13"}
PLANS = {
    "meters": [{"key": "calls", "decimals": 0}],
    "plans": [
        {
            "key": key,
            "intervals": ["month"],
            "charges": [{"key": "base", "kind": "recurring", "prices": [{"currency": "usd", "model": "flat", "amount": amount}]}],
        }
        for key, amount in FEES.items()
    ],
}
ACTS = st.lists(
    st.tuples(
        st.integers(1, 40 * 24 * 3600),
        st.sampled_from(("a", "b", "c", "later a", "later c", "pause", "resume", "undo", "cancel", "nothing", "nothing")),
    ),
    max_size=9,
)


def _act(app: Tallystick, name: str, act: str) -> None:
    with suppress(Conflict, IllegalTransition):
        if act in FEES:
            app.change_subscription(name, plan=act, when="now")
        elif act.startswith("later"):
            app.change_subscription(name, plan=act[-1], when="period_end")
        elif act == "cancel":
            app.cancel(name, now=True, credit_unused=True)
        elif act != "nothing":
            {"pause": app.pause, "resume": app.resume, "undo": app.undo_change}[act](name)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=ACTS)
def test_each_second_of_service_is_paid_once_at_the_plan_in_force(acts: list[tuple[int, str]]) -> None:
    clock = FakeClock()
    app = Tallystick.from_url("sqlite://", clock=clock, ids=SeededIds())
    app.apply_catalogue(PLANS)
    named = app.subscribe("ada", "a").id
    for seconds, act in acts:
        clock.advance(timedelta(seconds=seconds))
        loop.catch_up(app.context)
        _act(app, named, act)
    clock.advance(timedelta(days=70))
    loop.catch_up(app.context)
    report = app.verify()
    assert report.clean, report.violations
    lines = [line for invoice in app.invoices(customer_id="ada", limit=200) for line in invoice.lines]
    credited = {line.credits: line for line in lines if line.kind is LineKind.CREDIT}
    for line in (each for each in lines if each.kind is LineKind.RECURRING):
        credit = credited.get(line.id)
        served_until = line.period.end if credit is None else credit.period.start
        served = Fraction((served_until - line.period.start) // timedelta(microseconds=1), 1)
        whole = Fraction((line.period.end - line.period.start) // timedelta(microseconds=1), 1)
        exact = Fraction(line.rating.exact.amount) * 100 * served / whole
        paid = line.amount.minor + (0 if credit is None else credit.amount.minor)
        assert abs(paid - exact) <= 1, "a fee and its credit come to the time that was served, each rounded once"
    app.close()


@pytest.mark.parametrize("count", [8])
def test_a_period_that_many_bill_at_once_is_billed_once(database_url: str, count: int) -> None:
    clock = FakeClock()
    app = Tallystick.from_url(database_url, clock=clock, ids=SeededIds())
    app.apply_catalogue(PLANS)
    named = app.subscribe("ada", "a").id
    clock.advance(timedelta(days=95))
    with ThreadPoolExecutor(count) as pool:
        opened = [invoice for found in pool.map(lambda _: app.bill_subscription(named), range(count)) for invoice in found]
    assert len(opened) == len({invoice.id for invoice in opened}) == 3
    assert app.verify().clean
    app.close()


def test_of_many_who_subscribe_at_once_one_does(database_url: str) -> None:
    app = Tallystick.from_url(database_url, clock=FakeClock(), ids=SeededIds())
    app.apply_catalogue(PLANS)

    def subscribe(_: int) -> bool:
        try:
            app.subscribe("ada", "a")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(subscribe, range(8))) == 1
    assert len(app.invoices(customer_id="ada")) == 1
    app.close()


def test_a_preview_that_many_accept_at_once_is_charged_once(database_url: str) -> None:
    clock = FakeClock()
    app = Tallystick.from_url(database_url, clock=clock, ids=SeededIds())
    app.apply_catalogue(PLANS)
    named = app.subscribe("ada", "a").id
    clock.advance(timedelta(days=3))
    preview = app.preview_change(named, plan="c").preview
    assert preview is not None
    with ThreadPoolExecutor(8) as pool:
        invoices = [changed.invoice for changed in pool.map(lambda _: app.accept_preview(preview.id), range(8))]
    assert len([invoice for invoice in invoices if invoice is not None]) == 1
    assert app.verify().clean
    app.close()


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"plan": "nobody"}, "plan"),
        ({"currency": "eur"}, "currency"),
        ({"interval": "year"}, "interval"),
        ({"interval": "fortnight"}, "interval"),
        ({"seats": -1}, "seats"),
        ({"add_ons": {"a": 1}}, "add_ons"),
        ({"add_ons": {"x": 1}}, "add_ons"),
        ({"anchoring": "moon"}, "anchoring"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"trial_days": 9999}, "trial_days"),
        ({"overrides": {"nothing": {"currency": "usd", "model": "flat", "amount": "1"}}}, "overrides"),
        ({"overrides": {"base": {"currency": "eur", "model": "flat", "amount": "1"}}}, "overrides"),
    ],
)
def test_what_is_not_offered_is_refused_by_name_and_nothing_is_stored(wanted: dict[str, object], field: str) -> None:
    app = Tallystick.from_url("sqlite://", clock=FakeClock(), ids=SeededIds())
    app.apply_catalogue(PLANS)
    with pytest.raises(InvalidInput) as refused:
        app.subscribe("ada", **{"plan": "a", **wanted})  # type: ignore[arg-type]
    assert refused.value.field == field
    assert app.subscriptions() == []
    assert app.invoices() == []
    app.close()


def test_a_start_in_the_future_is_refused() -> None:
    clock = FakeClock()
    app = Tallystick.from_url("sqlite://", clock=clock, ids=SeededIds())
    app.apply_catalogue(PLANS)
    with pytest.raises(InvalidInput, match="after now"):
        app.subscribe("ada", "a", start=clock.now() + timedelta(seconds=1))
    assert app.subscribe("ada", "a", start=clock.now()).status is Status.ACTIVE
    app.close()


def test_one_that_is_paused_in_its_trial_can_be_canceled(database_url: str) -> None:
    clock = FakeClock()
    app = Tallystick.from_url(database_url, clock=clock, ids=SeededIds())
    metered = {
        "key": "m",
        "kind": "usage",
        "meter": "calls",
        "prices": [{"currency": "usd", "model": "per_unit", "unit_amount": "1"}],
    }
    app.apply_catalogue({"meters": PLANS["meters"], "plans": [{"key": "m", "trial_days": 9, "charges": [metered]}]})
    named = app.subscribe("ada", "m").id
    clock.advance(timedelta(days=1))
    app.pause(named)
    clock.advance(timedelta(days=1))
    assert app.cancel(named, now=True).status is Status.CANCELED
    assert app.invoices() == []
    assert app.verify().clean
    app.close()


class Ticking(FakeClock):
    """As clocks are: asked twice, it says two times."""

    def now(self) -> datetime:
        return self.advance(timedelta(milliseconds=7))


def test_what_was_shown_is_accepted_though_time_goes_on() -> None:
    app = Tallystick.from_url("sqlite://", clock=Ticking(), ids=SeededIds())
    app.apply_catalogue(PLANS)
    shown = app.preview_change(app.subscribe("ada", "a").id, plan="b", when="now")
    assert shown.preview is not None
    assert app.accept_preview(shown.preview.id).invoice is not None
    app.close()
