"""What is shown as the next invoice is what comes, if nothing more is used: for any plan, and after anything that was done."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick import Tallystick
from tallystick.domain.invoices import Invoice
from tallystick.domain.usage import Event
from tallystick.testing import FakeClock, SeededIds
from tallystick.values.errors import Conflict, IllegalTransition
from tallystick.values.money import EUR, Money
from tallystick.worker import loop

GRACE = timedelta(hours=1)
MODELS: list[dict[str, object]] = [
    {"model": "flat", "amount": "0"},
    {"model": "flat", "amount": "31.07"},
    {"model": "per_unit", "unit_amount": "0.013", "included": "5", "minimum_amount": "7"},
    {"model": "package", "package_size": "7", "package_amount": "0.99", "maximum_amount": "3"},
]
CHARGES = st.lists(
    st.tuples(
        st.sampled_from(("recurring", "seats", "usage", "one_time")),
        st.sampled_from(MODELS),
        st.sampled_from(("advance", "arrears")),
    ),
    min_size=1,
    max_size=4,
)
ACTS = st.lists(
    st.tuples(
        st.integers(1, 20 * 24 * 3600),
        st.sampled_from(("use", "use late", "first", "second", "later", "seats", "cancel", "undo", "pause", "resume", "coupon")),
    ),
    max_size=7,
)
STARTS = {"zone": st.sampled_from(("UTC", "Asia/Tokyo", "America/Santiago", "Africa/Cairo")), "calendar": st.booleans()}


def _plan(key: str, charges: list[tuple[str, dict[str, object], str]]) -> dict[str, object]:
    listed = []
    for number, (kind, model, timing) in enumerate(charges):
        said: dict[str, object] = {"key": f"{kind}-{number}", "kind": kind, "prices": [{"currency": "eur", **model}]}
        listed.append(said | ({"meter": "calls"} if kind == "usage" else {"timing": timing} if kind != "one_time" else {}))
    return {"key": key, "charges": listed}


def _do(app: Tallystick, named: str, act: str, now: datetime) -> None:
    with suppress(Conflict, IllegalTransition):
        match act:
            case "use" | "use late":
                at = now if act == "use" else now - timedelta(days=9)
                app.record([Event("ada", f"{act} {now}", "calls", Decimal(17), at)])  # type: ignore[arg-type]
            case "first" | "second":
                app.change_subscription(named, plan=act, when="now")
            case "later":
                app.change_subscription(named, plan="second", when="period_end")
            case "seats":
                app.change_subscription(named, seats=now.day % 4)
            case "coupon":
                app.redeem("ada", "third")
            case _:
                {"cancel": app.cancel, "undo": app.undo_change, "pause": app.pause, "resume": app.resume}[act](named)


def _figures(invoice: Invoice | None) -> object:
    if invoice is None:
        return None
    lines = [(line.id, line.amount, line.share) for line in invoice.lines]
    return lines, invoice.discount, invoice.credits_applied, invoice.carried_in, invoice.carried_out, invoice.total


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=CHARGES, second=CHARGES, acts=ACTS, trial=st.sampled_from((0, 0, 9)), **STARTS)
def test_the_next_invoice_is_what_was_shown_of_it(
    first: list[tuple[str, dict[str, object], str]],
    second: list[tuple[str, dict[str, object], str]],
    acts: list[tuple[int, str]],
    trial: int,
    zone: str,
    calendar: bool,
) -> None:
    clock = FakeClock(datetime(2026, 3, 30, 22, 11, tzinfo=UTC))
    app = Tallystick.from_url("sqlite://", clock=clock, ids=SeededIds())
    coupon = {"key": "third", "percent": "33.3", "duration": "forever"}
    plans = [_plan("first", first), _plan("second", second)]
    app.apply_catalogue({"meters": [{"key": "calls", "decimals": 0}], "plans": plans, "coupons": [coupon]})
    app.grant_credit("ada", Money(20_00, EUR), kind="promotional", name="gift", op="gift")
    anchoring = "calendar" if calendar else "anniversary"
    named = app.subscribe("ada", "first", trial_days=trial, zone=zone, anchoring=anchoring, seats=2).id
    for seconds, act in acts:
        clock.advance(timedelta(seconds=seconds))
        loop.catch_up(app.context)
        _do(app, named, act, clock.now())
    clock.advance(timedelta(seconds=1))  # what was used at this instant is used before the next
    app.bill_subscription(named, graceless=True)
    shown, before = app.upcoming(named), {invoice.id for invoice in app.invoices(limit=200)}
    clock.set(app.subscription(named).period.end + GRACE)
    app.bill_subscription(named)
    opened = [invoice for invoice in app.invoices(limit=200) if invoice.id not in before]
    assert [_figures(invoice) for invoice in opened] == ([] if shown is None else [_figures(shown)])
    report = app.verify()
    assert report.clean, report.violations
    app.close()
