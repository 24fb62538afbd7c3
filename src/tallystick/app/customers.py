"""The engine's calls about who is billed."""

from collections.abc import Iterator

from tallystick import storage
from tallystick.app.engine import Engine
from tallystick.domain.customers import Customer, checked_key, checked_language
from tallystick.values.errors import NotFound
from tallystick.values.ids import CustomerId

_PAGE = 500


class CustomerCalls(Engine):
    """Customers, one by one and in pages."""

    def put_customer(
        self, customer_id: str, *, email: str | None = None, name: str | None = None, language: str | None = None
    ) -> Customer:
        """The customer with these details; made if there was none. Their provider reference stays."""
        now = self.context.clock.now()
        known_as = CustomerId(checked_key(customer_id, field="customer"))
        customer = Customer(known_as, now, email, name, language=checked_language(language))
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


def _known(customer: Customer | None) -> Customer:
    if customer is None:
        raise NotFound("customer: there is no such customer", field="customer")
    return customer
