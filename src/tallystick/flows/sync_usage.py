"""Tell the provider the usage of a period now, and say by figures what it was told."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple, assert_never

from tallystick import domain, storage
from tallystick.domain.usage_exports import Export, ExportStatus, ExportStep
from tallystick.flows import _exports
from tallystick.flows.context import Context
from tallystick.providers.protocol import Limited, MeteredItem, Refused, Unknown
from tallystick.storage.jobs import JobName
from tallystick.storage.usage_exports import Which
from tallystick.values.decimals import EXACT
from tallystick.values.errors import NotFound, ProviderUnavailable
from tallystick.values.ids import CustomerId, MeterKey
from tallystick.values.time import Period

_AT_ONCE = 10_000
_ROUNDS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class SyncOrder:
    """Which usage: of a period, of one customer or of all, for one meter of the provider's or for all.

    `retry`: what the provider has rejected is sent once more, now that the cause is mended.
    """

    period: Period
    customer_id: CustomerId | None = None
    event_name: str | None = None
    retry: bool = False


class SyncKey(NamedTuple):
    """Whose usage of what, and what became of it; `code` says why, where it came to nothing."""

    customer_id: CustomerId
    meter_key: MeterKey
    event_name: str
    what: str
    code: str | None


@dataclass(frozen=True, slots=True)
class Synced:
    """How many facts came, or would come, to the same, and what they add up to."""

    key: SyncKey
    count: int
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What was done. `waiting` names those of whom something is left, for which the worker has a job; `refusal` says why."""

    synced: tuple[Synced, ...]
    waiting: tuple[CustomerId, ...] = ()
    refusal: Refused | None = None


def order_of_item(ctx: Context, item_ref: str, period: Period, *, retry: bool = False) -> SyncOrder:
    """The order for what one item of a subscription at the provider bills. Raises NotFound and ProviderUnavailable."""
    found = ctx.provider.metered_item(item_ref)
    match found:
        case MeteredItem(customer_ref, event_name):
            pass
        case Limited(message) | Unknown(message):
            raise ProviderUnavailable(f"{item_ref}: {message}")
        case Refused(code, message):
            raise NotFound(f"{item_ref}: {message}", field="subscription_item", code=code)
        case _:
            assert_never(found)
    with ctx.database.reading() as conn:
        customer = storage.customers.of_provider_ref(conn, customer_ref)
    if customer is None:
        raise NotFound(f"{item_ref}: belongs to {customer_ref}, who is no customer of ours", field="subscription_item")
    return SyncOrder(period, customer.id, event_name, retry)


def plan_sync(ctx: Context, order: SyncOrder) -> list[Synced]:
    """What `sync_usage` would do now, found by the same steps. It writes rows, so it is called in a rehearsal."""
    now = ctx.clock.now()
    planned = []
    for customer_id in _found(ctx, order):
        with ctx.database.transaction("plan sync") as conn:
            rows = storage.usage_exports.to_do(conn, customer_id, _which(ctx, order), limit=_AT_ONCE)
        for row in rows:
            step = domain.usage_exports.next_step(row, now=now)
            code = domain.usage_exports.unsendable(row, now=now) if step is ExportStep.REJECT else None
            planned.append((row, step.value, code))
    return _summed(planned)


def sync_usage(ctx: Context, order: SyncOrder) -> SyncReport:
    """Sends what waits, and takes back what counts no longer; run again it finds nothing more to do."""
    done: list[Export] = []
    waiting: list[CustomerId] = []
    for customer_id in _found(ctx, order):
        refusal, is_all = _sent(ctx, customer_id, _which(ctx, order), done)
        if refusal is not None:
            return SyncReport(tuple(_of_rows(done)), (*waiting, customer_id), refusal)
        if not is_all:
            waiting.append(customer_id)
    return SyncReport(tuple(_of_rows(done)), tuple(waiting))


def _found(ctx: Context, order: SyncOrder) -> list[CustomerId]:
    """Everything of the period has its row now; whose there are to be sent or taken back. Each has a job, should we stop."""
    for _ in range(_ROUNDS_MAX):
        with ctx.database.transaction("find usage to sync") as conn:
            _, is_all = _exports.find(ctx, conn, order.period, customer_id=order.customer_id)
        if is_all:
            break
    if order.retry:
        _reopen(ctx, order)
    return _jobs(ctx, order)


def _reopen(ctx: Context, order: SyncOrder) -> None:
    with ctx.database.transaction("retry sync") as conn:
        rejected = storage.usage_exports.with_status(
            conn, [ExportStatus.REJECTED], order.period, customer_id=order.customer_id, limit=_AT_ONCE
        )
        for row in rejected:
            if order.event_name in {None, row.event_name}:
                again = replace(domain.usage_exports.reopened(row, now=ctx.clock.now()), version=row.version + 1)
                storage.usage_exports.move(conn, row, again)


def _jobs(ctx: Context, order: SyncOrder) -> list[CustomerId]:
    """Everybody of whom something is to be done, each with a job."""
    wanted: list[CustomerId] = []
    after = None
    while True:
        with ctx.database.transaction("begin sync") as conn:
            found = storage.usage_exports.customers_to_do(conn, _which(ctx, order), after=after, limit=_AT_ONCE)
            mine = [each for each in found if order.customer_id in {None, each}]
            for customer_id in mine:
                storage.jobs.enqueue(conn, JobName.EXPORT_USAGE, customer_id, run_at=ctx.clock.now())
        wanted += mine
        if len(found) < _AT_ONCE:
            return wanted
        after = found[-1]


def _which(ctx: Context, order: SyncOrder) -> Which:
    return _exports.due(ctx, period=order.period, event_name=order.event_name)


def _sent(ctx: Context, customer_id: CustomerId, which: Which, done: list[Export]) -> tuple[Refused | None, bool]:
    """Why nothing more can be sent, and whether all is done that can be done now."""
    for _ in range(_ROUNDS_MAX):
        progress = _exports.send_some(ctx, customer_id, which)
        done += progress.done
        if progress.refusal is not None or progress.again_in is not None:
            return progress.refusal, False
        if not progress.done:
            break
    return None, True


def _of_rows(rows: Iterable[Export]) -> list[Synced]:
    return _summed((row, row.status.value, row.code) for row in rows)


def _summed(found: Iterable[tuple[Export, str, str | None]]) -> list[Synced]:
    sums: dict[SyncKey, tuple[int, Decimal]] = {}
    for row, what, code in found:
        key = SyncKey(row.customer_id, row.meter_key, row.event_name, what, code)
        count, quantity = sums.get(key, (0, Decimal(0)))
        sums[key] = (count + 1, EXACT.add(quantity, row.quantity))
    return [Synced(key, *sums[key]) for key in sorted(sums, key=lambda key: (*key[:4], key.code or ""))]
