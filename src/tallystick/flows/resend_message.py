"""Send a message once more, because somebody asks for it: under the same id, so that who has it already can tell."""

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.messages import Channel, Dispatch, Endpoint
from tallystick.flows import _outgoing
from tallystick.flows.context import Context
from tallystick.values.errors import Conflict, NotFound
from tallystick.values.ids import EndpointId, MessageId


def resend_message(
    ctx: Context, message_id: MessageId, endpoint_id: EndpointId | None = None, *, actor: str = "system"
) -> list[Dispatch]:
    """On its way anew: to that endpoint, or to each that it went to and that still wants to be told. Letters are not sent again.

    Raises NotFound; and Conflict where nobody is there to send it to.
    """
    now = ctx.clock.now()
    with ctx.database.transaction("resend message") as conn:
        if storage.messages.get(conn, message_id) is None:
            raise NotFound("message: there is no such message", field="message")
        sent = []
        for endpoint in _endpoints(conn, message_id, endpoint_id):
            fresh = Dispatch(message_id, endpoint.id, Channel.WEBHOOK, now, next_at=now)
            if not storage.messages.dispatch(conn, fresh):
                before = storage.messages.dispatched(conn, message_id, endpoint.id)
                assert before is not None, "it was there just now"
                storage.messages.move(conn, before, domain.messages.begun_anew(before, now=now))
            _outgoing.send(conn, fresh)
            sent.append(fresh)
        if not sent:
            raise Conflict("message: it went to no endpoint that is enabled; name one", code="nobody_to_tell")
        after = {"endpoints": [dispatch.target for dispatch in sent]}
        storage.audit.append(conn, storage.audit.Act(actor, "message.resent", message_id, after=after), at=now)
    return sent


def _endpoints(conn: Connection, message_id: MessageId, endpoint_id: EndpointId | None) -> list[Endpoint]:
    if endpoint_id is not None:
        endpoint = storage.endpoints.get(conn, endpoint_id)
        if endpoint is None:
            raise NotFound("endpoint: there is no such endpoint", field="endpoint")
        if not endpoint.enabled:
            raise Conflict(f"endpoint {endpoint_id}: is disabled; enable it first", code="endpoint_disabled")
        return [endpoint]
    dispatches = storage.messages.dispatches_of(conn, [message_id]).get(message_id, [])
    targets = [EndpointId(found.target) for found in dispatches if found.channel is Channel.WEBHOOK]
    known = [storage.endpoints.get(conn, target) for target in targets]
    return [endpoint for endpoint in known if endpoint is not None and endpoint.enabled]
