"""The engine's calls about what is worth telling, and whom to tell."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from tallystick import domain, flows, storage
from tallystick.app.engine import Engine
from tallystick.domain.alerts import Alert, AlertKind
from tallystick.domain.letters import Letter
from tallystick.domain.messages import OVERLAP_DEFAULT, Dispatch, Endpoint, IssuedEndpoint, Message
from tallystick.flows.endpoints import Wanted
from tallystick.values.errors import InvalidInput, NotFound
from tallystick.values.ids import AlertId, CustomerId, EndpointId, MessageId, MeterKey


class MessageCalls(Engine):
    """Alerts, endpoints, messages."""

    def alerts(
        self, *, customer_id: str | None = None, kind: str | None = None, after: str | None = None, limit: int = 50
    ) -> list[Alert]:
        """A page of alerts, newest first, behind the one of the id `after`."""
        if kind is not None and kind not in {known.value for known in AlertKind}:
            raise InvalidInput(f"kind: one of {', '.join(AlertKind)}", field="kind")
        with self.context.database.reading() as conn:
            behind = None
            if after is not None:
                behind = storage.alerts.get(conn, AlertId(after))
                if behind is None:
                    raise InvalidInput("after: there is no such alert", field="after")
            who = None if customer_id is None else CustomerId(customer_id)
            what = None if kind is None else AlertKind(kind)
            return storage.alerts.page(conn, customer_id=who, kind=what, after=behind, limit=limit)

    def set_alert_thresholds(self, customer_id: str, meter_key: str, thresholds: Collection[int]) -> tuple[int, ...]:
        """At which whole percents of this quota the customer is told (80 and 100 where nothing was said); none: never."""
        percents = domain.alerts.checked_thresholds(thresholds)
        customer, meter = CustomerId(customer_id), MeterKey(meter_key)
        with self.context.database.transaction("set alert thresholds") as conn:
            if storage.customers.get(conn, customer) is None:
                raise NotFound("customer: there is no such customer", field="customer")
            if storage.catalog.meter(conn, meter) is None:
                raise NotFound("meter: there is no such meter", field="meter")
            storage.alerts.put_thresholds(conn, customer, meter, percents, at=self.context.clock.now())
        return percents

    def test_alert(self, *, endpoint_id: str | None = None, mail: bool = False, actor: str = "system") -> Message:
        """A test alert, marked as one: to this endpoint, to the operator by mail, or both; else to whoever is told of alerts.

        Raises NotFound, and Conflict where nobody would be told.
        """
        endpoint = None if endpoint_id is None else EndpointId(endpoint_id)
        return flows.tell_alert.try_alert(self.context, endpoint, mail=mail, actor=actor)

    def create_endpoint(
        self, url: str, types: Collection[str] = ("*",), *, customer_id: str | None = None, actor: str = "system"
    ) -> IssuedEndpoint:
        """A new endpoint, told of these types from now on; its secret is shown now and never again."""
        only_for = None if customer_id is None else CustomerId(customer_id)
        return flows.endpoints.create(self.context, url, types, only_for=only_for, actor=actor)

    def endpoints(self, *, after: str | None = None, limit: int = 100) -> list[Endpoint]:
        """A page of endpoints, in the order of their ids, behind `after`; never with a secret."""
        with self.context.database.reading() as conn:
            return storage.endpoints.page(conn, after=None if after is None else EndpointId(after), limit=limit)

    def endpoint(self, endpoint_id: str) -> Endpoint:
        """Raises NotFound."""
        with self.context.database.reading() as conn:
            endpoint = storage.endpoints.get(conn, EndpointId(endpoint_id))
        if endpoint is None:
            raise NotFound("endpoint: there is no such endpoint", field="endpoint")
        return endpoint

    def update_endpoint(
        self, endpoint_id: str, *, url: str | None = None, types: Collection[str] | None = None, enabled: bool | None = None,
        actor: str = "system",
    ) -> Endpoint:  # fmt: skip
        """The endpoint with what is given changed; what is None stays. Raises NotFound."""
        return flows.endpoints.update(self.context, EndpointId(endpoint_id), Wanted(url, types, enabled), actor=actor)

    def rotate_endpoint_secret(
        self, endpoint_id: str, *, overlap: timedelta = OVERLAP_DEFAULT, actor: str = "system"
    ) -> IssuedEndpoint:
        """A new secret, shown now; messages are signed with the one before it too, for as long as `overlap`."""
        return flows.endpoints.rotate(self.context, EndpointId(endpoint_id), overlap=overlap, actor=actor)

    def test_endpoint(self, endpoint_id: str, *, actor: str = "system") -> Message:
        """A message of the type `endpoint.test`, on its way to this endpoint alone."""
        return flows.endpoints.try_out(self.context, EndpointId(endpoint_id), actor=actor)

    def remove_endpoint(self, endpoint_id: str, *, actor: str = "system") -> None:
        """Nothing more is sent to it. Raises NotFound."""
        flows.endpoints.remove(self.context, EndpointId(endpoint_id), actor=actor)

    def messages(
        self, *, customer_id: str | None = None, after: str | None = None, limit: int = 50
    ) -> list[tuple[Message, Sequence[Dispatch]]]:
        """A page of messages, newest first, behind the one of the id `after`; each with how it stands at whom it goes to."""
        with self.context.database.reading() as conn:
            behind = None
            if after is not None:
                behind = storage.messages.get(conn, MessageId(after))
                if behind is None:
                    raise InvalidInput("after: there is no such message", field="after")
            who = None if customer_id is None else CustomerId(customer_id)
            found = storage.messages.page(conn, customer_id=who, after=behind, limit=limit)
            dispatches = storage.messages.dispatches_of(conn, [message.id for message in found])
        return [(message, dispatches.get(message.id, [])) for message in found]

    def message(self, message_id: str) -> tuple[Message, Sequence[Dispatch]]:
        """Raises NotFound."""
        with self.context.database.reading() as conn:
            message = storage.messages.get(conn, MessageId(message_id))
            if message is None:
                raise NotFound("message: there is no such message", field="message")
            return message, storage.messages.dispatches_of(conn, [message.id]).get(message.id, [])

    def resend_message(self, message_id: str, *, endpoint_id: str | None = None, actor: str = "system") -> list[Dispatch]:
        """On its way once more, under the same id: to that endpoint, or to each that it went to."""
        endpoint = None if endpoint_id is None else EndpointId(endpoint_id)
        return flows.resend_message.resend_message(self.context, MessageId(message_id), endpoint, actor=actor)

    def letters(self, *, limit: int = 50) -> list[tuple[str, str, Letter]]:
        """The newest letters: how each stands, to whom, and what it says. For /dev/mail."""
        return flows.mail_message.shown(self.context, limit=limit)
