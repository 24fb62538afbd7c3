"""The engine's calls about what is measured, and what it costs."""

from collections.abc import Mapping

from tallystick import domain, flows, storage
from tallystick.app.engine import Engine
from tallystick.domain.catalog import Charge
from tallystick.domain.catalog_documents import Change
from tallystick.domain.usage import Meter
from tallystick.flows.push_catalogue import Pushed
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import MeterKey


class CatalogueCalls(Engine):
    """Meters, charges, and the document of both."""

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

    def push_catalogue(self, *, dry_run: bool = False, actor: str = "system") -> Pushed:
        """Makes the provider hold the catalogue: what was done, or would be, and what it cannot hold. Twice is once."""
        return flows.push_catalogue.push_catalogue(self.context, dry_run=dry_run, actor=actor)
