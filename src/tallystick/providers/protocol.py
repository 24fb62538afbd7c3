"""What a payment provider must be able to do, in our words; every outcome is a value, and unknown is one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from tallystick.domain.checkouts import ProviderCheckout
from tallystick.domain.customers import Customer, ProviderCustomer
from tallystick.domain.diagnosis import ProviderAccount, ProviderEndpoint
from tallystick.domain.disputes import ProviderDispute
from tallystick.domain.pages import Page
from tallystick.domain.payment_methods import SavedMethod, Saving
from tallystick.domain.payments import Decline, Delivery, Method, ProviderFact, ProviderPayment
from tallystick.domain.provider_catalogue import CatalogueItem, Found, ItemChange, ItemKind
from tallystick.domain.provider_subscriptions import End, ItemWanted, ProviderInvoice, ProviderPage, ProviderSubscription
from tallystick.domain.refunds import ProviderRefund
from tallystick.domain.usage_exports import Rejection
from tallystick.providers.circuits import Circuits
from tallystick.providers.pace import Paces
from tallystick.values.ids import CheckoutId, CustomerId, InvoiceId, PaymentId, RefundId, SubscriptionId
from tallystick.values.money import Currency, Money
from tallystick.values.time import Period


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What flows may ask of a provider; they ask the capability, never the name."""

    merchant_of_record: bool
    hosted_invoices: bool
    off_session: bool


@dataclass(frozen=True, slots=True)
class Done:
    """It happened; `payment` is what the provider now holds."""

    payment: ProviderPayment


@dataclass(frozen=True, slots=True)
class Declined:
    """The bank said no to this attempt. The object stands, and may be tried again under the key of a new attempt."""

    decline: Decline
    payment: ProviderPayment | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Final: the provider will not do this. Nothing was moved; asking again changes nothing.

    `unheard`: it was not even looked at, because our key is wrong or lacks the right. That says nothing of an earlier call,
    and the same question is asked again, under the same key, once a person has mended ours.
    """

    code: str
    message: str
    unheard: bool = False


@dataclass(frozen=True, slots=True)
class Limited:
    """Asked too often, or not sent at all; nothing was done. The same key, later, and not before `after`."""

    message: str
    after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may or may not have happened. The same key again within 23 hours; afterwards look first.

    `stored`: the provider has kept this failure under the key and repeats it (a replayed 5xx): look first at once.
    `after`: the provider does not want to be asked sooner.
    """

    message: str
    stored: bool = False
    after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Refunded:
    """The provider has the refund; `refund` is how it stands there, which may be pending, or failed."""

    refund: ProviderRefund


@dataclass(frozen=True, slots=True)
class Taken:
    """The provider has it so; `repeated`: it had before."""

    repeated: bool = False


Outcome = Done | Declined | Refused | Limited | Unknown
RefundOutcome = Refunded | Refused | Limited | Unknown
RefundsOutcome = Sequence[ProviderRefund] | Refused | Limited | Unknown
DisputeOutcome = ProviderDispute | Refused | Limited | Unknown
KnownCustomer = ProviderCustomer | Refused | Limited | Unknown
CustomersListed = Sequence[ProviderCustomer] | Refused | Limited | Unknown
PaymentsListed = Sequence[ProviderPayment] | Refused | Limited | Unknown
DisputesListed = Sequence[ProviderDispute] | Refused | Limited | Unknown
SubscriptionsListed = Sequence[ProviderSubscription] | Refused | Limited | Unknown
EventsListed = Sequence[Delivery] | Refused | Limited | Unknown


@dataclass(frozen=True, slots=True)
class MeteredItem:
    """An item of a subscription that the provider bills by usage: whose it is, and which of its meters."""

    customer_ref: str
    event_name: str


@dataclass(frozen=True, slots=True)
class ListedInvoices:
    """Invoices at the provider: those by which an invoice of ours is collected, and those that it makes of subscriptions."""

    hosted: Sequence[ProviderPayment]
    of_subscriptions: Sequence[ProviderInvoice]  # without their lines


InvoicesListed = ListedInvoices | Refused | Limited | Unknown
UsageOutcome = Taken | Refused | Limited | Unknown
UsageTotal = Decimal | Refused | Limited | Unknown
ItemOutcome = MeteredItem | Refused | Limited | Unknown
UsageRejections = Sequence[Rejection] | Refused | Limited | Unknown
SubscriptionOutcome = ProviderSubscription | Refused | Limited | Unknown
MirrorOutcome = ProviderInvoice | Refused | Limited | Unknown
CustomerOutcome = str | Refused | Limited | Unknown  # the provider's id of the customer, or why there is none yet
CheckoutOutcome = ProviderCheckout | Refused | Limited | Unknown
PageOutcome = ProviderPage | Refused | Limited | Unknown
PortalOutcome = str | Refused | Limited | Unknown  # the address of the portal, for one visit
ItemsFound = Mapping[tuple[ItemKind, str], Found] | Refused | Limited | Unknown
CatalogueOutcome = str | Refused | Limited | Unknown  # the provider's id of the item
AccountOutcome = ProviderAccount | Refused | Limited | Unknown
EndpointsListed = Sequence[ProviderEndpoint] | Refused | Limited | Unknown
MethodOutcome = str | Refused | Limited | Unknown  # the payment method that is charged from now on
MethodsListed = Sequence[SavedMethod] | Refused | Limited | Unknown
SavingOutcome = Saving | Refused | Limited | Unknown


@dataclass(frozen=True, slots=True)
class RequestedLine:
    """One line as the provider shows it: rated by us, so that their sum and ours cannot differ."""

    id: str
    description: str
    amount: Money
    period: Period


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """The whole of what is to be collected for one invoice, and how.

    `payment_id` tells the object of this payment from those of earlier ones, which it took the place of; None: there was none
    before it. With a `page` the object is a page of the provider's, from which the customer comes back to these addresses.
    """

    invoice_id: InvoiceId
    customer_id: CustomerId
    customer_ref: str
    amount: Money
    method: Method
    description: str
    due_at: datetime
    lines: tuple[RequestedLine, ...]
    payment_id: PaymentId | None = None
    page: Page | None = None


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """So much of what the object `payment_ref` collected for one invoice is to go back."""

    refund_id: RefundId
    invoice_id: InvoiceId
    payment_ref: str
    method: Method
    amount: Money


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """A page on which this customer saves a payment method that can be charged in the currency, for a checkout of ours."""

    reference: CheckoutId
    customer_ref: str
    currency: Currency
    success_url: str
    cancel_url: str


@dataclass(frozen=True, slots=True)
class UsageRequest:
    """So much more of what the provider's meter `event_name` adds up for a customer; of one `identifier` it counts once."""

    event_name: str
    customer_ref: str
    identifier: str
    quantity: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class SubscriptionRequest:
    """A subscription that the provider is to bill by itself, of prices that it knows by their lookup keys.

    With a `page` the customer begins it on one of the provider's, and comes back to these addresses.
    """

    subscription_id: SubscriptionId
    customer_id: CustomerId
    customer_ref: str
    items: tuple[ItemWanted, ...]
    trial: timedelta
    page: Page | None = None


class PaymentProvider(Protocol):
    """No method raises for an outcome of the provider's. `key` is the idempotency key, derived from facts by the caller."""

    name: str
    livemode: bool
    capabilities: Capabilities
    events: Sequence[str]  # the types of its news that change something here
    usage_events: Sequence[str]  # those that say what usage it does not count, sent thinly
    circuits: Circuits | None  # how each kind of its endpoints answers; None: nobody watches
    paces: Paces | None  # how fast it is asked at most; None: as fast as it comes

    def ensure_customer(self, customer: Customer, *, key: str, look_first: bool = False) -> CustomerOutcome:
        """The provider's id of this customer, made if need be; `look_first` adopts one that an earlier lost call made."""
        ...

    def open(self, request: PaymentRequest, *, key: str) -> Outcome:
        """The one object that will collect this invoice: created, not yet confirmed, nothing charged."""
        ...

    def complete(self, ref: str, request: PaymentRequest, *, key: str, look_first: bool = False) -> Outcome:
        """The object made ready to be paid: lines added, finalised. Nothing to do for an intent."""
        ...

    def charge(self, ref: str, method: Method, *, key: str, payment_method: str | None = None) -> Outcome:
        """One attempt to collect off session, by the customer's saved payment method or the one named."""
        ...

    def fetch(self, ref: str, method: Method) -> Outcome:
        """How the object stands now, asked of the provider."""
        ...

    def find(self, request: PaymentRequest) -> Outcome | None:
        """The object that an earlier call with a lost answer made for this invoice, or None: there is none."""
        ...

    def cancel(self, ref: str, method: Method, *, key: str) -> Outcome:
        """The object can no longer be paid."""
        ...

    def start_checkout(self, request: CheckoutRequest, *, key: str) -> CheckoutOutcome:
        """The page: made, and open until it is completed or its time is over. Nothing is charged on it."""
        ...

    def fetch_checkout(self, ref: str) -> CheckoutOutcome:
        """How the page stands now, and which payment method was saved on it."""
        ...

    def set_default_method(self, customer_ref: str, payment_method: str, *, key: str) -> MethodOutcome:
        """From now on the customer is charged by this one of their saved payment methods."""
        ...

    def method_of(self, customer_ref: str) -> MethodOutcome | None:
        """The payment method that the customer would be charged by now; None: none is saved."""
        ...

    def methods_of(self, customer_ref: str) -> MethodsListed:
        """Every payment method that the customer has saved, the newest first."""
        ...

    def begin_saving(self, customer_ref: str, *, key: str) -> SavingOutcome:
        """What a browser needs to save one more. Nothing is charged."""
        ...

    def open_portal(self, customer_ref: str, *, return_url: str, key: str) -> PortalOutcome:
        """Where the customer manages their payment methods. A link for one visit: `key` is a new one each time."""
        ...

    def refund(self, request: RefundRequest, *, key: str) -> RefundOutcome:
        """So much goes back to whoever paid."""
        ...

    def find_refund(self, request: RefundRequest) -> RefundOutcome | None:
        """The refund that an earlier call with a lost answer made, or None: there is none."""
        ...

    def fetch_refund(self, ref: str) -> RefundOutcome:
        """How the refund stands now, asked of the provider."""
        ...

    def refunds_of(self, intent_ref: str) -> RefundsOutcome:
        """Every refund of what that payment intent collected, whoever made it."""
        ...

    def fetch_dispute(self, ref: str) -> DisputeOutcome:
        """How the dispute stands now, and what had collected the money."""
        ...

    def fetch_customer(self, ref: str) -> KnownCustomer:
        """Who the provider's customer is, asked of the provider; one that was deleted is told as gone."""
        ...

    def customers_since(self, at: datetime) -> CustomersListed:
        """The customers that were made since, and carry an id of ours."""
        ...

    def payments_since(self, at: datetime) -> PaymentsListed:
        """The payment intents and pages that were made since, and collect an invoice of ours."""
        ...

    def invoices_since(self, at: datetime) -> InvoicesListed:
        """The invoices that were made since, and carry an id of ours. How one of ours is being paid, `fetch` tells."""
        ...

    def refunds_since(self, at: datetime) -> RefundsOutcome:
        """Every refund that was made since, whoever made it. Of which payment it is, `fetch_refund` tells."""
        ...

    def disputes_since(self, at: datetime) -> DisputesListed:
        """Every dispute that was opened since. Of which payment it is, `fetch_dispute` tells."""
        ...

    def subscriptions_since(self, at: datetime) -> SubscriptionsListed:
        """The subscriptions that were begun since, and carry an id of ours."""
        ...

    def events_since(self, at: datetime) -> EventsListed:
        """The news since, oldest first, as its webhooks would have brought it; as far back as the provider keeps any."""
        ...

    def send_usage(self, request: UsageRequest, *, key: str) -> UsageOutcome:
        """The usage, added up once. That it cannot be counted after all may be told later, by `usage_rejections`."""
        ...

    def cancel_usage(self, event_name: str, identifier: str, *, key: str) -> UsageOutcome:
        """What was sent under the identifier less than a day ago counts no longer."""
        ...

    def usage_total(self, event_name: str, customer_ref: str, period: Period) -> UsageTotal:
        """What the meter has added up for the customer; the period begins and ends at whole minutes."""
        ...

    def metered_item(self, ref: str) -> ItemOutcome:
        """Whose usage of what the provider's subscription item bills."""
        ...

    def usage_rejections(self, ref: str) -> UsageRejections:
        """What usage the report says is not counted, and why; of many, only some are named."""
        ...

    def subscribe(self, request: SubscriptionRequest, *, key: str) -> SubscriptionOutcome:
        """The subscription, begun there; incomplete where its first invoice is to be paid."""
        ...

    def pay_subscription(self, ref: str, *, key: str) -> SubscriptionOutcome:
        """Its first invoice charged to the customer's saved payment method, once for each; else it waits for the customer."""
        ...

    def open_subscription_page(self, request: SubscriptionRequest, *, key: str) -> PageOutcome:
        """The page on which the customer begins it: made, and open until it is completed, closed, or its time is over."""
        ...

    def fetch_subscription_page(self, ref: str) -> PageOutcome:
        """How that page stands now, and what was begun on it."""
        ...

    def close_subscription_page(self, ref: str, *, key: str) -> PageOutcome:
        """Nobody can begin anything on it any more; one that is complete, or over, stays as it is."""
        ...

    def find_subscription(self, request: SubscriptionRequest) -> SubscriptionOutcome | None:
        """The one that an earlier call with a lost answer began, or None: there is none."""
        ...

    def fetch_subscription(self, ref: str) -> SubscriptionOutcome:
        """How the subscription stands now."""
        ...

    def end_subscription(self, ref: str, end: End, *, key: str) -> SubscriptionOutcome:
        """Ended now, with its period, or not at all any more."""
        ...

    def fetch_subscription_invoice(self, ref: str) -> MirrorOutcome:
        """An invoice that the provider has made of a subscription, with its lines."""
        ...

    def fetch_account(self) -> AccountOutcome:
        """Whose key ours is: a question that costs nothing, by which to see that it is answered at all."""
        ...

    def webhook_endpoints(self) -> EndpointsListed:
        """Whom the provider tells of its news."""
        ...

    def event_destinations(self) -> EndpointsListed:
        """Whom else it tells, by its newer kind of endpoints: of those whose news say only that there is some, too."""
        ...

    def find_items(self, items: Sequence[CatalogueItem]) -> ItemsFound:
        """Of these items of the catalogue, the ones that the provider holds, in our words."""
        ...

    def put_item(self, change: ItemChange, refs: Mapping[tuple[ItemKind, str], str], *, key: str) -> CatalogueOutcome:
        """The provider's id of the item, made or changed; `refs` are the ids of what it is made of."""
        ...

    def verify(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Delivery:
        """The delivery, if its signature is ours and fresh. Raises InvalidInput for anything else."""
        ...

    def interpret(self, delivery: Delivery) -> ProviderFact:
        """What the delivery means, in our words. Pure."""
        ...
