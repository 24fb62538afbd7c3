"""Subscriptions that the provider bills, as the shell tells of them: asked for, ended, and shown with the provider's invoices."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tallystick.cli.engine import WOULD_ACT, facts, money_json, print_json, print_table, say
from tallystick.values.errors import Conflict, NotFound

if TYPE_CHECKING:
    from tallystick.app import Tallystick
    from tallystick.domain.provider_subscriptions import FollowedSubscription, MirroredInvoice
    from tallystick.flows.bring_provider_subscription import Brought

    Act = Callable[[Tallystick], FollowedSubscription]


def found(billing: "Tallystick", subscription: str) -> "FollowedSubscription | None":
    """The one of this id, if the provider bills it."""
    try:
        return billing.provider_subscription(subscription)
    except NotFound:
        return None


def refuse(billing: "Tallystick", subscription: str) -> None:
    """Raises Conflict where the provider bills it: what is about to be done is for those that we bill."""
    if found(billing, subscription) is not None:
        remedy = "here it can be ended by cancel, and go on by undo; the rest is done there, and followed"
        raise Conflict(f"subscription {subscription}: is billed by the provider: {remedy}", code="billed_by_provider")


def run(billing: "Tallystick", act: "Act", before: "FollowedSubscription | None", *, dry_run: bool, as_json: bool) -> int:
    """The wish, written down and told to the provider now; rehearsed, nobody is told."""
    if dry_run:
        after = billing.rehearse(lambda: act(billing))
        print_json({"subscription": as_json_of(after)}) if as_json else say(f"would be: {line(after)}")
        return WOULD_ACT if after != before else 0
    wanted = act(billing)
    brought = billing.bring_provider_subscription(wanted.id)
    stands = billing.provider_subscription(wanted.id)
    problem = _problem(stands, brought)
    if as_json:
        print_json({"subscription": as_json_of(stands), "problem": problem})
    else:
        say(line(stands))
        say(problem) if problem else None
        for url in [each.invoice.url for each in _invoices(billing, stands) if each.invoice.standing.value == "open"]:
            say(f"to be paid at {url}")
    return 1 if brought.refusal is not None or stands.standing.value == "refused" else 0


def show(billing: "Tallystick", followed: "FollowedSubscription", *, as_json: bool) -> None:
    """What was agreed, how it stands, and the provider's invoices, newest first."""
    invoices = _invoices(billing, followed)
    if as_json:
        print_json(as_json_of(followed) | {"invoices": [_invoice_json(each) for each in invoices]})
        return
    terms = followed.terms
    facts(
        {
            "subscription": followed.id,
            "billed by": "the provider",
            "there it is": followed.ref or "not known yet",
            "customer": followed.customer_id,
            "status": followed.standing,
            "plan": f"{terms.plan_key}, version {terms.plan_version}",
            "by the": f"{terms.cadence}, in {terms.currency.code}",
            "seats": terms.seats,
            "period": followed.period or "none yet",
            "at its end": ending(followed),
        }
        | ({} if followed.reason is None else {"reason": followed.reason})
    )
    if invoices:
        say()
        rows = [(i.number or i.ref, i.total, i.standing, i.url or "") for i in (each.invoice for each in invoices)]
        print_table(("number", "total", "status", "page"), rows)


def row(followed: "FollowedSubscription") -> tuple[object, ...]:
    """Its status, its period, and what comes at its end."""
    return followed.standing, followed.period or "", ending(followed)


def ending(followed: "FollowedSubscription") -> str:
    if followed.ended_at is not None:
        return "ended"
    if followed.told < followed.wishes:
        said = {"go_on": "is to go on", "period_end": "is to end with its period", "now": "is to end now"}
        return f"{said[followed.end.value]}; the provider is told"
    return "ends" if followed.ends_with_period else "goes on"


def line(followed: "FollowedSubscription") -> str:
    terms = followed.terms
    said = [
        f"{terms.plan_key} by the {terms.cadence}",
        f"{followed.standing}",
        *([str(followed.period)] if followed.period else []),
    ]
    if followed.reason is not None:
        said.append(followed.reason)
    return f"{followed.customer_id}: {', '.join((*said, ending(followed), 'billed by the provider'))}  [{followed.id}]"


def as_json_of(followed: "FollowedSubscription") -> dict[str, object]:
    """The words of a subscription that we bill, and what is known of it at the provider."""
    from tallystick.domain.plan_documents import write_terms
    from tallystick.values.time import rfc3339

    return {
        "id": followed.id,
        "billed_by": "provider",
        "customer": followed.customer_id,
        "status": followed.standing.value,
        "terms": write_terms(followed.terms),
        "next_terms": None,
        "cancel_at_period_end": followed.ends_with_period,
        "period": None if followed.period is None else str(followed.period),
        "started_at": rfc3339(followed.created_at),
        "ended_at": None if followed.ended_at is None else rfc3339(followed.ended_at),
        "provider_ref": followed.ref,
        "end": followed.end.value,
        "told": followed.told == followed.wishes,
        "reason": followed.reason,
    }


def _problem(stands: "FollowedSubscription", brought: "Brought") -> str | None:
    if brought.refusal is not None:
        return f"{brought.refusal.code}: {brought.refusal.message}"
    return "not known yet; the worker asks again" if brought.again_in and not stands.ended_at else None


def _invoices(billing: "Tallystick", followed: "FollowedSubscription") -> "list[MirroredInvoice]":
    listed = billing.provider_invoices(followed.customer_id, limit=200)
    return [each for each in listed if each.subscription_id == followed.id]


def _invoice_json(mirrored: "MirroredInvoice") -> dict[str, object]:
    invoice = mirrored.invoice
    return {
        "provider_ref": invoice.ref,
        "number": invoice.number,
        "status": invoice.standing.value,
        "total": money_json(invoice.total),
        "amount_due": money_json(invoice.amount_due),
        "url": invoice.url,
    }
