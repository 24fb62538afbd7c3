"""Change what a subscription is for: at once, with what that costs on one invoice, or from the end of its period on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.invoices import Invoice
from tallystick.domain.plan_documents import write_terms
from tallystick.domain.subscriptions import PREVIEW_LIFE, PlanTerms, Subscription
from tallystick.flows import _change, _subscriptions, _turn
from tallystick.flows._change import Change, When
from tallystick.flows.context import Context
from tallystick.storage.previews import Preview
from tallystick.values.errors import Conflict, NotFound
from tallystick.values.ids import SubscriptionId, derived
from tallystick.values.time import rfc3339


@dataclass(frozen=True, slots=True)
class Changed:
    """The subscription as it is now, or would be; the invoice of the change, and the preview that it can be accepted by."""

    subscription: Subscription
    invoice: Invoice | None = None
    preview: Preview | None = None


def preview_change(ctx: Context, subscription_id: SubscriptionId, change: Change) -> Changed:
    """What the change would come to now, and a preview of it: while that lasts, what it shows is what is charged.

    What is over is invoiced first, as it would be before the change itself.
    """
    _turn.bring_up(ctx, subscription_id, graceless=True)
    return ctx.database.run("preview change", lambda conn: _previewed(ctx, conn, subscription_id, change))


def _previewed(ctx: Context, conn: Connection, subscription_id: SubscriptionId, change: Change) -> Changed:
    kept, now = _subscriptions.locked(conn, subscription_id), ctx.clock.now()
    before = kept.subscription
    terms = _change.wanted_terms(conn, before, change)
    immediate = _change.at_once(conn, before, terms, change.when)
    after, invoice = _outcome(ctx, conn, before, terms, at=now if immediate else None)
    preview = Preview(
        id=derived("prv", before.id, str(before.version), rfc3339(now), str(write_terms(terms)), str(immediate)),
        customer_id=before.customer_id,
        subscription_id=before.id,
        terms=terms,
        immediate=immediate,
        at=now,
        expires_at=now + PREVIEW_LIFE,
        currency=terms.currency,
        amount_due=0 if invoice is None else invoice.total.minor,
        fingerprint=_change.fingerprint(before, invoice),
        subscription_version=before.version,
    )
    storage.previews.add(conn, preview)
    return Changed(after, invoice, preview)


def _outcome(
    ctx: Context, conn: Connection, before: Subscription, terms: PlanTerms, *, at: datetime | None
) -> tuple[Subscription, Invoice | None]:
    if at is None:
        _subscriptions.sold(conn, terms)
        return domain.subscriptions.scheduled(before, terms), None
    proposal = _change.proposed(conn, before, terms, at=at)
    return proposal.after, _subscriptions.drafted(ctx, conn, proposal.billing)


def change_subscription(ctx: Context, subscription_id: SubscriptionId, change: Change, *, actor: str = "system") -> Changed:
    """The subscription under its new terms, and the invoice of the change; or with them agreed for the end of its period.

    Raises InvalidInput for what is not offered, Conflict where it is canceled or paused.
    """
    _turn.bring_up(ctx, subscription_id, graceless=True, actor=actor)

    def changed(conn: Connection) -> Changed:
        kept, now = _subscriptions.locked(conn, subscription_id), ctx.clock.now()
        terms = _change.wanted_terms(conn, kept.subscription, change)
        if terms == kept.subscription.terms and kept.subscription.next_terms is None:
            return Changed(kept.subscription)
        immediate = _change.at_once(conn, kept.subscription, terms, change.when)
        return _made(ctx, conn, subscription_id, terms, at=now if immediate else None, actor=actor)

    return ctx.database.run("change subscription", changed)


def accept_preview(ctx: Context, preview_id: str, *, actor: str = "system") -> Changed:
    """The change that the preview has shown, as of the instant at which it was shown, for exactly its amount.

    Accepted twice is accepted once. Raises NotFound; Conflict where it has expired, or something has changed since.
    """
    with ctx.database.reading() as conn:
        preview = storage.previews.get(conn, preview_id)
    if preview is None:
        raise NotFound("preview: there is no such preview; ask for one", field="preview")
    if ctx.clock.now() >= preview.expires_at and not preview.accepted:
        raise Conflict(
            f"preview {preview.id}: was good until {rfc3339(preview.expires_at)}; ask for another", code="preview_expired"
        )
    _turn.bring_up(ctx, preview.subscription_id, graceless=True, actor=actor)

    def accepted(conn: Connection) -> Changed:
        kept = _subscriptions.locked(conn, preview.subscription_id)
        if storage.previews.accepted(conn, preview):
            return Changed(kept.subscription)
        _check(ctx, conn, kept.subscription, preview)
        storage.previews.accept(conn, preview)
        at = preview.at if preview.immediate else None
        return _made(ctx, conn, preview.subscription_id, preview.terms, at=at, actor=actor)

    return ctx.database.run("accept preview", accepted)


def _check(ctx: Context, conn: Connection, subscription: Subscription, preview: Preview) -> None:
    """Whether the preview still shows what would be charged. Raises Conflict."""
    outdated = Conflict(
        f"preview {preview.id}: the subscription, its usage or its balance has changed since; ask for another",
        code="preview_outdated",
    )
    if subscription.version != preview.subscription_version:
        raise outdated
    if not preview.immediate:
        return
    _, invoice = _outcome(ctx, conn, subscription, preview.terms, at=preview.at)
    if _change.fingerprint(subscription, invoice) != preview.fingerprint:
        ctx.faults.mark("preview.outdated")
        raise outdated


def _made(
    ctx: Context, conn: Connection, subscription_id: SubscriptionId, terms: PlanTerms, *, at: datetime | None, actor: str
) -> Changed:
    kept = _subscriptions.found(conn, subscription_id)
    if at is None:
        _subscriptions.sold(conn, terms)
        after = domain.subscriptions.scheduled(kept.subscription, terms)
        saved = _subscriptions.save(ctx, conn, kept, after, act="subscription.change_scheduled", actor=actor)
        return Changed(saved)
    proposal = _change.proposed(conn, kept.subscription, terms, at=at)
    saved, invoice = _change.made(ctx, conn, kept, proposal, act="subscription.changed", actor=actor)
    return Changed(saved, invoice)


__all__ = ["Change", "Changed", "When", "accept_preview", "change_subscription", "preview_change"]
