"""Stripe's test cards: by token or by number, and what each of them does. A number is looked up here and never kept."""

from dataclasses import dataclass
from typing import Literal

Authentication = Literal["none", "unless_set_up", "already_set_up", "always"]


@dataclass(frozen=True)
class Decline:
    """Why the bank says no; `advice` is what Stripe says that one should do."""

    code: str
    decline_code: str
    message: str
    advice: str | None = "try_again_later"
    param: str | None = None


@dataclass(frozen=True)
class TestCard:
    """`declines` is for every charge; `is_refused_at_once` for attaching and setting up as well. What does not clear at once is
    `processing` for a while first, as a bank debit is."""

    name: str
    number: str
    declines: Decline | None = None
    is_refused_at_once: bool = True
    authentication: Authentication = "none"
    refund: Literal["succeeds", "pending", "fails"] = "succeeds"
    dispute: str = ""
    is_blocked: bool = False
    is_available_at_once: bool = False
    clears: Literal["at_once", "later", "never"] = "at_once"
    country: str = "US"
    funding: str = "credit"

    @property
    def brand(self) -> str:
        return brand_of(self.number)


_DECLINED = "Your card was declined."
_GENERIC = Decline("card_declined", "generic_decline", _DECLINED)
_FUNDS = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
_LOST = Decline("card_declined", "lost_card", _DECLINED, "do_not_try_again")
_STOLEN = Decline("card_declined", "stolen_card", _DECLINED, "do_not_try_again")
_EXPIRED = Decline("expired_card", "expired_card", "Your card has expired.", "confirm_card_data", "exp_month")
_CVC = Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.", "confirm_card_data", "cvc")
_PROCESSING = Decline(
    "processing_error", "processing_error", "An error occurred while processing your card. Try again in a little bit."
)
_FRAUD = Decline("card_declined", "fraudulent", _DECLINED, None)
_VELOCITY = Decline(
    "card_declined", "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
)  # fmt: skip
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    None,
)

CARDS = (
    TestCard("pm_card_visa", "4242424242424242"),
    TestCard("pm_card_visa_debit", "4000056655665556", funding="debit"),
    TestCard("pm_card_mastercard", "5555555555554444"),
    TestCard("pm_card_mastercard_debit", "5200828282828210", funding="debit"),
    TestCard("pm_card_amex", "378282246310005"),
    TestCard("pm_card_discover", "6011111111111117"),
    TestCard("pm_card_diners", "3056930009020004"),
    TestCard("pm_card_jcb", "3566002020360505", country="JP"),
    TestCard("pm_card_unionpay", "6200000000000005", country="CN"),
    TestCard("pm_card_jp", "4000003920000003", country="JP"),
    TestCard("pm_card_de", "4000002760000016", country="DE"),
    TestCard("pm_card_gb", "4000008260000000", country="GB"),
    TestCard("pm_card_visa_chargeDeclined", "4000000000000002", _GENERIC),
    TestCard("pm_card_visa_chargeDeclinedInsufficientFunds", "4000000000009995", _FUNDS),
    TestCard("pm_card_visa_chargeDeclinedLostCard", "4000000000009987", _LOST),
    TestCard("pm_card_visa_chargeDeclinedStolenCard", "4000000000009979", _STOLEN),
    TestCard("pm_card_chargeDeclinedExpiredCard", "4000000000000069", _EXPIRED),
    TestCard("pm_card_chargeDeclinedIncorrectCvc", "4000000000000127", _CVC),
    TestCard("pm_card_chargeDeclinedProcessingError", "4000000000000119", _PROCESSING),
    TestCard("pm_card_chargeDeclinedFraudulent", "4100000000000019", _FRAUD, is_blocked=True),
    TestCard("pm_card_radarBlock", "4100000000000019", _FRAUD, is_blocked=True),
    TestCard("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "4000000000006975", _VELOCITY),
    TestCard("pm_card_chargeCustomerFail", "4000000000000341", _GENERIC, is_refused_at_once=False),
    TestCard("pm_card_authenticationRequiredOnSetup", "4000002500003155", authentication="unless_set_up"),
    TestCard("pm_card_authenticationRequired", "4000002760003184", authentication="always"),
    TestCard("pm_card_authenticationRequiredSetupForOffSession", "4000003800000446", authentication="already_set_up"),
    TestCard(
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "4000008260003178", _FUNDS,
        is_refused_at_once=False, authentication="unless_set_up",
    ),
    TestCard("pm_card_threeDSecure2Required", "4000000000003220", authentication="always"),
    TestCard("pm_card_threeDSecureRequiredChargeDeclined", "4000008400001629", _GENERIC, is_refused_at_once=False,
    authentication="always"),
    TestCard("pm_card_threeDSecureOptional", "4000000000003055"),
    TestCard("pm_card_createDispute", "4000000000000259", dispute="fraudulent"),
    TestCard("pm_card_createDisputeProductNotReceived", "4000000000002685", dispute="product_not_received"),
    TestCard("pm_card_createDisputeInquiry", "4000000000001976", dispute="inquiry"),
    TestCard("pm_card_pendingRefund", "4000000000007726", refund="pending"),
    TestCard("pm_card_refundFail", "4000000000005126", refund="fails"),
    TestCard("pm_card_bypassPending", "4000000000000077", is_available_at_once=True),
)  # fmt: skip
# Ours, not Stripe's: there money takes its time with bank debits alone.
SLOW_CARDS = (
    TestCard("pm_card_sandboxClearsLater", "4000009900000004", clears="later"),
    TestCard("pm_card_sandboxNeverClears", "4000009900000103", clears="never"),
)
NEVER_CLEARED = _FUNDS
_BY_NAME = {card.name: card for card in (*CARDS, *SLOW_CARDS)}
# Older spellings, which are in wide use too; and the names of the days before payment methods.
_BY_NAME |= {card.name.replace("_visa_charge", "_charge"): card for card in CARDS if "_visa_charge" in card.name}
_BY_NAME |= {card.name.replace("pm_card_", "tok_"): card for card in CARDS}
_BY_NUMBER = {card.number: card for card in (*CARDS, *SLOW_CARDS)}
_PREFIXES = (("34", "amex"), ("37", "amex"), ("35", "jcb"), ("30", "diners"), ("36", "diners"), ("6011", "discover"), ("65",
"discover"),
             ("62", "unionpay"), ("4", "visa"), ("5", "mastercard"), ("2", "mastercard"))  # fmt: skip
_PLAIN = _BY_NAME["pm_card_visa"]


def by_name(token: str) -> TestCard | None:
    return _BY_NAME.get(token)


def by_number(number: str) -> TestCard | None:
    """The test card of that number. Stripe refuses other numbers in test mode, and so do we."""
    return _BY_NUMBER.get(number)


def brand_of(number: str) -> str:
    return next((brand for prefix, brand in _PREFIXES if number.startswith(prefix)), "unknown")


def passes_luhn(number: str) -> bool:
    """Whether the check digit fits."""
    if not number.isascii() or not number.isdigit() or not 12 <= len(number) <= 19:
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
