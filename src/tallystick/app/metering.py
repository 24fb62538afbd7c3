"""The engine's calls around a piece of work: a part of a quota is held before it, and what was used is counted after it."""

import asyncio
import functools
import inspect
from collections.abc import Callable
from decimal import Decimal
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, cast

from tallystick import flows
from tallystick.app.engine import Engine
from tallystick.domain.customers import checked_key
from tallystick.domain.entitlements import TTL_DEFAULT, Decision, OperationStatus, checked_operation_id, checked_quantity
from tallystick.domain.refusals import refusal
from tallystick.flows._quota import Use
from tallystick.flows.reserve import Reserved
from tallystick.values.errors import Conflict, InvalidInput
from tallystick.values.ids import CustomerId, MeterKey, OperationId, ReservationId

Given = ParamSpec("Given")
Returned = TypeVar("Returned")
Quantity = str | int | Decimal
Customer = Callable[..., object]

_NAMES = ("customer_id", "customer", "user_id")
_RETRIES_MAX = 50


class MeteringCalls(Engine):
    """Work that is metered: held, done, counted."""

    def hold(self, customer_id: str, meter_key: str, quantity: Quantity = 1, *, op: str | None = None) -> "Held":
        """So much of the quota, held for a piece of work: `with billing.hold(…) as held:`. What was used is counted at the end.

        Under one `op` it counts once; where that work failed, it may be tried again under it. Raises QuotaExceeded where there is
        no room, and Forbidden where nothing entitles the customer.
        """
        customer = CustomerId(checked_key(customer_id, field="customer"))
        use = Use(customer, MeterKey(meter_key), checked_quantity(quantity), OperationId(op or self.context.ids.new("use")))
        checked_operation_id(use.id)
        reserved = self._reserved(use)
        if not reserved.decision.allowed:
            raise refusal(reserved.decision, meter_key, use.quantity, now=self.context.clock.now())
        return Held(self, reserved)

    def metered(
        self, meter_key: str, quantity: Quantity = 1, *, customer: Customer | None = None, op: Callable[..., str] | None = None
    ) -> Callable[[Callable[Given, Returned]], Callable[Given, Returned]]:
        """A decorator of functions, sync and async: each call holds `quantity`, and counts it once the function has returned.

        `customer` is given the call's arguments and says whose quota it is; without it, it is the argument called customer_id,
        customer or user_id. `op`, likewise, names the call. A function that raises has used nothing.
        """
        return metered(meter_key, quantity, customer=customer, op=op, billing=lambda: self)

    def finish(self, reservation_id: str, actual: Quantity | None = None) -> Decision:
        """As `commit`, for work that is done: counted once, beyond the limit too, and after the reservation's time."""
        used = None if actual is None else checked_quantity(actual, field="actual", zero=True)
        return flows.finish_use.finish_use(self.context, ReservationId(reservation_id), used)

    def _reserved(self, use: Use) -> Reserved:
        """Under the name of the use; where work of that name was begun and failed, under the next one."""
        for number in range(1, _RETRIES_MAX):
            named = use if number == 1 else Use(use.customer_id, use.meter_key, use.quantity, OperationId(f"{use.id}#{number}"))
            try:
                return flows.reserve.reserve(self.context, named, ttl=TTL_DEFAULT)
            except Conflict as conflict:
                if conflict.code != "reservation_ended":
                    raise
        raise Conflict(f"op {use.id}: has failed {_RETRIES_MAX} times; take another one", code="reservation_ended")


class Held:
    """A part of a quota during a piece of work. Set `actual` to what was used, if that is not what was held."""

    def __init__(self, billing: MeteringCalls, reserved: Reserved) -> None:
        assert reserved.operation is not None, "what is allowed is held"
        self.reservation_id = reserved.operation.reservation_id
        self.decision = reserved.decision
        self.is_counted = reserved.operation.status is OperationStatus.TAKEN
        self.actual: Quantity | None = None
        self._billing = billing

    def finish(self) -> Decision:
        """Counts what was used; once, however often the work is done under its name."""
        return self._billing.finish(self.reservation_id, self.actual)

    def release(self) -> None:
        """Gives it back: the work has failed. What was counted before stays counted."""
        try:
            flows.release.release(self._billing.context, self.reservation_id)
        except Conflict:
            self._billing.context.faults.mark("quota.kept")  # it was done before under this name, and counted

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None) -> None:
        if kind is None:
            self.finish()
        else:
            self.release()


def metered(
    meter_key: str, quantity: Quantity = 1, *, customer: Customer | None = None, op: Callable[..., str] | None = None,
    billing: Callable[[], MeteringCalls] | None = None,
) -> Callable[[Callable[Given, Returned]], Callable[Given, Returned]]:  # fmt: skip
    """As Tallystick.metered; `billing` says which engine, and without it, it is the one that the settings describe."""

    def around(function: Callable[Given, Returned]) -> Callable[Given, Returned]:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__name__}: yields; hold its quota with `with billing.hold(…) as held` inside of it")
        whose = customer or _by_name(function)

        def held(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Held:
            named = None if op is None else op(*args, **kwargs)
            return (billing or shared)().hold(str(whose(*args, **kwargs)), meter_key, quantity, op=named)

        if not inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            def counted(*args: Given.args, **kwargs: Given.kwargs) -> Returned:
                with held(args, kwargs):
                    return function(*args, **kwargs)

            return counted

        @functools.wraps(function)
        async def counted_async(*args: Given.args, **kwargs: Given.kwargs) -> Any:
            begun = await asyncio.to_thread(held, args, kwargs)
            try:
                returned = await function(*args, **kwargs)
            except BaseException:  # a task that was cancelled has used nothing either
                await asyncio.to_thread(begun.release)
                raise
            await asyncio.to_thread(begun.finish)
            return returned

        return cast(Callable[Given, Returned], counted_async)

    return around


@functools.cache
def shared(*, receives: bool = False) -> Any:
    """The engine that the settings of this process describe: made when it is first asked for, and the same one from then on.

    `receives` says that this process answers the webhooks of the sandbox, where it stands for Stripe.
    """
    from tallystick.app import Tallystick
    from tallystick.settings import read_settings

    settings = read_settings()
    return Tallystick.from_settings(settings, receives=receives and settings.sandbox)


def _by_name(function: Callable[..., object]) -> Customer:
    """Reads the customer out of the argument that is called so. Raises TypeError where there is none."""
    signature = inspect.signature(function)
    name = next((name for name in _NAMES if name in signature.parameters), None)
    if name is None:
        raise TypeError(f"{function.__name__}: has no argument called {', '.join(_NAMES)}; say customer=")

    def whose(*args: object, **kwargs: object) -> object:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        if given.arguments[name] is None:
            raise InvalidInput(f"{name}: is missing", field=name)
        return given.arguments[name]

    return whose
