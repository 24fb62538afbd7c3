"""Subscriptions on the shell: started, changed, paused and ended, each of which can be looked at before."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.bill import as_json_of, collected_all, print_done
from tallystick.cli.engine import WOULD_ACT, DryRun, Json, engine, facts, print_json, print_table, say

if TYPE_CHECKING:
    from tallystick.app import Tallystick
    from tallystick.domain.invoices import Invoice
    from tallystick.domain.subscriptions import Subscription

    Act = Callable[[Tallystick], Subscription]

group = typer.Typer(no_args_is_help=True, help="Who is on which plan.")
AddOns = Annotated[
    list[str] | None, typer.Option("--add-on", help="KEY or KEY=QUANTITY; may be given several times: all that there are to be.")
]


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="subscriptions")


@group.command("list")
def listed(
    customer: Annotated[str | None, typer.Option(help="Only of this customer.")] = None,
    status: Annotated[str | None, typer.Option(help="Such as active, past_due or canceled.")] = None,
    plan: Annotated[str | None, typer.Option(help="Only of this plan.")] = None,
    after: Annotated[str | None, typer.Option(help="Start behind this subscription.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    as_json: Json = False,
) -> None:
    """Subscriptions in the order of their ids."""
    with engine() as billing:
        found = billing.subscriptions(customer, status=status, plan=plan, after=after, limit=limit)
    if as_json:
        print_json([_as_json(each) for each in found])
        return
    rows = [(s.id, s.customer_id, s.terms.plan_key, s.terms.cadence, s.status, s.period, s.ending or "") for s in found]
    print_table(("id", "customer", "plan", "by the", "status", "period", "at its end"), rows)


@group.command("show")
def show(subscription: str, as_json: Json = False) -> None:
    """One subscription: what was agreed, and in which period it is."""
    with engine() as billing:
        found = billing.subscription(subscription)
    if as_json:
        print_json(_as_json(found))
        return
    facts(
        {
            "subscription": found.id,
            "customer": found.customer_id,
            "status": found.status,
            "plan": f"{found.terms.plan_key}, version {found.terms.plan_version}",
            "by the": f"{found.terms.cadence}, in {found.terms.currency.code}",
            "seats": found.terms.seats,
            "add-ons": ", ".join(f"{each.quantity} {each.plan_key}" for each in found.terms.add_ons) or "none",
            "period": found.period,
            "at its end": _ending(found),
        }
    )


@group.command("start")
def start(
    customer: str,
    plan: str,
    currency: Annotated[str | None, typer.Option(help="Where the plan has prices in several.")] = None,
    interval: Annotated[str | None, typer.Option(help='"month", "year" or "3 months"; the plan\'s first if not given.')] = None,
    seats: Annotated[int, typer.Option()] = 1,
    add_on: AddOns = None,
    coupon: Annotated[str | None, typer.Option(help="Redeemed for this subscription.")] = None,
    trial_days: Annotated[int | None, typer.Option(help="Another trial than the plan's.")] = None,
    start: Annotated[str | None, typer.Option(help="An RFC 3339 time, not after now; now if not given.")] = None,
    zone: Annotated[str, typer.Option(help="Where its months begin, such as Asia/Tokyo.")] = "UTC",
    anchoring: Annotated[str, typer.Option(help="anniversary, or calendar: the first of the month.")] = "anniversary",
    op: Annotated[str | None, typer.Option(help="Your own name for it: given again, it is the same subscription.")] = None,
    test_card: Annotated[str | None, typer.Option(help="Test mode: charge this card, such as pm_card_visa.")] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Put a customer on a plan, and ask for its first fees."""
    from tallystick.domain.payments import Collection
    from tallystick.values.time import instant

    wanted = {
        "currency": currency,
        "interval": interval,
        "seats": seats,
        "add_ons": _add_ons(add_on),
        "coupon": coupon,
        "trial_days": trial_days,
        "start": None if start is None else instant(start, field="start"),
        "zone": zone,
        "anchoring": anchoring,
        "collection": Collection(payment_method=test_card),
        "op": op,
    }
    return _run(lambda billing: billing.subscribe(customer, plan, actor="shell", **wanted), customer, dry_run, as_json)


@group.command("change")
def change(
    subscription: str,
    plan: Annotated[str | None, typer.Option(help="Also the same one, to go over to its newest version.")] = None,
    interval: Annotated[str | None, typer.Option(help='"month", "year" or "3 months".')] = None,
    seats: Annotated[int | None, typer.Option()] = None,
    add_on: AddOns = None,
    no_add_ons: Annotated[bool, typer.Option("--no-add-ons", help="Take all add-ons away.")] = False,
    when: Annotated[str, typer.Option(help="now, period_end, or auto: upwards now, downwards then.")] = "auto",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Change a subscription, and ask for the difference."""
    add_ons = None if add_on is None and not no_add_ons else _add_ons(add_on)

    def changed(billing: "Tallystick") -> "Subscription":
        said = {"plan": plan, "interval": interval, "seats": seats, "add_ons": add_ons, "when": when}
        return billing.change_subscription(subscription, actor="shell", **said).subscription

    return _run(changed, _Of(subscription), dry_run, as_json)


@group.command("cancel")
def cancel(
    subscription: str,
    now: Annotated[bool, typer.Option("--now", help="At once, and not with its period.")] = False,
    credit_unused: Annotated[bool, typer.Option("--credit-unused", help="With --now: give unused fees back.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """End a subscription with its period, or now: then its usage so far is invoiced."""
    if credit_unused and not now:
        raise typer.BadParameter("goes with --now; at the end of its period nothing is unused", param_hint="--credit-unused")
    ended: Act = lambda billing: billing.cancel(  # noqa: E731
        subscription, now=now, credit_unused=credit_unused, actor="shell"
    )
    return _run(ended, _Of(subscription), dry_run, as_json)


@group.command("undo")
def undo(subscription: str, dry_run: DryRun = False, as_json: Json = False) -> int:
    """Take back what was agreed for the end of the period."""
    return _run(lambda billing: billing.undo_change(subscription, actor="shell"), _Of(subscription), dry_run, as_json)


@group.command("pause")
def pause(subscription: str, dry_run: DryRun = False, as_json: Json = False) -> int:
    """Pause a subscription: usage so far is invoiced, unused fees are given back."""
    return _run(lambda billing: billing.pause(subscription, actor="shell"), _Of(subscription), dry_run, as_json)


@group.command("resume")
def resume(subscription: str, dry_run: DryRun = False, as_json: Json = False) -> int:
    """Take a paused subscription up again, in a period that begins now."""
    return _run(lambda billing: billing.resume(subscription, actor="shell"), _Of(subscription), dry_run, as_json)


@group.command("upcoming")
def upcoming(subscription: str, as_json: Json = False) -> None:
    """The invoice at the end of the current period, if nothing more were used."""
    with engine() as billing:
        found = billing.upcoming(subscription)
        if as_json:
            print_json(None if found is None else _drafted(found))
        elif found is None:
            say("there will be none")
        else:
            print_invoice(found)


@group.command("bill")
def bill(
    subscription: str,
    graceless: Annotated[bool, typer.Option("--graceless", help="Wait for no late usage of a period that is over.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """Invoice what is over of a subscription; the worker does this by itself."""

    def billed(billing: "Tallystick") -> "Subscription":
        billing.bill_subscription(subscription, graceless=graceless)
        return billing.subscription(subscription)

    return _run(billed, _Of(subscription), dry_run, as_json)


class _Of(str):
    """A subscription, by whose customer the invoices of an act are found."""

    __slots__ = ()


def _run(act: "Act", whose: str, dry_run: bool, as_json: bool) -> int:
    """The act, in earnest or rehearsed; prints how the subscription stands then, and what is asked for."""
    with engine() as billing:

        def opened() -> "tuple[Subscription, list[Invoice]]":
            customer = billing.subscription(whose).customer_id if isinstance(whose, _Of) else whose
            before = {invoice.id for invoice in billing.invoices(customer_id=customer, limit=200)}
            after = act(billing)
            found = billing.invoices(customer_id=customer, limit=200)
            return after, [invoice for invoice in reversed(found) if invoice.id not in before]

        if dry_run:
            stands = billing.subscription(whose) if isinstance(whose, _Of) else None
            subscription, invoices = billing.rehearse(opened)
            _print_rehearsed(subscription, invoices, as_json)
            return WOULD_ACT if invoices or subscription != stands else 0
        subscription, invoices = opened()
        done = collected_all(billing, invoices)
        subscription = billing.subscription(subscription.id)
    if as_json:
        print_json({"subscription": _as_json(subscription), "invoices": [as_json_of(*each) for each in done]})
    else:
        say(_line(subscription))
        print_done(done)
    return 0 if all(collected is None or collected.refusal is None for _, collected in done) else 1


def _print_rehearsed(subscription: "Subscription", invoices: "list[Invoice]", as_json: bool) -> None:
    if as_json:
        print_json({"subscription": _as_json(subscription), "invoices": [_drafted(invoice) for invoice in invoices]})
        return
    say(f"would be: {_line(subscription)}")
    for invoice in invoices:
        print_invoice(invoice)
    if not invoices:
        say("nothing would be asked for now")


def print_invoice(invoice: "Invoice") -> None:
    """What would stand on it, line by line."""
    from tallystick.values.decimals import plain

    rows: list[tuple[object, ...]] = []
    rows += [(line.description, line.kind, plain(line.quantity), line.period, line.amount) for line in invoice.lines]
    rows += [(f"discount {each.description}", "discount", "", "", -each.amount) for each in invoice.discounts]
    carried = ("from before", invoice.carried_in), ("credit", -invoice.credits_applied), ("to the next one", -invoice.carried_out)
    rows += [(name, "", "", "", amount) for name, amount in carried if amount.minor]
    print_table(("what", "kind", "quantity", "period", "amount"), rows)
    say(f"total {invoice.total}")


def _drafted(invoice: "Invoice") -> dict[str, object]:
    return as_json_of(invoice, None) | {
        "number": None,
        "lines": [
            {"charge": line.charge_key, "kind": line.kind.value, "period": str(line.period), "amount": line.amount.minor}
            for line in invoice.lines
        ],
    }


def _add_ons(said: list[str] | None) -> dict[str, int]:
    found = {}
    for each in said or ():
        key, _, quantity = each.partition("=")
        if not key or not (quantity or "1").isdecimal():
            raise typer.BadParameter("write it as KEY or KEY=QUANTITY", param_hint="--add-on")
        found[key] = int(quantity or "1")
    return found


def _ending(subscription: "Subscription") -> str:
    if subscription.next_terms is not None:
        return f"changes to {subscription.next_terms.plan_key}"
    return "ends" if subscription.cancel_at_period_end else "goes on"


def _line(subscription: "Subscription") -> str:
    terms = subscription.terms
    return (
        f"{subscription.customer_id}: {terms.plan_key} by the {terms.cadence}, {subscription.status}, {subscription.period}, "
        f"{'ended' if subscription.ended_at else _ending(subscription)}  [{subscription.id}]"
    )


def _as_json(subscription: "Subscription") -> dict[str, object]:
    from tallystick.domain.plan_documents import write_terms
    from tallystick.values.time import rfc3339

    return {
        "id": subscription.id,
        "customer": subscription.customer_id,
        "status": subscription.status.value,
        "terms": write_terms(subscription.terms),
        "next_terms": None if subscription.next_terms is None else write_terms(subscription.next_terms),
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "period": str(subscription.period),
        "started_at": rfc3339(subscription.started_at),
        "ended_at": None if subscription.ended_at is None else rfc3339(subscription.ended_at),
    }
