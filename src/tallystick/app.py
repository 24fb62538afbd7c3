"""The object that a program holds: it wires the parts, and hands each call over to one flow."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from tallystick import domain, flows, storage
from tallystick.domain.api_keys import ApiKey, IssuedKey, Principal
from tallystick.domain.catalog import Charge
from tallystick.domain.catalog_documents import Change
from tallystick.domain.customers import Customer, checked_key
from tallystick.domain.entitlements import TTL_DEFAULT, Decision, Entitlement, Quota, checked_operation_id, checked_quantity
from tallystick.domain.invoices import Invoice, InvoiceStatus
from tallystick.domain.usage import Answer, Event, Meter, Usage
from tallystick.flows._quota import Use
from tallystick.flows.backlog import Backlog
from tallystick.flows.bill_usage import Collection, Order
from tallystick.flows.collect import Collected
from tallystick.flows.context import Context, Terms
from tallystick.flows.explain_invoice import Explanation
from tallystick.flows.idempotently import Kept
from tallystick.flows.reserve import Reserved
from tallystick.flows.verify import Report
from tallystick.storage.audit import Entry
from tallystick.storage.database import Database
from tallystick.storage.jobs import Job
from tallystick.storage.usage import EventQuery
from tallystick.values.errors import Conflict, InvalidInput, NotFound, WrongConfiguration
from tallystick.values.ids import CustomerId, EventId, Ids, InvoiceId, MeterKey, OperationId, ReservationId, SystemIds
from tallystick.values.time import Clock, Period, SystemClock

if TYPE_CHECKING:
    from tallystick.sandbox.server import Sandbox
    from tallystick.settings import Settings
    from tallystick.wiring import Wired

_PAGE = 500


class Tallystick:
    """The billing engine. Synchronous, safe to share between threads; two in one process know nothing of each other.

    Everything it raises is a TallystickError. Times are aware and UTC; money is in minor units of its currency.
    """

    def __init__(self, context: Context, *, sandbox: "Sandbox | None" = None, publishable_key: str = "") -> None:
        self.context, self.sandbox, self.publishable_key = context, sandbox, publishable_key
        self._api_key_pepper: str | None = None

    @classmethod
    def from_url(cls, url: str, *, clock: Clock | None = None, ids: Ids | None = None, terms: Terms | None = None) -> Self:
        """An engine on `url` (sqlite:///file, sqlite:// or postgresql://…), its schema up to date, the sandbox for Stripe.

        The sandbox keeps its state beside the SQLite file, else in memory.
        """
        from tallystick import wiring  # imports the SDK: not before it is needed

        clock = clock or SystemClock()
        database = Database.from_url(url, clock=clock)
        path = None if database.path is None else f"{database.path}-sandbox"
        wired = wiring.sandboxed(path, clock=clock, before_call=wiring.outside(database))
        return cls._wired(Context(database, clock, ids or SystemIds(clock), wired.provider, terms or Terms()), wired)

    @classmethod
    def from_settings(cls, settings: "Settings", *, clock: Clock | None = None, receives: bool = False) -> Self:
        """The engine that the settings describe: Stripe where there is a key, else the sandbox.

        `receives` says that this process answers the provider's webhooks.
        """
        from tallystick import wiring

        clock = clock or SystemClock()
        database = Database.from_url(settings.database_url, clock=clock)
        wired = wiring.from_settings(settings, clock=clock, before_call=wiring.outside(database), receives=receives)
        terms = Terms(timedelta(days=settings.due_days), settings.number_prefix)
        app = cls._wired(Context(database, clock, SystemIds(clock), wired.provider, terms), wired)
        if settings.api_key_pepper is not None:
            app._api_key_pepper = settings.api_key_pepper.get_secret_value()
        return app

    @classmethod
    def _wired(cls, context: Context, wired: "Wired") -> Self:
        context.database.migrate()
        app = cls(context, sandbox=wired.sandbox, publishable_key=wired.publishable_key)
        app._pin_mode("sandbox" if wired.sandbox is not None else "live" if wired.provider.livemode else "test")
        return app

    def _pin_mode(self, mode: str) -> None:
        with self.context.database.transaction("pin mode") as conn:
            pinned = storage.settings.pin(conn, "mode", mode)
        if pinned != mode:
            raise WrongConfiguration(f"DATABASE_URL: this database is of {pinned} mode, the key of {mode} mode; use one for each")

    def close(self) -> None:
        """Gives back every connection; the engine is of no use afterwards."""
        self.context.database.close()

    # The catalogue

    def put_meter(self, meter: Meter) -> None:
        """The meter as given; one that has events keeps its aggregation and decimals: Conflict."""
        with self.context.database.transaction("put meter") as conn:
            storage.catalog.put_meter(conn, meter, at=self.context.clock.now())

    def meters(self) -> dict[MeterKey, Meter]:
        """Every meter, by key."""
        with self.context.database.reading() as conn:
            return storage.catalog.meters(conn)

    def put_charge(self, charge: Charge) -> None:
        """What the charge's meter costs from now on; lines that are billed keep the price they were billed with."""
        with self.context.database.transaction("put charge") as conn:
            if charge.meter_key not in storage.catalog.meters(conn):
                raise InvalidInput("meter: there is no such meter; create it first", field="meter", code="unknown_meter")
            storage.catalog.put_charge(conn, charge, at=self.context.clock.now())

    def charges(self) -> dict[str, Charge]:
        """Every charge, by key."""
        with self.context.database.reading() as conn:
            return storage.catalog.charges(conn)

    def apply_catalogue(self, document: Mapping[str, object], *, dry_run: bool = False, actor: str = "system") -> list[Change]:
        """Makes the catalogue what the document says; the changes made, or, in a dry run, those that would be."""
        wanted = domain.catalog_documents.read_catalogue(document)
        return flows.apply_catalogue.apply_catalogue(self.context, wanted, dry_run=dry_run, actor=actor)

    # Customers

    def put_customer(self, customer_id: str, *, email: str | None = None, name: str | None = None) -> Customer:
        """The customer with these details; made if there was none. Their provider reference stays."""
        now = self.context.clock.now()
        customer = Customer(CustomerId(checked_key(customer_id, field="customer")), now, email, name)
        with self.context.database.transaction("put customer") as conn:
            if not storage.customers.add(conn, customer):
                storage.customers.update(conn, customer)
            return _known(storage.customers.get(conn, customer.id))

    def customer(self, customer_id: str) -> Customer:
        """Raises NotFound."""
        with self.context.database.reading() as conn:
            return _known(storage.customers.get(conn, CustomerId(customer_id)))

    def customers(self, *, after: str | None = None, limit: int = 50) -> list[Customer]:
        """A page of customers, in the order of their ids, behind `after`."""
        with self.context.database.reading() as conn:
            return storage.customers.page(conn, after=None if after is None else CustomerId(after), limit=limit)

    def customers_with_usage(self) -> Iterator[CustomerId]:
        """Everybody who has ever used anything, in order, read in pages."""
        after: CustomerId | None = None
        while True:
            with self.context.database.reading() as conn:
                page = storage.usage.customers_with_usage(conn, after=after, limit=_PAGE)
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1]

    # Usage

    def record(self, events: Sequence[Event], *, backfill: bool = False, actor: str = "system") -> list[Answer]:
        """A verdict per event, in order; what is recorded is on disk. `backfill` takes old events too, and is audited."""
        return flows.ingest.ingest(self.context, events, backfill=backfill, actor=actor)

    def usage(self, customer_id: str, meter_key: str, period: Period) -> Usage:
        """What the customer used of the meter in the period: exact, and live. Raises NotFound for an unknown meter."""
        with self.context.database.reading() as conn:
            meter = storage.catalog.meters(conn).get(MeterKey(meter_key))
            if meter is None:
                raise NotFound("meter: there is no such meter", field="meter")
            return storage.usage.total(conn, CustomerId(customer_id), meter, period)

    def event(self, customer_id: str, source: str, event_id: str) -> Event:
        """The event as it was recorded. Raises NotFound."""
        with self.context.database.reading() as conn:
            event = storage.usage.get_event(conn, CustomerId(customer_id), source, EventId(event_id))
        if event is None:
            raise NotFound("event: there is no such event", field="event")
        return event

    def events(
        self, customer_id: str, *, meter_key: str | None = None, period: Period | None = None, after: Event | None = None,
        limit: int = 50,
    ) -> list[Event]:  # fmt: skip
        """A page of the customer's events in the order of their time, behind `after`."""
        query = EventQuery(CustomerId(customer_id), None if meter_key is None else MeterKey(meter_key), period)
        with self.context.database.reading() as conn:
            return storage.usage.events(conn, query, after=after, limit=limit)

    # Quotas

    def grant(self, customer_id: str, meter_key: str, quota: Quota, *, actor: str = "system") -> Entitlement:
        """What the customer may use of the meter, from now on; made if there was no such customer. A limit of 0 takes it away."""
        customer = CustomerId(checked_key(customer_id, field="customer"))
        return flows.grant_entitlement.grant_entitlement(self.context, customer, MeterKey(meter_key), quota, actor=actor)

    def check(self, customer_id: str, meter_key: str, quantity: str | int | Decimal = 1) -> Decision:
        """Whether so much may be used now; nothing is taken. Whoever means to use it calls `consume` or `reserve`."""
        return flows.check_quota.check_quota(self.context, _use(customer_id, meter_key, quantity))

    def consume(self, customer_id: str, meter_key: str, quantity: str | int | Decimal = 1, *, op: str) -> Decision:
        """The decision; where it allows, the quantity is taken and recorded as usage, once for `op`: do not `record` it too."""
        return flows.consume.consume(self.context, _use(customer_id, meter_key, quantity, op))

    def reserve(
        self, customer_id: str, meter_key: str, quantity: str | int | Decimal = 1, *, op: str, ttl: timedelta = TTL_DEFAULT
    ) -> "Reservation":
        """A part of the quota, held until `ttl` from now; nothing of it is usage before it is committed."""
        return Reservation(self, flows.reserve.reserve(self.context, _use(customer_id, meter_key, quantity, op), ttl=ttl))

    def commit(self, reservation_id: str, actual: str | int | Decimal | None = None) -> Decision:
        """What was really used of a reservation (None: all of it), taken and recorded; the rest is given back."""
        quantity = None if actual is None else checked_quantity(actual, field="actual", zero=True)
        return flows.commit_reservation.commit_reservation(self.context, ReservationId(reservation_id), quantity)

    def release(self, reservation_id: str) -> None:
        """Gives back what was reserved; released twice, or after its time, is released once."""
        flows.release.release(self.context, ReservationId(reservation_id))

    # Invoices

    def preview(self, customer_id: str, *, until: datetime | None = None) -> list[Invoice]:
        """What `bill` would open at `until` (None: now), one invoice per currency, by the same function; nothing is kept."""
        return flows.bill_usage.preview_usage(self.context, Order(CustomerId(customer_id), until))

    def bill(
        self, customer_id: str, *, until: datetime | None = None, charges: Iterable[str] | None = None,
        collection: Collection | None = None, actor: str = "system",
    ) -> list[Invoice]:  # fmt: skip
        """The invoices opened for usage before `until` (None: now); a second call finds nothing more to bill."""
        order = Order(CustomerId(customer_id), until, None if charges is None else tuple(charges))
        return flows.bill_usage.bill_usage(self.context, order, collection or Collection(), actor=actor)

    def collect(self, invoice_id: InvoiceId) -> Collected:
        """The invoice's payment, brought as far as it goes now."""
        return flows.collect.collect(self.context, domain.payments.payment_id(invoice_id))

    def invoice(self, invoice_id: str) -> Invoice:
        """Raises NotFound."""
        with self.context.database.reading() as conn:
            invoice = storage.invoices.get(conn, InvoiceId(invoice_id))
        if invoice is None:
            raise NotFound("invoice: there is no such invoice", field="invoice")
        return invoice

    def invoices(
        self, *, customer_id: str | None = None, status: str | None = None, after: str | None = None, limit: int = 50
    ) -> list[Invoice]:
        """A page of invoices, newest first, behind `after`; of one customer or status where given."""
        if status is not None and status not in set(InvoiceStatus):
            raise InvalidInput(f"status: one of {', '.join(InvoiceStatus)}", field="status")
        with self.context.database.reading() as conn:
            return storage.invoices.page(
                conn,
                customer_id=None if customer_id is None else CustomerId(customer_id),
                status=None if status is None else InvoiceStatus(status),
                after=None if after is None else InvoiceId(after),
                limit=limit,
            )

    def find_invoice(self, reference: str) -> Invoice:
        """The invoice of that id or number, or the one that the provider's object of that id collects. Raises NotFound."""
        with self.context.database.reading() as conn:
            numbered, payment = storage.invoices.by_number(conn, reference), storage.payments.by_ref(conn, reference)
        return numbered or self.invoice(reference if payment is None else payment.invoice_id)

    def explain(self, invoice_id: str, *, events_max: int = 20) -> Explanation:
        """The invoice with its payment, and each line with the first of its events."""
        return flows.explain_invoice.explain_invoice(self.context, InvoiceId(invoice_id), events_max=events_max)

    def void(self, invoice_id: str, *, reason: str, actor: str = "system") -> Invoice:
        """The open invoice, taken back here and at the provider. What is paid cannot be voided: Conflict."""
        return flows.void_invoice.void_invoice(self.context, InvoiceId(invoice_id), reason=reason, actor=actor)

    # The provider, and the truth

    def receive(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Keeps one webhook delivery of the provider's; whether it was new. Raises InvalidInput for a forged one."""
        return flows.receive_provider_event.receive_provider_event(self.context, body, headers)

    def audit(self, *, before: int | None = None, limit: int = 50) -> list[Entry]:
        """Who did what, and why, newest first, below the number `before`."""
        with self.context.database.reading() as conn:
            return storage.audit.page(conn, before=before, limit=limit)

    def verify(self) -> Report:
        """Proves the books: every invariant, over everything."""
        return flows.verify.verify(self.context)

    # Doors

    def create_api_key(
        self, name: str, scopes: Sequence[str], *, life: timedelta | None = None, actor: str = "system"
    ) -> IssuedKey:
        """A new key, good for `life` (a year); its token is shown now and never again."""
        return flows.api_keys.issue(self.context, name, scopes, under=self._pepper(), life=life, actor=actor)

    def authenticate(self, token: str) -> Principal:
        """Whose token it is. Raises Unauthorized for one that is unknown, expired or revoked."""
        return flows.api_keys.authenticate(self.context, token, under=self._pepper())

    def revoke_api_key(self, key_id: str, *, actor: str = "system") -> ApiKey:
        """The key, which opens nothing from now on. Raises NotFound."""
        return flows.api_keys.revoke(self.context, key_id, actor=actor)

    def api_keys(self, *, after: str | None = None, limit: int = 200) -> list[ApiKey]:
        """A page of keys, in the order of their ids, behind `after`; never with a secret."""
        return flows.api_keys.listed(self.context, after=after, limit=limit)

    def once(self, key: str, route: str, fingerprint: str, effect: Callable[[], tuple[int, str]]) -> Kept:
        """What `effect` answers, done once per idempotency key, kept with it in one transaction."""
        return flows.idempotently.idempotently(self.context, key, route, fingerprint, effect)

    def backlog(self) -> Backlog:
        """How far behind the worker is."""
        return flows.backlog.backlog(self.context)

    def dead_jobs(self, *, limit: int = 100) -> list[Job]:
        """The jobs that were given up, newest first, each with its last error."""
        return flows.dead_jobs.dead_jobs(self.context, limit=limit)

    def retry_dead_jobs(self, *, actor: str = "system") -> int:
        """Begins every dead job anew; how many there were."""
        return flows.dead_jobs.retry_dead_jobs(self.context, actor=actor)

    def _pepper(self) -> bytes:
        return flows.api_keys.pepper(self.context, self._api_key_pepper)


def _known(customer: Customer | None) -> Customer:
    if customer is None:
        raise NotFound("customer: there is no such customer", field="customer")
    return customer


def _use(customer_id: str, meter_key: str, quantity: str | int | Decimal, op: str | None = None) -> Use:
    named = OperationId("") if op is None else checked_operation_id(op)
    return Use(CustomerId(customer_id), MeterKey(meter_key), checked_quantity(quantity), named)


class Reservation:
    """A part of a quota that is held for one operation; where `decision` denied it, nothing is, and `id` is None."""

    def __init__(self, billing: Tallystick, reserved: Reserved) -> None:
        operation = reserved.operation
        self.decision = reserved.decision
        self.id = None if operation is None else operation.reservation_id
        self.expires_at = None if operation is None else operation.expires_at
        self._billing = billing

    def commit(self, actual: str | int | Decimal | None = None) -> Decision:
        """What was really used (None: all of it), taken and recorded; the rest is given back."""
        return self._billing.commit(self._held(), actual)

    def release(self) -> None:
        """Gives it back; nothing is recorded."""
        self._billing.release(self._held())

    def _held(self) -> ReservationId:
        if self.id is None:
            raise Conflict(f"reservation: was denied ({self.decision.reason}); look at `decision` first", code="not_reserved")
        return self.id
