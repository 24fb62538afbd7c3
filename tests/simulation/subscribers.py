"""Customers on plans: they subscribe, use, change their minds, pause and leave; and what must hold of that."""

from collections import defaultdict
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tallystick.domain.payments import Collection, Method
from tallystick.domain.subscriptions import ENTITLED, Status, Subscription
from tallystick.domain.usage import Event, Meter
from tallystick.values.errors import Busy, Conflict, IllegalTransition
from tallystick.values.ids import MeterKey
from tallystick.values.time import to_micros
from tests.simulation import checkers
from tests.simulation.clients import Truth, name_of
from tests.simulation.world import Actor

if TYPE_CHECKING:
    from tests.simulation.world import World

CUSTOMERS = ("plan-a", "plan-b")
WORK = Meter(MeterKey("work"), decimals=2)
_FEES = {"small": "3.10", "large": "11.77", "seats": "1.99"}
_QUOTAS = {"small": "5", "large": "unlimited"}
_CARDS = ("pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_chargeCustomerFail")
_COUPON = {"key": "third", "percent": "33.3", "duration": "months", "months": 1}


def catalogue(edition: int) -> dict[str, object]:
    """Three plans of a day or three; each edition is a little dearer, and what was sold before stays as it was."""
    return {"meters": [{"key": "work", "decimals": 2}], "plans": [_plan(key, edition) for key in _FEES], "coupons": [_COUPON]}


def _plan(key: str, edition: int) -> dict[str, object]:
    fee = {"currency": "usd", "model": "per_unit" if key == "seats" else "flat"}
    amount = str(Decimal(_FEES[key]) + edition)
    fee["unit_amount" if key == "seats" else "amount"] = amount
    kind = "seats" if key == "seats" else "recurring"
    work = {"currency": "usd", "model": "per_unit", "unit_amount": "0.0131", "included": "100"}
    charges: list[dict[str, object]] = [{"key": "base", "kind": kind, "prices": [fee]}]
    if key != "seats":
        charges.append({"key": "work", "kind": "usage", "meter": "work", "prices": [work]})
    quotas = [{"meter": "work", "limit": _QUOTAS[key], "reset": "period"}] if key in _QUOTAS else []
    return {"key": key, "intervals": ["day", "3 days"], "charges": charges, "quotas": quotas}


class Subscriber(Actor):
    """Does something about its subscription now and then; what did not go through is not known, and is done anew or not."""

    process = "web"

    def __init__(self, world: "World", customer: str) -> None:
        super().__init__(world, f"subscriber {customer}")
        self.customer, self.is_done = customer, False
        self._previewed: tuple[str, int] | None = None
        self._edition = 0
        self._card = world.stream(f"card of {customer}").choice(_CARDS)

    def step(self) -> timedelta | None:
        if self.is_done:
            return None
        with suppress(Busy, Conflict, IllegalTransition):
            self._act()
        return self.about(9)

    def _act(self) -> None:
        world, chance = self.world, self.random
        live = self.live()
        if live is None:
            world.app.subscribe(
                self.customer,
                chance.choice(("small", "large", "seats")),
                interval=chance.choice(("day", "3 days")),
                seats=chance.randint(0, 4),
                trial_days=chance.choice((0, 0, 1)),
                zone=chance.choice(("UTC", "Europe/Paris", "Asia/Tokyo")),
                coupon=chance.choice((None, None, "third")),
                collection=Collection(chance.choice((Method.INTENT, Method.HOSTED)), payment_method=self._card),
            )
            return
        if self._previewed is not None:
            self._accept()
            return
        self._change(live, chance.choice(("now", "later", "seats", "preview", "cancel", "undo", "pause", "end", "edition")))

    def live(self) -> Subscription | None:
        return next((s for s in self.world.app.subscriptions(self.customer) if s.status is not Status.CANCELED), None)

    def _change(self, live: Subscription, act: str) -> None:
        app, chance = self.world.app, self.random
        plan = chance.choice(("small", "large"))
        self.world.trace(f"{self.customer}: {act} {plan}")
        match act:
            case "now" | "later":
                app.change_subscription(live.id, plan=plan, when="now" if act == "now" else "period_end")
            case "seats":
                app.change_subscription(live.id, seats=chance.randint(0, 5), when="now")
            case "preview":
                shown = app.preview_change(live.id, plan=plan, interval=chance.choice((None, "day", "3 days")), when="now")
                assert shown.preview is not None
                self._previewed = shown.preview.id, shown.preview.amount_due
            case "cancel":
                app.cancel(live.id)
            case "undo":
                app.undo_change(live.id)
            case "pause":
                app.resume(live.id) if live.status is Status.PAUSED else app.pause(live.id)
            case "end":
                app.cancel(live.id, now=True, credit_unused=chance.random() < 0.5)
            case _:
                self._edition += 1
                app.apply_catalogue(catalogue(self._edition))

    def _accept(self) -> None:
        """Perhaps twice; what is charged is what was shown, or nothing is."""
        assert self._previewed is not None
        preview, shown = self._previewed
        self._previewed = None
        for _ in range(self.random.choice((1, 2))):
            invoice = self.world.app.accept_preview(preview).invoice
            if invoice is not None and invoice.total.minor != shown:
                raise self.world.wrong("preview", f"{preview} showed {shown}, and {invoice.total.minor} is asked for")

    def leaves(self) -> None:
        """In calm weather: brings its subscriptions up to now, and ends what still runs."""
        for subscription in self.world.app.subscriptions(self.customer):
            self.world.app.bill_subscription(subscription.id)
            if subscription.status is not Status.CANCELED:
                self.world.app.cancel(subscription.id, now=True, credit_unused=True)


def up_to_now(world: "World") -> None:
    """After a calm while, no period that is over is left to be turned or invoiced."""
    now = world.clock.now()
    for customer in CUSTOMERS:
        for subscription in world.app.subscriptions(customer):
            world.app.bill_subscription(subscription.id, graceless=True)
    for customer in CUSTOMERS:
        for subscription in world.app.subscriptions(customer):
            running = subscription.status in ENTITLED
            if running and subscription.period.end <= now:
                raise world.wrong("tiling", f"{subscription.id}: its period has ended at {subscription.period.end}")
            if world.app.check(customer, "work", "0.01").allowed and not running and not _another(world, customer):
                raise world.wrong("entitled", f"{customer}: {subscription.id} is {subscription.status}, and still grants")


def _another(world: "World", customer: str) -> bool:
    return any(s.status in ENTITLED for s in world.app.subscriptions(customer))


def billed(world: "World", truth: Truth) -> None:
    """Each event that came while a plan counted it is on one line of that subscription, and the quantities say so."""
    lines: dict[str, dict[tuple[int, int], Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for key, start, end, quantity in checkers.rows(world, _LINES):
        lines[key][start, end] += Decimal(quantity)
    spans: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for customer, key, start, until in checkers.rows(world, _SPANS):
        spans[key].append((customer, start, until))
    for key, counted in spans.items():
        mine = [event for event in truth.counting() if any(_within(event, span) for span in counted)]
        _check(world, key, lines[key], mine)


_LINES = """
SELECT charge_key, period_start, period_end, quantity FROM tallystick_invoice_lines
WHERE kind = 'usage' AND charge_key LIKE 'sub%'
"""
_SPANS = "SELECT customer_id, charge_key, counted_from, counted_until FROM tallystick_subscription_meters"


def _within(event: Event, span: tuple[str, int, Any]) -> bool:
    customer, start, until = span
    at = to_micros(event.at)
    return event.customer_id == customer and event.meter_key == "work" and start <= at and (until is None or at < until)


def _check(world: "World", key: str, periods: dict[tuple[int, int], Decimal], mine: list[Event]) -> None:
    left = {name_of(event): event for event in mine}
    for (start, end), quantity in sorted(periods.items()):
        inside = [event for event in mine if start <= to_micros(event.at) < end]
        if sum((event.quantity for event in inside), Decimal(0)) != quantity:
            raise world.wrong("billed once", f"{key}: {quantity} billed for {start}/{end}, sent were {inside}")
        for event in inside:
            if left.pop(name_of(event), None) is None:
                raise world.wrong("billed once", f"{key}: {event.id} is billed twice")
    if left:
        raise world.wrong("billed once", f"{key}: {sorted(left)} were never billed")


def served(world: "World") -> None:
    """Every moment between the end of a trial and the end of a subscription is paid once, but for its pauses."""
    for customer in CUSTOMERS:
        for subscription in world.app.subscriptions(customer):
            if checkers.rows(world, _VOID.format(id=subscription.id)):
                continue  # of what was never asked for nothing is given back, so that its time adds up to nothing
            paid = _paid_time(world, subscription)
            owed = _owed_time(world, subscription)
            if paid != owed:
                raise world.wrong("served", f"{subscription.id}: {paid} microseconds are paid, {owed} were served")


_VOID = """
SELECT l.id FROM tallystick_invoice_lines l JOIN tallystick_invoices i ON i.customer_id = l.customer_id AND i.id = l.invoice_id
WHERE i.subscription_id = '{id}' AND i.status = 'void' AND l.kind <> 'usage'
"""


def _paid_time(world: "World", subscription: Subscription) -> int:
    return sum((start - end) if kind == "credit" else (end - start) for _, kind, _, start, end in _fees(world, subscription))


def _fees(world: "World", subscription: Subscription) -> list[Any]:
    return checkers.rows(
        world,
        "SELECT id, kind, credits, period_start, period_end FROM tallystick_invoice_lines "
        f"WHERE charge_key = '{subscription.id}:base'",
    )


def _owed_time(world: "World", subscription: Subscription) -> int:
    """By the periods that were closed, and the one that is served."""
    asked = "SELECT period_start, period_end, kind FROM tallystick_subscription_periods WHERE subscription_id = "
    closed = checkers.rows(world, f"{asked}'{subscription.id}'")
    total: int = sum(end - start for start, end, kind in closed if kind == "service")
    if subscription.status not in {Status.CANCELED, Status.PAUSED}:
        total += to_micros(subscription.period.end) - to_micros(subscription.period.start)
    return total + _unused(world, subscription)


def _unused(world: "World", subscription: Subscription) -> int:
    """What was asked for beyond the end, and not given back: of one that ended at once without credit."""
    if subscription.ended_at is None:
        return 0
    ended, fees = to_micros(subscription.ended_at), _fees(world, subscription)
    credited = {of for _, _, of, _, _ in fees if of is not None}
    left = (end - ended for name, kind, _, start, end in fees if kind == "recurring" and name not in credited and start <= ended)
    return sum(max(each, 0) for each in left)
