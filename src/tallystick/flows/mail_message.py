"""Write the letter of one message and hand it to the mail server. Who gets it is looked up now: no address is kept with it."""

from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.letters import Letter, Locale
from tallystick.domain.messages import TO_CUSTOMER, DispatchStatus, Message, Reply
from tallystick.flows import _documents, _dunning_letters
from tallystick.flows.context import Context
from tallystick.values.ids import InvoiceId, MessageId

log = structlog.get_logger("tallystick.mail")


def mail_message(ctx: Context, message_id: MessageId, target: str) -> timedelta | None:
    """None once it is handed over or given up; else how long to wait before the next try.

    A letter is sent again only where nobody knows whether it was taken: then under the same Message-ID.
    """
    now = ctx.clock.now()
    with ctx.database.reading() as conn:
        message, dispatch = storage.messages.get(conn, message_id), storage.messages.dispatched(conn, message_id, target)
        if message is None or dispatch is None or dispatch.status is not DispatchStatus.WAITING:
            return None
        to, letter = _address(ctx, conn, message, target), _letter(ctx, conn, message, target, with_files=True)
    if dispatch.next_at is not None and now < dispatch.next_at:
        return dispatch.next_at - now
    if to is None:
        reply = Reply(error="there is no address any more", final=True)
    else:
        mail_id = domain.messages.mail_id(dispatch, ctx.outgoing.mail_domain)
        reply = ctx.mailer.send(letter, to=to, message_id=mail_id)
    after = domain.messages.after_try(dispatch, reply, now=ctx.clock.now())
    with ctx.database.transaction("mail message") as conn:
        if not storage.messages.move(conn, dispatch, after):
            ctx.faults.mark("mail.lost_race")
            return timedelta(0)
    if not ctx.mailer.is_real:
        log.info("mail.shown", message=message.id, type=message.type)
    return None if after.next_at is None else after.next_at - now


def shown(ctx: Context, *, limit: int = 50) -> list[tuple[str, str, Letter]]:
    """The newest letters: how each stands, to whom, and what it says, written anew from the same facts."""
    with ctx.database.reading() as conn:
        dispatches = storage.messages.newest(conn, domain.messages.Channel.MAIL, limit=limit)
        letters = []
        for dispatch in dispatches:
            message = storage.messages.get(conn, dispatch.message_id)
            assert message is not None, "a dispatch is of a message"
            to = _address(ctx, conn, message, dispatch.target) or "nobody"
            letters.append((dispatch.status.value, to, _letter(ctx, conn, message, dispatch.target)))
    return letters


def _letter(ctx: Context, conn: Connection, message: Message, target: str, *, with_files: bool = False) -> Letter:
    document: Any = message.body["data"]
    locale = _locale(ctx, conn, message, target)
    if message.type in domain.dunning_letters.TYPES:
        url = _dunning_letters.link(ctx, conn, document["id"])
        return domain.dunning_letters.letter_of(message.type, document, locale, url=url)
    if message.type == domain.invoice_letters.TYPE:
        return _documents.letter(ctx, conn, InvoiceId(document["id"]), locale, with_files=with_files)
    return domain.letters.letter_of(document, locale)


def _locale(ctx: Context, conn: Connection, message: Message, target: str) -> Locale:
    """The language of who gets it: the customer's own, where they have one."""
    if target != TO_CUSTOMER or message.customer_id is None:
        return ctx.outgoing.locale
    customer = storage.customers.get(conn, message.customer_id)
    if customer is None or customer.language is None:
        return ctx.outgoing.locale
    return "ja" if customer.language == "ja" else "en"


def _address(ctx: Context, conn: Connection, message: Message, target: str) -> str | None:
    if target != TO_CUSTOMER:
        return ctx.outgoing.operator
    customer = None if message.customer_id is None else storage.customers.get(conn, message.customer_id)
    return None if customer is None else customer.email
