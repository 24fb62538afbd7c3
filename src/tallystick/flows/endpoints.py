"""Endpoints: made with a secret that is shown once, changed, given a new secret, tested, removed."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from tallystick import domain, storage
from tallystick.domain.messages import OVERLAP_DEFAULT, TEST_TYPE, Channel, Endpoint, IssuedEndpoint, Message
from tallystick.flows import _outgoing
from tallystick.flows.context import Context
from tallystick.values.errors import Conflict, InvalidInput, NotFound
from tallystick.values.ids import CustomerId, EndpointId, MessageId

ENDPOINTS_MAX = 100  # each piece of news looks at all of them


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be changed of an endpoint; None leaves it as it is."""

    url: str | None = None
    types: Collection[str] | None = None
    enabled: bool | None = None


def create(
    ctx: Context, url: str, types: Collection[str], *, only_for: CustomerId | None = None, actor: str = "system"
) -> IssuedEndpoint:
    """A new endpoint; its secret is in the answer and nowhere else."""
    now = ctx.clock.now()
    target, wanted = domain.egress.checked_url(url, local=ctx.outgoing.local), domain.messages.checked_types(types)
    with ctx.database.transaction("create endpoint") as conn:
        if only_for is not None and storage.customers.get(conn, only_for) is None:
            raise InvalidInput("customer: there is no such customer", field="customer", code="unknown_customer")
        if len(storage.endpoints.page(conn, limit=ENDPOINTS_MAX)) >= ENDPOINTS_MAX:
            raise Conflict(f"endpoints: there are {ENDPOINTS_MAX} already; remove one first", code="too_many_endpoints")
        endpoint = Endpoint(EndpointId(ctx.ids.new("ep")), target.url, wanted, only_for, now)
        storage.endpoints.add(conn, endpoint)
        _audit(conn, "endpoint.created", endpoint, actor, at=now)
        return _issued(ctx, conn, endpoint)


def update(ctx: Context, endpoint_id: EndpointId, wanted: Wanted, *, actor: str = "system") -> Endpoint:
    """The endpoint as it is now. One that is enabled begins with a clean record. Raises NotFound."""
    now = ctx.clock.now()
    with ctx.database.transaction("update endpoint") as conn:
        before = _locked(conn, endpoint_id)
        after = before
        if wanted.url is not None:
            after = replace(after, url=domain.egress.checked_url(wanted.url, local=ctx.outgoing.local).url)
        if wanted.types is not None:
            after = replace(after, types=domain.messages.checked_types(wanted.types))
        if wanted.enabled is not None and wanted.enabled is not before.enabled:
            after = replace(after, enabled=wanted.enabled, disabled_reason=None, failures=0, paused_until=None)
        if after != before:
            storage.endpoints.save(conn, after)
            _audit(conn, "endpoint.updated", after, actor, at=now)
    return after


def rotate(
    ctx: Context, endpoint_id: EndpointId, *, overlap: timedelta = OVERLAP_DEFAULT, actor: str = "system"
) -> IssuedEndpoint:
    """A new secret; for as long as `overlap` messages are signed with the one before it too. Raises NotFound."""
    now = ctx.clock.now()
    with ctx.database.transaction("rotate secret") as conn:
        endpoint = domain.messages.rotated(_locked(conn, endpoint_id), now=now, overlap=overlap)
        storage.endpoints.save(conn, endpoint)
        _audit(conn, "endpoint.rotated", endpoint, actor, at=now)
        return _issued(ctx, conn, endpoint)


def try_out(ctx: Context, endpoint_id: EndpointId, *, actor: str = "system") -> Message:
    """A message to this endpoint alone, whatever types it wants. Raises NotFound; Conflict where it is disabled."""
    now = ctx.clock.now()
    with ctx.database.transaction("test endpoint") as conn:
        endpoint = _locked(conn, endpoint_id)
        if not endpoint.enabled:
            raise Conflict(f"endpoint {endpoint_id}: is disabled; enable it first", code="endpoint_disabled")
        body = domain.messages.body(TEST_TYPE, {"id": endpoint_id}, at=now)
        message = Message(MessageId(ctx.ids.new("msg")), TEST_TYPE, endpoint.only_for, body, now)
        _outgoing.put(ctx, conn, message, [(endpoint_id, Channel.WEBHOOK)])
        _audit(conn, "endpoint.tested", endpoint, actor, at=now)
    return message


def remove(ctx: Context, endpoint_id: EndpointId, *, actor: str = "system") -> None:
    """Nothing more is sent to it; what it was sent stays in the list. Raises NotFound."""
    now = ctx.clock.now()
    with ctx.database.transaction("remove endpoint") as conn:
        endpoint = _locked(conn, endpoint_id)
        storage.endpoints.remove(conn, endpoint_id)
        _audit(conn, "endpoint.removed", endpoint, actor, at=now)


def _issued(ctx: Context, conn: Connection, endpoint: Endpoint) -> IssuedEndpoint:
    key = _outgoing.made_key(ctx, conn)
    return IssuedEndpoint(endpoint, domain.messages.secret_of(key, endpoint.id, endpoint.secret_number))


def _locked(conn: Connection, endpoint_id: EndpointId) -> Endpoint:
    endpoint = storage.endpoints.locked(conn, endpoint_id)
    if endpoint is None:
        raise NotFound("endpoint: there is no such endpoint", field="endpoint")
    return endpoint


def _audit(conn: Connection, action: str, endpoint: Endpoint, actor: str, *, at: datetime) -> None:
    # Of the URL its host alone: paths and queries of others often hold a token.
    host = domain.egress.host_of(endpoint.url)
    after = {"host": host, "types": list(endpoint.types), "enabled": endpoint.enabled, "only_for": endpoint.only_for}
    storage.audit.append(conn, storage.audit.Act(actor, action, endpoint.id, after=after), at=at)
