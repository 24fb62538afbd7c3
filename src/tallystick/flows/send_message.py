"""Send one message to one endpoint: signed, outside of any transaction, and tried again by its schedule."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.couriers.signing import signed_headers
from tallystick.domain.messages import Dispatch, DispatchStatus, Endpoint, Message, Reply
from tallystick.flows import _alerts, _outgoing
from tallystick.flows.context import Context
from tallystick.storage.types import json_text
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import EndpointId, MessageId


def send_message(ctx: Context, message_id: MessageId, endpoint_id: EndpointId) -> timedelta | None:
    """None once it is delivered or given up; else how long to wait before the next try.

    At least once: where the answer is lost, it is sent again under the same id.
    """
    now = ctx.clock.now()
    with ctx.database.reading() as conn:
        message, dispatch = storage.messages.get(conn, message_id), storage.messages.dispatched(conn, message_id, endpoint_id)
        endpoint = storage.endpoints.get(conn, endpoint_id)
        if message is None or dispatch is None or dispatch.status is not DispatchStatus.WAITING:
            return None
        secrets = [] if endpoint is None else _secrets(ctx, conn, endpoint, now)
    if dispatch.next_at is not None and now < dispatch.next_at:
        return dispatch.next_at - now
    if endpoint is None or not endpoint.enabled:
        why = "the endpoint was removed" if endpoint is None else "the endpoint is disabled"
        _give_up(ctx, dispatch, why)
        return None
    if endpoint.paused_until is not None and now < endpoint.paused_until:
        ctx.faults.mark("send.endpoint_paused")
        return endpoint.paused_until - now
    return _learn(ctx, dispatch, endpoint_id, _posted(ctx, message, endpoint, secrets))


def _secrets(ctx: Context, conn: Connection, endpoint: Endpoint, now: datetime) -> list[str]:
    key = _outgoing.key(ctx, conn)
    return [domain.messages.secret_of(key, endpoint.id, number) for number in endpoint.secret_numbers(now)]


def _posted(ctx: Context, message: Message, endpoint: Endpoint, secrets: list[str]) -> Reply:
    try:
        target = domain.egress.checked_url(endpoint.url, local=ctx.outgoing.local)
    except InvalidInput as refusal:  # it was taken under other settings
        return Reply(error=refusal.message)
    body = json_text(message.body).encode()
    return ctx.egress.post(target, signed_headers(message.id, ctx.clock.now(), body, secrets), body)


def _learn(ctx: Context, dispatch: Dispatch, endpoint_id: EndpointId, reply: Reply) -> timedelta | None:
    now = ctx.clock.now()
    with ctx.database.transaction("send message") as conn:
        endpoint = storage.endpoints.locked(conn, endpoint_id)
        after = domain.messages.after_try(dispatch, reply, now=now)
        if not storage.messages.move(conn, dispatch, after):
            ctx.faults.mark("send.lost_race")
            return timedelta(0)
        if endpoint is not None:
            _note(conn, endpoint, domain.messages.endpoint_after(endpoint, after, reply, now=now), now)
    return None if after.next_at is None else after.next_at - now


def _note(conn: Connection, before: Endpoint, after: Endpoint, now: datetime) -> None:
    storage.endpoints.save(conn, after)
    if after.enabled or not before.enabled:
        return
    reason = after.disabled_reason or ""
    _alerts.tell(conn, domain.alerts.of_disabled(after.id, reason, after.only_for, at=now))
    act = storage.audit.Act("system", "endpoint.disabled", after.id, reason=reason)
    storage.audit.append(conn, act, at=now)


def _give_up(ctx: Context, dispatch: Dispatch, why: str) -> None:
    with ctx.database.transaction("give message up") as conn:
        storage.messages.move(conn, dispatch, domain.messages.given_up(dispatch, why, now=ctx.clock.now()))
