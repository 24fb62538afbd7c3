"""What a mail says, in English and Japanese."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from tallystick.domain import figures
from tallystick.domain.alerts import AlertKind
from tallystick.domain.letter_frames import Letter, Locale, framed
from tallystick.values.money import Money, currency

__all__ = ["Letter", "Locale", "letter_of"]


@dataclass(frozen=True, slots=True)
class _Draft:
    subject: str
    paragraphs: tuple[str, ...]


_TEXTS: dict[AlertKind, dict[Locale, _Draft]] = {
    AlertKind.QUOTA_THRESHOLD: {
        "en": _Draft(
            "{threshold} % of {subject} used",
            (
                "{customer} has used {used} of {limit} {subject}: {threshold} % is reached.",
                "The count begins anew at {resets_at}.",
            ),
        ),
        "ja": _Draft(
            "{subject} の {threshold} % を使用しました",
            (
                "{customer} の {subject} の使用量が {limit} のうち {used} となり、{threshold} % に達しました。",
                "次にゼロから数え直すのは {resets_at} です。",
            ),
        ),
    },
    AlertKind.SPEND_THRESHOLD: {
        "en": _Draft(
            "{threshold} % of the spending cap reached",
            (
                "{customer} has spent {spent} of {cap}: {threshold} % of the cap is reached.",
                "The count begins anew at {resets_at}.",
            ),
        ),
        "ja": _Draft(
            "利用上限額の {threshold} % に達しました",
            (
                "{customer} の利用額が上限 {cap} のうち {spent} となり、{threshold} % に達しました。",
                "次にゼロから数え直すのは {resets_at} です。",
            ),
        ),
    },
    AlertKind.SPEND_CAP_REACHED: {
        "en": _Draft(
            "The spending cap is reached",
            ("{customer} has spent {spent}: the cap of {cap} is reached.", "The count begins anew at {resets_at}."),
        ),
        "ja": _Draft(
            "利用上限額に達しました",
            ("{customer} の利用額が {spent} となり、上限の {cap} に達しました。", "次にゼロから数え直すのは {resets_at} です。"),
        ),
    },
    AlertKind.USAGE_SPIKE: {
        "en": _Draft(
            "Unusual usage of {subject}",
            (
                "{customer} used {quantity} {subject} in the hour from {hour}. In this hour of a week, {usual} is usual.",
                "If this is not expected, look at what sends it.",
            ),
        ),
        "ja": _Draft(
            "{subject} の使用量が通常と異なります",
            (
                "{customer} が {hour} からの 1 時間に {subject} を {quantity} 使用しました。通常は {usual} です。",
                "比較の対象は同じ曜日・時間帯です。心当たりがない場合は、送信元をご確認ください。",
            ),
        ),
    },
    AlertKind.ENDPOINT_DISABLED: {
        "en": _Draft(
            "A webhook endpoint was disabled",
            ("The endpoint {subject} was disabled: {reason}.", "Mend it, enable it, and send again what it has missed."),
        ),
        "ja": _Draft(
            "Webhook の送信先を停止しました",
            ("送信先 {subject} を停止しました（{reason}）。", "修正後に有効化し、届かなかったメッセージを再送してください。"),
        ),
    },
    AlertKind.DISPUTE_OPENED: {
        "en": _Draft(
            "A payment of {amount} is disputed",
            (
                "A bank disputes {amount} that {customer} paid for {invoice}: {reason}. The dispute is {ref}.",
                "Answer it in the provider's dashboard. It must be there by: {due_by}.",
            ),
        ),
        "ja": _Draft(
            "{amount} の支払いに異議が申し立てられました",
            (
                "{customer} が {invoice} に支払った {amount} に、銀行から異議申し立て（{ref}、理由: {reason}）がありました。",
                "決済サービスの管理画面で回答してください。回答期限: {due_by}",
            ),
        ),
    },
    AlertKind.DISPUTE_CLOSED: {
        "en": _Draft(
            "A dispute over {amount} is {status}",
            ("The dispute {ref} over {amount} that {customer} paid for {invoice} is over: {status}.",),
        ),
        "ja": _Draft(
            "{amount} の異議申し立てが終了しました（{status}）",
            ("{customer} が {invoice} に対して支払った {amount} への異議申し立て {ref} が終了しました。結果: {status}",),
        ),
    },
    AlertKind.PAYMENT_CANCELED: {
        "en": _Draft(
            "What was to collect {invoice} was canceled at the provider",
            (
                "{ref}, by which {customer} was to pay {amount} for {invoice}, was canceled at the provider, and not by us.",
                "The invoice is still open, and can be paid by another object; nothing is charged by itself any more.",
                "If it is not owed, void it.",
            ),
        ),
        "ja": _Draft(
            "{invoice} の支払いが決済サービス側で取り消されました",
            (
                "{customer} が {invoice} の {amount} を支払うための {ref} が、決済サービス側で取り消されました。",
                "請求書は未払いのままで、引き続き支払えますが、自動では請求されません。不要な場合は請求書を無効にしてください。",
            ),
        ),
    },
    AlertKind.PAYMENT_HELD: {
        "en": _Draft(
            "{amount} for {invoice} is held, and not charged",
            (
                "{amount} for {invoice} was not charged to {customer}: {held_for}. Found: {value}; the bound: {limit}.",
                "Nothing charges it now; the customer can still pay it themselves.",
                "If it is right, `tallystick invoices release {invoice}` charges it as usual. If not, void the invoice.",
            ),
        ),
        "ja": _Draft(
            "{invoice} の {amount} の請求を保留しました",
            (
                "{customer} への {invoice}（{amount}）の自動請求を保留しました。理由: {held_for}（実際: {value}、上限: {limit}）",
                "自動では請求されませんが、お客様ご自身でのお支払いは可能です。",
                "正しい場合は `tallystick invoices release {invoice}` で解除し、誤りの場合は請求書を無効にしてください。",
            ),
        ),
    },
    AlertKind.INVOICE_NOT_FINALIZED: {
        "en": _Draft(
            "{invoice} cannot be asked for",
            (
                "The provider could not finalize {ref} for {invoice} of {customer}: {reason}",
                "Nobody is asked for the money until that is mended.",
            ),
        ),
        "ja": _Draft(
            "{invoice} を請求できません",
            (
                "決済サービスが {customer} の {invoice}（{ref}）を確定できませんでした: {reason}",
                "問題が解消されるまで、請求は行われません。",
            ),
        ),
    },
    AlertKind.PROVIDER_DIFFERS: {
        "en": _Draft(
            "The provider's half differs from ours",
            ("Differences that could not be mended: {count}. The first of them: {first}", "See `tallystick reconcile`."),
        ),
        "ja": _Draft(
            "決済サービスの記録と一致しません",
            ("修復できない差異が {count} 件あります。最初の 1 件: {first}", "`tallystick reconcile` で確認してください。"),
        ),
    },
    AlertKind.OPERATIONS_USAGE_SYNC: {
        "en": _Draft(
            "Usage does not reach the provider",
            (
                "Of the latest exports of usage ({count}), {value} % succeeded; at least {limit} % should.",
                "Look at `tallystick jobs` and at the log. Nothing is lost: what was not sent is sent again.",
            ),
        ),
        "ja": _Draft(
            "使用量が決済サービスに届いていません",
            (
                "直近 {count} 回の送信のうち成功は {value} % です（基準は {limit} % 以上）。",
                "`tallystick jobs` とログをご確認ください。送信できなかった使用量は失われず、再送されます。",
            ),
        ),
    },
    AlertKind.OPERATIONS_PAYMENTS: {
        "en": _Draft(
            "Many payments fail",
            (
                "Of the latest attempts to collect ({count}), {value} % succeeded; at least {limit} % should.",
                "Look at the reasons of the declines, and whether the provider has an incident.",
            ),
        ),
        "ja": _Draft(
            "支払いの失敗が増えています",
            (
                "直近 {count} 回の請求のうち成功は {value} % です（基準は {limit} % 以上）。",
                "失敗の理由と、決済サービスの障害情報をご確認ください。",
            ),
        ),
    },
    AlertKind.OPERATIONS_WEBHOOKS: {
        "en": _Draft(
            "Webhooks are answered late",
            (
                "An answer to a webhook took {value} s; it should take no more than {limit} s.",
                "Look at the load of the service and of its database: the provider gives up on who is slow.",
            ),
        ),
        "ja": _Draft(
            "Webhook への応答が遅れています",
            (
                "Webhook への応答に {value} 秒かかりました（基準は {limit} 秒以内）。",
                "サービスとデータベースの負荷をご確認ください。遅い応答は決済サービス側で失敗として扱われます。",
            ),
        ),
    },
    AlertKind.OPERATIONS_UNPAID_INVOICES: {
        "en": _Draft(
            "Overdue invoices: {value}",
            (
                "Due and unpaid: {value}, of {count} open ones; there should be no more than {limit}.",
                "`tallystick invoices list --status open` names them.",
            ),
        ),
        "ja": _Draft(
            "期日を過ぎた請求書が {value} 件あります",
            (
                "未払いの請求書 {count} 件のうち {value} 件が期日を過ぎています（基準は {limit} 件以下）。",
                "`tallystick invoices list --status open` で確認できます。",
            ),
        ),
    },
    AlertKind.OPERATIONS_RECOVERED: {
        "en": _Draft(
            "Well again: {vital}",
            ("Beyond its limit since {ill_since}, and no longer: {vital}.", "Now it is {value}; the limit is {limit}."),
        ),
        "ja": _Draft(
            "回復しました: {vital}",
            ("{ill_since} から基準を外れていた「{vital}」が、基準内に戻りました。", "現在の値: {value}（基準: {limit}）"),
        ),
    },
    AlertKind.TEST: {
        "en": _Draft(
            "[Test] Alerts arrive",
            (
                "This is a test: somebody asked for it, to see that alerts arrive.",
                "Nothing has happened, and nothing is to be done.",
            ),
        ),
        "ja": _Draft(
            "[テスト] アラートの送信テスト",
            (
                "これはテストです。アラートが届くことを確かめるために送信されました。",
                "実際には何も起きていません。対応は不要です。",
            ),
        ),
    },
}
_VITALS: dict[str, dict[Locale, str]] = {
    "usage_sync": {"en": "exports of usage that succeed, in percent", "ja": "使用量の送信の成功率（%）"},
    "payments": {"en": "attempts to collect that succeed, in percent", "ja": "支払いの成功率（%）"},
    "webhooks": {"en": "the slowest answer to a webhook, in seconds", "ja": "Webhook への最も遅い応答（秒）"},
    "unpaid_invoices": {"en": "overdue invoices", "ja": "期日を過ぎた請求書（件）"},
}
_HELD_FOR: dict[str, dict[Locale, str]] = {
    "lines": {"en": "the invoice has too many lines", "ja": "請求書の明細行が多すぎます"},
    "amount": {
        "en": "the amount is far above what the customer has paid before",
        "ja": "金額がこれまでの支払い額を大きく上回っています",
    },
    "charges": {
        "en": "too many charges were begun for the customer on this day (UTC)",
        "ja": "同じ日（UTC）の請求の回数が多すぎます",
    },
}
_NOTHING: dict[Locale, str] = {"en": "nothing that could be counted", "ja": "対象なし"}
_NEVER: dict[Locale, str] = {"en": "no time: it never does", "ja": "ありません（期間の区切りがないため）"}
_NO_TIME: dict[Locale, str] = {"en": "no time is said", "ja": "指定なし"}
_BUSINESS: dict[Locale, str] = {"en": "the business", "ja": "事業全体"}


def letter_of(document: Mapping[str, object], locale: Locale) -> Letter:
    """The letter about an alert, from the document that is sent about it. Values are text, and never read as a template."""
    kind = AlertKind(str(document["kind"]))
    draft, values = _TEXTS[kind][locale], _values(document, locale)
    paragraphs = [paragraph.format_map(values) for paragraph in draft.paragraphs]
    return framed(draft.subject.format_map(values), paragraphs, locale)


def _values(document: Mapping[str, object], locale: Locale) -> dict[str, str]:
    facts = document["facts"]
    assert isinstance(facts, Mapping), "an alert has facts"
    values = {name: str(document[name]) for name in ("subject", "threshold")}
    values["customer"] = str(document["customer"] or _BUSINESS[locale])
    for name, value in facts.items():
        values[name] = _WRITERS[name](str(value), locale) if name in _WRITERS and value is not None else str(value)
    if "resets_at" in facts and facts["resets_at"] is None:
        values["resets_at"] = _NEVER[locale]
    if "value" in facts and facts["value"] is None:
        values["value"] = _NOTHING[locale]
    if "due_by" in facts and facts["due_by"] is None:
        values["due_by"] = _NO_TIME[locale]
    for name in facts:
        if name.endswith("_minor"):
            values[name.removesuffix("_minor")] = _money(str(facts[name]), str(facts["currency"]), locale)
    return values


def _number(text: str, locale: Locale) -> str:
    return figures.number(Decimal(text), locale)


def _money(minor: str, code: str, locale: Locale) -> str:
    return figures.money(Money(int(minor), currency(code)), locale)


def _moment(text: str, locale: Locale) -> str:
    from babel.dates import format_datetime

    return f"{format_datetime(datetime.fromisoformat(text), 'medium', tzinfo=UTC, locale=locale)} UTC"


def _vital(name: str, locale: Locale) -> str:
    return _VITALS[name][locale]


def _held_for(reason: str, locale: Locale) -> str:
    return _HELD_FOR[reason][locale]


_WRITERS: dict[str, Callable[[str, Locale], str]] = {
    "used": _number,
    "limit": _number,
    "quantity": _number,
    "usual": _number,
    "value": _number,
    "resets_at": _moment,
    "hour": _moment,
    "due_by": _moment,
    "ill_since": _moment,
    "vital": _vital,
    "held_for": _held_for,
}
