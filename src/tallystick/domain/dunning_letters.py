"""What a customer is told when a payment has failed, in English and Japanese: why, what happens next and when, and what mends it.

Why a bank said no, is not always told to whoever holds the card: of most codes only that it did.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from tallystick.domain import figures
from tallystick.domain.dunning import Ask, Dunning, End
from tallystick.domain.letter_frames import Letter, Link, Locale, framed
from tallystick.values.ids import InvoiceId, MessageId, derived
from tallystick.values.money import Money, currency

FAILED, GIVEN_UP = "payment.failed", "payment.given_up"
TYPES = frozenset({FAILED, GIVEN_UP})


def letter_id(message_type: str, invoice_id: InvoiceId, failures: int) -> MessageId:
    """One for each step: the failure that it tells of, or that it was given up after so many of them."""
    return MessageId(derived("msg", message_type, invoice_id, str(failures)))


def letter_ids(dunning: Dunning) -> list[MessageId]:
    """All that may have been written by now."""
    counts = range(dunning.failures + 1)
    return [letter_id(each, dunning.invoice_id, failures) for each in (FAILED, GIVEN_UP) for failures in counts]


_REASONS: dict[str, dict[Locale, str]] = {
    "insufficient_funds": {"en": "There is not enough money on the card.", "ja": "カードの残高または利用枠が不足しています。"},
    "expired_card": {"en": "The card has expired.", "ja": "カードの有効期限が切れています。"},
    "authentication_required": {
        "en": "Your bank wants you to confirm this payment yourself.",
        "ja": "カード会社が、ご本人による支払いの確認を求めています。",
    },
    "processing_error": {
        "en": "The bank could not process the payment just then.",
        "ja": "カード会社側で処理を完了できませんでした。",
    },
    "no_payment_method": {"en": "No card is saved any more.", "ja": "有効なカードが登録されていません。"},
    "card_not_supported": {
        "en": "This card cannot be used for this payment.",
        "ja": "このカードはこのお支払いにはご利用いただけません。",
    },
    "card_velocity_exceeded": {"en": "The limit of the card is reached.", "ja": "カードの利用限度に達しています。"},
    "incorrect_number": {"en": "The details of the card are not right.", "ja": "カード情報に誤りがあります。"},
}
_SAME = {
    "authentication_not_handled": "authentication_required",
    "payment_intent_authentication_failure": "authentication_required",
    "withdrawal_count_limit_exceeded": "card_velocity_exceeded",
    "issuer_not_available": "processing_error",
    "reenter_transaction": "processing_error",
    "try_again_later": "processing_error",
    "resource_missing": "no_payment_method",
    "currency_not_supported": "card_not_supported",
    **dict.fromkeys(
        (
            "incorrect_cvc", "incorrect_address", "incorrect_zip", "invalid_account", "invalid_cvc", "invalid_expiry_month",
            "invalid_expiry_year", "invalid_number",
        ),
        "incorrect_number",
    ),
}  # fmt: skip
_DECLINED: dict[Locale, str] = {"en": "The bank declined the card.", "ja": "カード会社に承認されませんでした。"}

_SUBJECTS: dict[str, dict[Locale, str]] = {
    FAILED: {
        "en": "Your payment for invoice {number} did not go through",
        "ja": "請求書 {number} のお支払いが完了していません",
    },
    GIVEN_UP: {"en": "Invoice {number} is still unpaid", "ja": "請求書 {number} は未払いのままです"},
}
_OPENINGS: dict[str, dict[Locale, str]] = {
    FAILED: {
        "en": "We could not collect {amount} for invoice {number}. {reason}",
        "ja": "請求書 {number}（{amount}）のお支払いを完了できませんでした。{reason}",
    },
    GIVEN_UP: {
        "en": "We could not collect {amount} for invoice {number}, and will not try again by ourselves. {reason}",
        "ja": "請求書 {number}（{amount}）のお支払いを完了できず、自動での再請求は終了しました。{reason}",
    },
}
_NEXT: dict[Ask, dict[Locale, str]] = {
    Ask.PATIENCE: {
        "en": "We will try again on {next_at}. If you would rather pay by another card, save it: it is charged at once.",
        "ja": "{next_at} に再度請求いたします。別のカードをご希望の場合はご登録ください。登録後すぐに請求いたします。",
    },
    Ask.NEW_CARD: {
        "en": "We will not try this card again. Please save another one by {next_at}: it is charged at once.",
        "ja": "このカードへの再請求は行いません。{next_at} までに別のカードをご登録ください。登録後すぐに請求いたします。",
    },
    Ask.CONFIRM: {
        "en": "Please confirm it by {next_at}. Nothing is charged before you do.",
        "ja": "{next_at} までに確認をお願いいたします。確認されるまで請求は行われません。",
    },
}
_STILL: dict[Locale, str] = {
    "en": "Nothing more is tried by itself. Another card that you save is charged at once.",
    "ja": "自動での再請求は行いません。別のカードをご登録いただければ、すぐに請求いたします。",
}
_ENDS: dict[End, dict[Locale, str]] = {
    End.KEEP: {
        "en": "Until it is paid, your subscription is on hold: what belongs to it cannot be used.",
        "ja": "お支払いが確認できるまで、ご契約の機能はご利用いただけません。",
    },
    End.PAUSE: {"en": "Your subscription is paused.", "ja": "ご契約を一時停止しました。"},
    End.CANCEL: {"en": "Your subscription has ended.", "ja": "ご契約を終了しました。"},
}
_LINKS: dict[Ask, dict[Locale, str]] = {
    Ask.PATIENCE: {"en": "Save another card", "ja": "カードを変更する"},
    Ask.NEW_CARD: {"en": "Save another card", "ja": "カードを変更する"},
    Ask.CONFIRM: {"en": "Confirm the payment", "ja": "支払いを確認する"},
}


def reason(code: str, locale: Locale) -> str:
    """Why, in words that may be told to whoever holds the card."""
    return _REASONS.get(_SAME.get(code, code), _DECLINED)[locale]


def letter_of(message_type: str, document: Mapping[str, object], locale: Locale, *, url: str) -> Letter:
    """The letter about one step, from the document that is sent about it; `url` is where it is mended."""
    ask = Ask(str(document["ask"]))
    values = {
        "number": str(document["number"]),
        "amount": _money(document, locale),
        "reason": reason(str(document["code"]), locale),
        "next_at": _moment(document["next_at"], locale),
    }
    paragraphs = [_OPENINGS[message_type][locale].format_map(values)]
    if message_type == FAILED:
        paragraphs.append((_STILL if document["next_at"] is None else _NEXT[ask])[locale].format_map(values))
    elif document["subscription"] is not None:
        paragraphs.append(_ENDS[End(str(document["end"]))][locale])
    subject = _SUBJECTS[message_type][locale].format_map(values)
    return framed(subject, paragraphs, locale, link=Link(_LINKS[ask][locale], url))


def _money(document: Mapping[str, object], locale: Locale) -> str:
    return figures.money(Money(int(str(document["amount"])), currency(str(document["currency"]))), locale)


def _moment(text: object, locale: Locale) -> str:
    from babel.dates import format_datetime

    if text is None:
        return ""
    return f"{format_datetime(datetime.fromisoformat(str(text)), 'medium', tzinfo=UTC, locale=locale)} UTC"
