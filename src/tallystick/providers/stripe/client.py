"""The provider that is Stripe: what is asked, in which order, and what the answers are worth."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar, assert_never

import stripe
from stripe.params import InvoiceFinalizeInvoiceParams

from tallystick.domain.customers import Customer
from tallystick.domain.payments import Delivery, Method, PaymentStatus, ProviderFact
from tallystick.domain.provider_catalogue import CatalogueItem, ItemChange
from tallystick.domain.provider_subscriptions import End
from tallystick.providers import pace
from tallystick.providers.circuits import Circuits
from tallystick.providers.pace import Pace, Paces
from tallystick.providers.protocol import (
    AccountOutcome,
    Capabilities,
    CatalogueOutcome,
    CheckoutOutcome,
    CheckoutRequest,
    CustomerOutcome,
    CustomersListed,
    Declined,
    DisputeOutcome,
    DisputesListed,
    Done,
    EndpointsListed,
    EventsListed,
    InvoicesListed,
    ItemOutcome,
    ItemsFound,
    KnownCustomer,
    Limited,
    MethodOutcome,
    MethodsListed,
    MirrorOutcome,
    Outcome,
    PageOutcome,
    PaymentRequest,
    PaymentsListed,
    PortalOutcome,
    RefundOutcome,
    RefundRequest,
    RefundsOutcome,
    Refused,
    SavingOutcome,
    SubscriptionOutcome,
    SubscriptionRequest,
    SubscriptionsListed,
    Unknown,
    UsageOutcome,
    UsageRejections,
    UsageRequest,
    UsageTotal,
)
from tallystick.providers.stripe import (
    bodies,
    catalogue,
    checkouts,
    customers,
    disputes,
    inspection,
    lists,
    meters,
    outcomes,
    pages,
    refunds,
    subscribed,
    subscription_pages,
    subscriptions,
    thin_events,
    translate,
    transport,
)
from tallystick.providers.stripe.signature import Verifier
from tallystick.providers.stripe.translate import Doc
from tallystick.values.time import Clock, Period

T = TypeVar("T")

_PAYING = ["payments.data.payment.payment_intent"]
_MONEY_MOVES = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.PROCESSING})
_BEST_FIRST = (
    "succeeded",
    "paid",
    "complete",
    "processing",
    "open",
    "requires_action",
    "requires_confirmation",
    "requires_payment_method",
    "draft",
)


class StripeProvider:
    """Stripe behind our protocol. Every POST carries the caller's key or one derived from it; no outcome is an exception."""

    name = "stripe"
    events: Sequence[str] = subscribed.EVENTS
    usage_events: Sequence[str] = thin_events.REPORTS
    capabilities = Capabilities(merchant_of_record=False, hosted_invoices=True, off_session=True)

    def __init__(
        self,
        secret_key: str,
        *,
        webhook_secrets: Sequence[str],
        http_client: stripe.HTTPClient | None = None,
        api_base: str | None = None,
        before_call: Callable[[], None] = lambda: None,
        circuits: Circuits | None = None,
    ) -> None:
        """`before_call` runs before every request, and may raise to forbid it; without `circuits` every one is sent.

        Raises WrongConfiguration.
        """
        self.livemode = transport.is_live(secret_key, api_base=api_base)
        self._verifier = Verifier(webhook_secrets, livemode=self.livemode)
        self.circuits = circuits
        self.paces: Paces | None = None
        self._pace: Pace | None = None
        self._stripe = transport.client(
            secret_key,
            api_base=api_base,
            http_client=http_client,
            before_call=before_call,
            circuits=circuits,
            paces=lambda: self.paces,
        )
        self._v1 = self._stripe.v1

    def keep_pace(self, clock: Clock, *, rest: Callable[[timedelta], None] = pace.wait) -> None:
        """From here on nothing is asked faster than Stripe takes it; before, as fast as it comes. `rest` lets time pass."""
        limits = transport.PER_SECOND[self.livemode], transport.PER_SECOND_OF_KIND
        self.paces = Paces(clock, all_per_second=limits[0], kind_per_second=limits[1], exempt={meters.KIND}, rest=rest)
        self._pace = Pace(clock, per_second=meters.PER_SECOND) if self.livemode else self.paces.all

    def ensure_customer(self, customer: Customer, *, key: str, look_first: bool = False) -> CustomerOutcome:
        if customer.provider_ref:
            return customer.provider_ref
        return self._ask(lambda: customers.ensured(self._stripe, customer, key, look_first=look_first))

    def open(self, request: PaymentRequest, *, key: str) -> Outcome:
        return self._call(lambda: self._opened(request, key))

    def complete(self, ref: str, request: PaymentRequest, *, key: str, look_first: bool = False) -> Outcome:
        if request.method is Method.INTENT:
            return self.fetch(ref, Method.INTENT)
        return self._call(lambda: self._completed(ref, request, key, look_first=look_first))

    def charge(self, ref: str, method: Method, *, key: str, payment_method: str | None = None) -> Outcome:
        return self._call(lambda: self._charged(ref, method, key, payment_method))

    def fetch(self, ref: str, method: Method) -> Outcome:
        return self._call(lambda: _outcome(self._retrieved(ref, method), method))

    def find(self, request: PaymentRequest) -> Outcome | None:
        return self._call(lambda: self._found(request))

    def cancel(self, ref: str, method: Method, *, key: str) -> Outcome:
        return self._call(lambda: self._canceled(ref, method, key))

    def start_checkout(self, request: CheckoutRequest, *, key: str) -> CheckoutOutcome:
        return self._ask(lambda: checkouts.started(self._stripe, request, key))

    def fetch_checkout(self, ref: str) -> CheckoutOutcome:
        return self._ask(lambda: checkouts.fetched(self._stripe, ref))

    def set_default_method(self, customer_ref: str, payment_method: str, *, key: str) -> MethodOutcome:
        return self._ask(lambda: checkouts.made_default(self._stripe, customer_ref, payment_method, key))

    def method_of(self, customer_ref: str) -> MethodOutcome | None:
        return self._ask(lambda: customers.method_now(self._stripe, customer_ref))

    def methods_of(self, customer_ref: str) -> MethodsListed:
        return self._ask(lambda: customers.methods(self._stripe, customer_ref))

    def begin_saving(self, customer_ref: str, *, key: str) -> SavingOutcome:
        return self._ask(lambda: checkouts.saving(self._stripe, customer_ref, key))

    def open_portal(self, customer_ref: str, *, return_url: str, key: str) -> PortalOutcome:
        return self._ask(lambda: checkouts.portal(self._stripe, customer_ref, return_url, key))

    def refund(self, request: RefundRequest, *, key: str) -> RefundOutcome:
        return self._ask(lambda: refunds.made(self._stripe, request, key))

    def find_refund(self, request: RefundRequest) -> RefundOutcome | None:
        return self._ask(lambda: refunds.found(self._stripe, request))

    def fetch_refund(self, ref: str) -> RefundOutcome:
        return self._ask(lambda: refunds.fetched(self._stripe, ref))

    def refunds_of(self, intent_ref: str) -> RefundsOutcome:
        return self._ask(lambda: refunds.listed(self._stripe, intent_ref))

    def fetch_dispute(self, ref: str) -> DisputeOutcome:
        return self._ask(lambda: disputes.fetched(self._stripe, ref))

    def fetch_customer(self, ref: str) -> KnownCustomer:
        return self._ask(lambda: customers.fetched(self._stripe, ref))

    def customers_since(self, at: datetime) -> CustomersListed:
        return self._ask(lambda: lists.customers(self._stripe, at))

    def payments_since(self, at: datetime) -> PaymentsListed:
        return self._ask(lambda: lists.payments(self._stripe, at))

    def invoices_since(self, at: datetime) -> InvoicesListed:
        return self._ask(lambda: lists.invoices(self._stripe, at))

    def refunds_since(self, at: datetime) -> RefundsOutcome:
        return self._ask(lambda: lists.refunds(self._stripe, at))

    def disputes_since(self, at: datetime) -> DisputesListed:
        return self._ask(lambda: lists.disputes(self._stripe, at))

    def subscriptions_since(self, at: datetime) -> SubscriptionsListed:
        return self._ask(lambda: lists.begun(self._stripe, at))

    def events_since(self, at: datetime) -> EventsListed:
        return self._ask(lambda: lists.events(self._stripe, at))

    def send_usage(self, request: UsageRequest, *, key: str) -> UsageOutcome:
        return self._paced(lambda: meters.sent(self._stripe, request, key))

    def cancel_usage(self, event_name: str, identifier: str, *, key: str) -> UsageOutcome:
        return self._ask(lambda: meters.canceled(self._stripe, event_name, identifier, key))

    def usage_total(self, event_name: str, customer_ref: str, period: Period) -> UsageTotal:
        return self._ask(lambda: meters.total(self._stripe, event_name, customer_ref, period))

    def metered_item(self, ref: str) -> ItemOutcome:
        return self._ask(lambda: meters.item(self._stripe, ref))

    def usage_rejections(self, ref: str) -> UsageRejections:
        return self._ask(lambda: thin_events.rejections(self._stripe, ref))

    def subscribe(self, request: SubscriptionRequest, *, key: str) -> SubscriptionOutcome:
        return self._ask(lambda: subscriptions.begun(self._stripe, request, key))

    def open_subscription_page(self, request: SubscriptionRequest, *, key: str) -> PageOutcome:
        return self._ask(lambda: subscription_pages.opened(self._stripe, request, key))

    def fetch_subscription_page(self, ref: str) -> PageOutcome:
        return self._ask(lambda: subscription_pages.fetched(self._stripe, ref))

    def close_subscription_page(self, ref: str, *, key: str) -> PageOutcome:
        return self._ask(lambda: subscription_pages.closed(self._stripe, ref, key))

    def find_subscription(self, request: SubscriptionRequest) -> SubscriptionOutcome | None:
        return self._ask(lambda: subscriptions.found(self._stripe, request))

    def pay_subscription(self, ref: str, *, key: str) -> SubscriptionOutcome:
        return self._ask(lambda: subscriptions.paid(self._stripe, ref, key))

    def fetch_subscription(self, ref: str) -> SubscriptionOutcome:
        return self._ask(lambda: subscriptions.fetched(self._stripe, ref))

    def end_subscription(self, ref: str, end: End, *, key: str) -> SubscriptionOutcome:
        return self._ask(lambda: subscriptions.ended(self._stripe, ref, end, key))

    def fetch_subscription_invoice(self, ref: str) -> MirrorOutcome:
        return self._ask(lambda: subscriptions.invoice(self._stripe, ref))

    def fetch_account(self) -> AccountOutcome:
        return self._ask(lambda: inspection.account(self._stripe, livemode=self.livemode))

    def webhook_endpoints(self) -> EndpointsListed:
        return self._ask(lambda: inspection.endpoints(self._stripe))

    def event_destinations(self) -> EndpointsListed:
        return self._ask(lambda: inspection.destinations(self._stripe))

    def find_items(self, items: Sequence[CatalogueItem]) -> ItemsFound:
        return self._ask(lambda: catalogue.there(self._stripe, items))

    def put_item(self, change: ItemChange, refs: catalogue.Refs, *, key: str) -> CatalogueOutcome:
        return self._ask(lambda: catalogue.put(self._stripe, change, refs, key=key))

    def verify(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Delivery:
        return self._verifier.verify(body, headers, now=now)

    def interpret(self, delivery: Delivery) -> ProviderFact:
        event = json.loads(delivery.body)
        if event.get("object") == thin_events.OBJECT:
            return thin_events.fact(delivery.kind, event)
        return translate.fact(delivery.kind, event["data"]["object"])

    def _paced(self, story: Callable[[], T]) -> T | Refused | Limited | Unknown:
        """A call of which there may be thousands: not more of them a second than Stripe takes."""
        wait = None if self._pace is None else self._pace.enter()
        return self._ask(story) if wait is None else Limited("so many calls were made this second", after=wait)

    def _call(self, story: Callable[[], T]) -> T | Declined | Refused | Limited | Unknown:
        """Every story is told in here: where Stripe's errors become outcomes."""
        try:
            return story()
        except stripe.StripeError as error:
            return outcomes.of(error)

    def _ask(self, story: Callable[[], T]) -> T | Refused | Limited | Unknown:
        """A story in which no card is charged: a "no" to the card is one to the whole."""
        outcome = self._call(story)
        return Refused(outcome.decline.code, outcome.decline.message) if isinstance(outcome, Declined) else outcome

    def _opened(self, request: PaymentRequest, key: str) -> Outcome:
        match request.method:
            case Method.INTENT if request.page is not None:
                return _outcome(pages.opened(self._stripe, request, key), Method.INTENT)
            case Method.INTENT:
                intent = self._v1.payment_intents.create(bodies.intent(request), bodies.options(key))
                return _outcome(transport.doc(intent), Method.INTENT)
            case Method.HOSTED:
                invoice = self._v1.invoices.create(bodies.invoice(request), bodies.options(key))
                return _outcome(transport.doc(invoice), Method.HOSTED)
            case _:
                assert_never(request.method)

    def _completed(self, ref: str, request: PaymentRequest, key: str, *, look_first: bool) -> Outcome:
        """Lines, then the sum compared, then finalised: what is open can be paid, so a wrong sum must not get there."""
        if not request.lines or bodies.total(request.lines) != request.amount:
            return Refused("amount_mismatch", f"{ref}: our lines do not add up to {request.amount}; nothing was sent")
        invoice = self._retrieved(ref, Method.HOSTED)
        if invoice["status"] == "draft":
            self._add_lines(ref, request, key, look_first=look_first or bool(invoice["lines"]["data"]))
            invoice = self._retrieved(ref, Method.HOSTED)
            if (wrong := _mismatch(invoice, request)) is not None:
                return wrong
            params: InvoiceFinalizeInvoiceParams = {"auto_advance": False, "expand": _PAYING}
            invoice = transport.doc(self._v1.invoices.finalize_invoice(ref, params, bodies.options(f"{key}:finalize")))
        wrong = _mismatch(invoice, request) if invoice["status"] in {"open", "void"} else None
        if wrong is not None and invoice["status"] == "open":
            self._v1.invoices.void_invoice(ref, {}, bodies.options(f"{key}:void"))
        return wrong or _outcome(invoice, Method.HOSTED)

    def _add_lines(self, ref: str, request: PaymentRequest, key: str, *, look_first: bool) -> None:
        there: set[str] = set()
        if look_first:
            # Of the lines, not of the items behind them: the lines are what the sum is made of.
            for doc in [
                transport.doc(line) for line in self._v1.invoices.line_items.list(ref, {"limit": 100}).auto_paging_iter()
            ]:
                name = translate.metadata(doc).get(translate.LINE, "")
                if name and name in there:  # two of us were at it, and one came late: there is one too many
                    details = translate.part(translate.part(doc, "parent"), "invoice_item_details")
                    self._v1.invoice_items.delete(details["invoice_item"])
                there.add(name)
        for line in bodies.fitted(request.lines):
            if line.id not in there:
                self._v1.invoice_items.create(bodies.item(ref, request, line), bodies.options(f"{key}:{line.id}"))

    def _charged(self, ref: str, method: Method, key: str, payment_method: str | None) -> Outcome:
        before = self._retrieved(ref, method, "customer")
        standing = _outcome(before, method)
        if isinstance(standing, Refused) or standing.payment.status in _MONEY_MOVES:
            return standing
        if standing.payment.status is PaymentStatus.CANCELED or before["status"] == "draft":
            return Refused("not_payable", f"{ref}: is {before['status']}, and cannot be paid")
        chosen = None
        try:
            chosen = customers.method_to_charge(self._stripe, translate.part(before, "customer"), key, payment_method)
            if chosen is None:
                return Refused("no_payment_method", f"{ref}: the customer has no saved card; send the link to the pay page")
            return self._confirmed(before, method, f"{key}:{chosen}", chosen)
        except stripe.CardError as error:
            decline = replace(outcomes.decline(error), payment_method=chosen)
            return Declined(decline, replace(standing.payment, decline=decline))
        except stripe.InvalidRequestError:
            # It may have been paid meanwhile, by the buyer or by a call of ours that we lost sight of.
            after = _outcome(self._retrieved(ref, method), method)
            if isinstance(after, Done) and after.payment.status in _MONEY_MOVES:
                return after
            raise

    def _confirmed(self, before: Doc, method: Method, key: str, payment_method: str) -> Outcome:
        """`key` names the payment method too: a customer's default may change between two tries, and a body may not."""
        match method:
            case Method.INTENT:
                # Nothing can be set up off session, and Stripe refuses a confirmation that says both.
                confirmed = self._v1.payment_intents.confirm(
                    before["id"],
                    {"payment_method": payment_method, "off_session": True, "setup_future_usage": ""},
                    bodies.options(key),
                )
                return _outcome(transport.doc(confirmed), method)
            case Method.HOSTED:
                paid = self._v1.invoices.pay(
                    before["id"],
                    {"payment_method": payment_method, "off_session": True, "expand": _PAYING},
                    bodies.options(key),
                )
                return _outcome(transport.doc(paid), method)
            case _:
                assert_never(method)

    def _retrieved(self, ref: str, method: Method, *expanded: str) -> Doc:
        match method:
            case Method.INTENT if pages.is_page(ref):
                return pages.fetched(self._stripe, ref)
            case Method.INTENT:
                return transport.doc(self._v1.payment_intents.retrieve(ref, {"expand": list(expanded)}))
            case Method.HOSTED:
                return transport.doc(self._v1.invoices.retrieve(ref, {"expand": [*_PAYING, *expanded]}))
            case _:
                assert_never(method)

    def _found(self, request: PaymentRequest) -> Outcome | None:
        """Of those that carry the ids of our invoice and payment, the one that is nearest to being paid."""
        carrying = [doc for doc in self._listed(request) if translate.is_for(doc, request)]
        if not carrying:
            return None
        best = min(
            carrying, key=lambda doc: _BEST_FIRST.index(doc["status"]) if doc["status"] in _BEST_FIRST else len(_BEST_FIRST)
        )
        return _outcome(best, request.method)

    def _listed(self, request: PaymentRequest) -> list[Doc]:
        match request.method:
            case Method.INTENT if request.page is not None:
                return pages.of_customer(self._stripe, request.customer_ref)
            case Method.INTENT:
                intents = self._v1.payment_intents.list({"customer": request.customer_ref, "limit": 100})
                return [transport.doc(intent) for intent in intents.auto_paging_iter()]
            case Method.HOSTED:
                invoices = self._v1.invoices.list({"customer": request.customer_ref, "limit": 100})
                return [transport.doc(invoice) for invoice in invoices.auto_paging_iter()]
            case _:
                assert_never(request.method)

    def _canceled(self, ref: str, method: Method, key: str) -> Outcome:
        try:
            before = self._retrieved(ref, method)
        except stripe.InvalidRequestError as error:
            if error.http_status == 404 and (deleted := self._deleted(ref)) is not None:
                return deleted
            raise
        standing = _outcome(before, method)
        if isinstance(standing, Refused) or standing.payment.status is PaymentStatus.CANCELED:
            return standing
        if standing.payment.status is PaymentStatus.SUCCEEDED:
            return Refused("already_paid", f"{ref}: was paid, and can only be refunded")
        if before["status"] == "draft":
            self._v1.invoices.delete(ref)
            return _gone(standing)
        if pages.is_page(ref):
            return _outcome(pages.closed(self._stripe, ref, key), method)
        if method is Method.INTENT:
            return _outcome(transport.doc(self._v1.payment_intents.cancel(ref, {}, bodies.options(key))), method)
        return _outcome(transport.doc(self._v1.invoices.void_invoice(ref, {}, bodies.options(key))), method)

    def _deleted(self, ref: str) -> Outcome | None:
        """A draft that an earlier call deleted, its reply lost. Only its event proves that: a wrong key finds nothing too."""
        events = self._v1.events.list({"types": ["invoice.deleted"], "limit": 100}).auto_paging_iter()
        drafts = (translate.part(translate.part(transport.doc(event), "data"), "object") for event in events)
        return next((_gone(_outcome(draft, Method.HOSTED)) for draft in drafts if draft["id"] == ref), None)


def _gone(standing: Done | Refused) -> Outcome:
    return Done(replace(standing.payment, status=PaymentStatus.CANCELED)) if isinstance(standing, Done) else standing


def _outcome(doc: Doc, method: Method) -> Done | Refused:
    if method is Method.HOSTED:
        return translate.invoice(doc)
    return Done(translate.page(doc) if pages.is_page(doc["id"]) else translate.intent(doc))


def _mismatch(doc: Doc, request: PaymentRequest) -> Refused | None:
    """Why the invoice must not be finalised, nor paid as it stands."""
    minimum = request.amount.currency.minimum_charge_minor or 0
    if (doc["total"], doc["currency"]) != (request.amount.minor, request.amount.currency.code):
        held = f"{doc['total']} {doc['currency']}"
        return Refused(
            "amount_mismatch", f"{doc['id']}: holds {held} in minor units, not {request.amount}; look for foreign lines"
        )
    if doc["total"] < minimum:
        # Stripe would call it paid, collect nothing, and set the sum against the customer's next invoice.
        return Refused(
            "below_minimum", f"{doc['id']}: {request.amount} is less than Stripe collects; carry it to the next invoice"
        )
    if doc["amount_due"] != doc["total"]:
        due = f"{doc['amount_due']} of {doc['total']}"
        return Refused("amount_mismatch", f"{doc['id']}: would collect {due}; clear the customer's balance at Stripe")
    return None
