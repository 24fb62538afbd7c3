"""The object that a program holds: it wires the parts, and hands each call over to one flow."""

from tallystick.app.accounts import AccountCalls
from tallystick.app.catalogue import CatalogueCalls
from tallystick.app.checkouts import CheckoutCalls
from tallystick.app.credit_notes import CreditNoteCalls
from tallystick.app.credits import CreditCalls
from tallystick.app.customers import CustomerCalls
from tallystick.app.documents import DocumentCalls
from tallystick.app.dunning import DunningCalls
from tallystick.app.exports import ExportCalls
from tallystick.app.figures import FigureCalls
from tallystick.app.invoices import InvoiceCalls
from tallystick.app.leases import Leases
from tallystick.app.messages import MessageCalls
from tallystick.app.metering import MeteringCalls
from tallystick.app.operations import OperationCalls
from tallystick.app.provider_subscriptions import ProviderSubscriptionCalls
from tallystick.app.quotas import QuotaCalls, Reservation
from tallystick.app.reconciliation import ReconciliationCalls
from tallystick.app.subscriptions import SubscriptionCalls
from tallystick.app.usage import UsageCalls

__all__ = ["Leases", "Reservation", "Tallystick"]


class Tallystick(
    SubscriptionCalls,
    ProviderSubscriptionCalls,
    CatalogueCalls,
    CustomerCalls,
    UsageCalls,
    ExportCalls,
    QuotaCalls,
    MeteringCalls,
    InvoiceCalls,
    CreditNoteCalls,
    DocumentCalls,
    CheckoutCalls,
    DunningCalls,
    CreditCalls,
    AccountCalls,
    MessageCalls,
    ReconciliationCalls,
    OperationCalls,
    FigureCalls,
):
    """The billing engine. Synchronous, safe to share between threads; two in one process know nothing of each other.

    Everything it raises is a TallystickError. Times are aware and UTC; money is in minor units of its currency.
    """
