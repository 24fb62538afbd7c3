"""A preview of an act upon a subscription, kept for half an hour; and the act itself, previewed or not."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.invoices import Invoice
from tallystick.domain.plan_documents import write_terms
from tallystick.domain.subscriptions import PREVIEW_LIFE, RUNNING, Act, PlanTerms, Subscription
from tallystick.flows import _change, _subscriptions, _turn
from tallystick.flows._change import Changed
from tallystick.flows.context import Context
from tallystick.storage.previews import Preview
from tallystick.storage.subscriptions import Kept
from tallystick.values.errors import Conflict
from tallystick.values.ids import SubscriptionId, derived
from tallystick.values.time import rfc3339

Asked = Callable[[Connection, Subscription], tuple[Act, PlanTerms]]


def only(act: Act) -> Asked:
    """The act, under the terms as they are."""
    return lambda _conn, subscription: (act, subscription.terms)


def previewed(ctx: Context, subscription_id: SubscriptionId, asked: Asked) -> Changed:
    """What the act would come to now, and a preview of it: while that lasts, what it shows is what is charged.

    What is over is invoiced first, as it would be before the act itself.
    """
    _turn.bring_up(ctx, subscription_id, graceless=True)

    def preview(conn: Connection) -> Changed:
        standing, at = _brought_up(ctx, conn, subscription_id)
        before = standing.subscription
        act, terms = asked(conn, before)
        proposal = _change.outcome(conn, before, act, terms, at=at)
        invoice = _subscriptions.drafted(ctx, conn, proposal.billing)
        kept = _preview(before, act, terms, invoice, at=at)
        storage.previews.add(conn, kept)
        return Changed(proposal.after, invoice, kept)

    return ctx.database.run("preview", preview)


def _preview(before: Subscription, act: Act, terms: PlanTerms, invoice: Invoice | None, *, at: datetime) -> Preview:
    return Preview(
        id=derived("prv", before.id, str(before.version), rfc3339(at), act, str(write_terms(terms))),
        customer_id=before.customer_id,
        subscription_id=before.id,
        act=act,
        terms=terms,
        at=at,
        expires_at=at + PREVIEW_LIFE,
        currency=terms.currency,
        amount_due=0 if invoice is None else invoice.total.minor,
        fingerprint=_change.fingerprint(before, invoice),
        subscription_version=before.version,
    )


def done(ctx: Context, subscription_id: SubscriptionId, asked: Asked, *, actor: str) -> Changed:
    """The act, done now; what is over is invoiced first."""
    _turn.bring_up(ctx, subscription_id, graceless=True, actor=actor)

    def do(conn: Connection) -> Changed:
        kept, at = _brought_up(ctx, conn, subscription_id)
        act, terms = asked(conn, kept.subscription)
        proposal = _change.outcome(conn, kept.subscription, act, terms, at=at)
        if proposal.after == kept.subscription:
            return Changed(kept.subscription)
        return _change.made(ctx, conn, kept, act, proposal, actor=actor)

    return ctx.database.run("change subscription", do)


def accepted(ctx: Context, preview: Preview, *, actor: str) -> Changed:
    """The act that the preview has shown, as of the instant at which it was shown, for exactly its amount."""
    _turn.bring_up(ctx, preview.subscription_id, graceless=True, actor=actor)

    def accept(conn: Connection) -> Changed:
        kept = _subscriptions.locked(conn, preview.subscription_id)
        if storage.previews.accepted(conn, preview):
            return Changed(kept.subscription)
        _check(kept.subscription.version == preview.subscription_version, preview)
        proposal = _change.outcome(conn, kept.subscription, preview.act, preview.terms, at=preview.at)
        shown = _change.fingerprint(kept.subscription, _subscriptions.drafted(ctx, conn, proposal.billing))
        _check(shown == preview.fingerprint, preview)
        storage.previews.accept(conn, preview)
        return _change.made(ctx, conn, kept, preview.act, proposal, actor=actor)

    return ctx.database.run("accept preview", accept)


def _brought_up(ctx: Context, conn: Connection, subscription_id: SubscriptionId) -> tuple[Kept, datetime]:
    """The subscription, locked, and the instant of what is done to it. Raises Conflict where its period has ended just now."""
    kept, now = _subscriptions.locked(conn, subscription_id), ctx.clock.now()
    over = kept.subscription.status in RUNNING and kept.subscription.period.end <= now
    if over or storage.subscriptions.to_invoice(conn, kept.subscription):
        raise Conflict(f"subscription {subscription_id}: its period has just ended; ask again", code="changed_meanwhile")
    return kept, domain.subscriptions.instant(kept.subscription, now)


def _check(holds: bool, preview: Preview) -> None:
    if not holds:
        raise Conflict(
            f"preview {preview.id}: the subscription, its usage or its balance has changed since; ask for another",
            code="preview_outdated",
        )
