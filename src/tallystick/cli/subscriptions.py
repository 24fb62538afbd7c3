"""Subscriptions on the shell: started, changed, paused and ended, each of which can be looked at before.

One noun for those that we bill and those that the provider does: the plan says which, and `billed by` tells.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tallystick.cli import followed, pages
from tallystick.cli.bill import as_json_of, collected_all, print_done
from tallystick.cli.engine import WOULD_ACT, DryRun, Json, engine, facts, print_json, print_table, say

if TYPE_CHECKING:
    from tallystick.app import Tallystick
    from tallystick.domain.invoices import Invoice
    from tallystick.domain.provider_subscriptions import FollowedSubscription
    from tallystick.domain.subscriptions import Subscription

    Row = tuple[object, ...]
    Act = Callable[[Tallystick], Subscription]

group = typer.Typer(no_args_is_help=True, help="Who is on which plan.")
AddOns = Annotated[
    list[str] | None, typer.Option("--add-on", help="KEY or KEY=QUANTITY; may be given several times: all that there are to be.")
]


def register(app: typer.Typer) -> None:
    group.command("page")(pages.subscribe)
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
    """Subscriptions in the order of their ids, whoever bills them."""
    with engine() as billing:
        found = _page(billing, status, {"customer_id": customer, "plan": plan, "after": after, "limit": limit})
    if as_json:
        print_json([document for _, document, _ in found])
        return
    print_table(("id", "customer", "plan", "by the", "status", "period", "at its end", "billed by"), [row for *_, row in found])


def _page(billing: "Tallystick", status: str | None, asked: dict[str, Any]) -> "list[tuple[str, dict[str, object], Row]]":
    """Of each its id, the document, and the row; of both kinds, where the status is one of theirs."""
    from tallystick.domain.provider_subscriptions import Standing
    from tallystick.domain.subscriptions import Status
    from tallystick.values.errors import InvalidInput

    ours, theirs = set(Status), set(Standing)
    if status is not None and status not in ours | theirs:
        raise InvalidInput(f"status: one of {', '.join(sorted(ours | theirs))}", field="status")
    found: list[tuple[str, dict[str, object], Row]] = []
    if status is None or status in ours:
        mine = billing.subscriptions(**asked, status=status)
        found += [(s.id, _as_json(s), (*_named(s), s.status, s.period, s.ending or "", "us")) for s in mine]
    if status is None or status in theirs:
        of_others = billing.provider_subscriptions(**asked, standing=status)
        found += [(f.id, followed.as_json_of(f), (*_named(f), *followed.row(f), "the provider")) for f in of_others]
    return sorted(found, key=lambda each: each[0])[: asked["limit"]]


def _named(each: "Subscription | FollowedSubscription") -> "Row":
    return each.id, each.customer_id, each.terms.plan_key, each.terms.cadence


@group.command("show")
def show(subscription: str, as_json: Json = False) -> None:
    """One subscription: what was agreed, and in which period it is."""
    with engine() as billing:
        theirs = followed.found(billing, subscription)
        if theirs is not None:
            followed.show(billing, theirs, as_json=as_json)
            return
        found = billing.subscription(subscription)
    if as_json:
        print_json(_as_json(found))
        return
    facts(
        {
            "subscription": found.id,
            "billed by": "us",
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
    """Put a customer on a plan, and ask for its first fees. If the provider bills the plan, it is asked for the subscription."""
    from tallystick.domain.payments import Collection
    from tallystick.domain.plans import BilledBy
    from tallystick.values.time import instant

    of_both: dict[str, Any] = {"currency": currency, "interval": interval, "seats": seats, "trial_days": trial_days, "op": op}
    of_ours = {"--add-on": add_on, "--coupon": coupon, "--start": start, "--test-card": test_card}
    with engine() as billing:
        if billing.plan(plan).billed_by is BilledBy.PROVIDER:
            said = [name for name, value in of_ours.items() if value] + ["--zone"] * (zone != "UTC")
            _refuse_options([*said, *["--anchoring"] * (anchoring != "anniversary")])
            theirs: followed.Act = lambda billing: billing.subscribe_at_provider(  # noqa: E731
                customer, plan, actor="shell", **of_both
            )
            return followed.run(billing, theirs, None, dry_run=dry_run, as_json=as_json)
        wanted = of_both | {
            "add_ons": _add_ons(add_on),
            "coupon": coupon,
            "start": None if start is None else instant(start, field="start"),
            "zone": zone,
            "anchoring": anchoring,
            "collection": Collection(payment_method=test_card),
        }
        ours: Act = lambda billing: billing.subscribe(customer, plan, actor="shell", **wanted)  # noqa: E731
        return _run(billing, ours, customer, dry_run, as_json)


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

    with engine() as billing:
        return _run(billing, changed, _Of(subscription), dry_run, as_json)


@group.command("cancel")
def cancel(
    subscription: str,
    now: Annotated[bool, typer.Option("--now", help="At once, and not with its period.")] = False,
    credit_unused: Annotated[bool, typer.Option("--credit-unused", help="With --now: give unused fees back.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> int:
    """End a subscription with its period, or now: then its usage so far is invoiced. The provider is told, where it bills."""
    if credit_unused and not now:
        raise typer.BadParameter("goes with --now; at the end of its period nothing is unused", param_hint="--credit-unused")
    ended: Act = lambda billing: billing.cancel(  # noqa: E731
        subscription, now=now, credit_unused=credit_unused, actor="shell"
    )
    with engine() as billing:
        before = followed.found(billing, subscription)
        if before is None:
            return _run(billing, ended, _Of(subscription), dry_run, as_json)
        _refuse_options(["--credit-unused"] * credit_unused)
        return _end_there(billing, before, "now" if now else "period_end", dry_run, as_json)


@group.command("undo")
def undo(subscription: str, dry_run: DryRun = False, as_json: Json = False) -> int:
    """Take back what was agreed for the end of the period."""
    with engine() as billing:
        before = followed.found(billing, subscription)
        if before is not None:
            return _end_there(billing, before, "go_on", dry_run, as_json)
        undone: Act = lambda billing: billing.undo_change(subscription, actor="shell")  # noqa: E731
        return _run(billing, undone, _Of(subscription), dry_run, as_json)


def _end_there(billing: "Tallystick", before: "FollowedSubscription", end: str, dry_run: bool, as_json: bool) -> int:
    ended: followed.Act = lambda billing: billing.end_at_provider(before.id, end, actor="shell")  # noqa: E731
    return followed.run(billing, ended, before, dry_run=dry_run, as_json=as_json)


def _refuse_options(said: list[str]) -> None:
    if said:
        raise typer.BadParameter("not with a plan that the provider bills", param_hint=", ".join(said))


@group.command("pause")
def pause(subscription: str, dry_run: DryRun = False, as_json: Json = False) -> int:
    """Pause a subscription: usage so far is invoiced, unused fees are given back."""
    with engine() as billing:
        paused: Act = lambda billing: billing.pause(subscription, actor="shell")  # noqa: E731
        return _run(billing, paused, _Of(subscription), dry_run, as_json)


@group.command("resume")
def resume(subscription: str, dry_run: DryRun = False, as_json: Json = False) -> int:
    """Take a paused subscription up again, in a period that begins now."""
    with engine() as billing:
        resumed: Act = lambda billing: billing.resume(subscription, actor="shell")  # noqa: E731
        return _run(billing, resumed, _Of(subscription), dry_run, as_json)


@group.command("upcoming")
def upcoming(subscription: str, as_json: Json = False) -> None:
    """The invoice at the end of the current period, if nothing more were used."""
    with engine() as billing:
        followed.refuse(billing, subscription)
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

    with engine() as billing:
        return _run(billing, billed, _Of(subscription), dry_run, as_json)


class _Of(str):
    """A subscription, by whose customer the invoices of an act are found."""

    __slots__ = ()


def _run(billing: "Tallystick", act: "Act", whose: str, dry_run: bool, as_json: bool) -> int:
    """The act, in earnest or rehearsed; prints how the subscription stands then, and what is asked for."""
    if isinstance(whose, _Of):
        followed.refuse(billing, whose)

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
        "billed_by": "tallystick",
        "customer": subscription.customer_id,
        "status": subscription.status.value,
        "terms": write_terms(subscription.terms),
        "next_terms": None if subscription.next_terms is None else write_terms(subscription.next_terms),
        "cancel_at_period_end": subscription.cancel_at_period_end,
        "period": str(subscription.period),
        "started_at": rfc3339(subscription.started_at),
        "ended_at": None if subscription.ended_at is None else rfc3339(subscription.ended_at),
    }
