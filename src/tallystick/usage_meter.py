"""Usage and quotas of an app's users, in the app's own transaction: committed with its work, or rolled back with it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

from sqlalchemy.orm import Session

from tallystick import flows
from tallystick.app import Tallystick
from tallystick.app.starter import API_CALLS, SCRAPING_TASKS, TOKENS
from tallystick.domain.customers import checked_key
from tallystick.domain.entitlements import Decision, checked_operation_id, checked_quantity
from tallystick.domain.refusals import in_words
from tallystick.domain.usage import Meter
from tallystick.flows._quota import Use
from tallystick.flows.context import Context
from tallystick.providers.protocol import PaymentProvider
from tallystick.storage.database import Database
from tallystick.values.ids import CustomerId, OperationId, SystemIds
from tallystick.values.time import SystemClock

Metadata = Mapping[str, Any] | None


def record_token_usage(
    session: Session, user_id: object, tokens: int, metadata: Metadata = None, *, op: str | None = None,
    billing: Tallystick | None = None,
) -> Decision:  # fmt: skip
    """Counts the tokens in the transaction of `session`, whatever the limit says; how the quota stands after it.

    `op` is your own name for this use: recorded again under it, it counts once. `billing`: an engine whose clock is asked.
    """
    return _record(TOKENS, session, _use(TOKENS, user_id, tokens, op), metadata, billing)


def record_api_call_usage(
    session: Session, user_id: object, calls: int = 1, metadata: Metadata = None, *, op: str | None = None,
    billing: Tallystick | None = None,
) -> Decision:  # fmt: skip
    """As record_token_usage, for API calls."""
    return _record(API_CALLS, session, _use(API_CALLS, user_id, calls, op), metadata, billing)


def record_scraping_task_usage(
    session: Session, user_id: object, tasks: int = 1, metadata: Metadata = None, *, op: str | None = None,
    billing: Tallystick | None = None,
) -> Decision:  # fmt: skip
    """As record_token_usage, for scraping tasks."""
    return _record(SCRAPING_TASKS, session, _use(SCRAPING_TASKS, user_id, tasks, op), metadata, billing)


def check_token_quota(
    session: Session, user_id: object, requested_tokens: int = 1, *, billing: Tallystick | None = None
) -> tuple[bool, str | None]:
    """(True, None) where so many more may be used now, else (False, why not, in words). Nothing is taken."""
    return _check(TOKENS, session, _use(TOKENS, user_id, requested_tokens), billing)


def check_api_call_quota(
    session: Session, user_id: object, requested_calls: int = 1, *, billing: Tallystick | None = None
) -> tuple[bool, str | None]:
    """As check_token_quota, for API calls."""
    return _check(API_CALLS, session, _use(API_CALLS, user_id, requested_calls), billing)


def check_scraping_task_quota(
    session: Session, user_id: object, requested_tasks: int = 1, *, billing: Tallystick | None = None
) -> tuple[bool, str | None]:
    """As check_token_quota, for scraping tasks."""
    return _check(SCRAPING_TASKS, session, _use(SCRAPING_TASKS, user_id, requested_tasks), billing)


def _record(meter: Meter, session: Session, use: Use, metadata: Metadata, billing: Tallystick | None) -> Decision:
    properties = {str(name): value if isinstance(value, str) else json.dumps(value) for name, value in (metadata or {}).items()}
    with _within(session, billing, writes=use.quantity > 0) as ctx:
        if not use.quantity:
            return flows.check_quota.check_quota(ctx, use)
        named = Use(use.customer_id, use.meter_key, use.quantity, use.id or OperationId(ctx.ids.new("use")))
        return flows.record_use.record_use(ctx, named, meter, properties)


def _check(meter: Meter, session: Session, use: Use, billing: Tallystick | None) -> tuple[bool, str | None]:
    with _within(session, billing, writes=False) as ctx:
        decision = flows.check_quota.check_quota(ctx, use)
    return decision.allowed, None if decision.allowed else in_words(decision, meter.key, use.quantity)


def _use(meter: Meter, user_id: object, quantity: int | str | Decimal, op: str | None = None) -> Use:
    customer = CustomerId(checked_key("" if user_id is None else str(user_id), field="user_id"))
    named = OperationId("") if op is None else checked_operation_id(op)
    return Use(customer, meter.key, checked_quantity(quantity, field=meter.key, zero=True), named)


@contextmanager
def _within(session: Session, billing: Tallystick | None, *, writes: bool) -> Iterator[Context]:
    """A context whose transactions are the session's own."""
    conn = session.connection()
    ctx = _context(conn.engine.url.render_as_string(hide_password=False)) if billing is None else billing.context
    with ctx.database.within(conn, writes=writes):
        yield ctx


@lru_cache(maxsize=16)
def _context(url: str) -> Context:
    """Opens nothing: all that happens, happens on the host's connection."""
    clock = SystemClock()
    return Context(Database.from_url(url, clock=clock), clock, SystemIds(clock), cast(PaymentProvider, None))
