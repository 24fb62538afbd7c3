"""Letters: in both languages for every alert, with figures as that language writes them, and nothing of others in the HTML."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tallystick.domain.alerts import Alert, AlertKind
from tallystick.domain.letters import letter_of
from tallystick.domain.operations import Vital
from tallystick.values.ids import CustomerId

NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)
QUOTA = {"limit": "1000000", "used": "812345.5", "resets_at": "2026-02-01T00:00:00Z"}
MONEY = {"cap_minor": "100000", "spent_minor": "80050", "currency": "usd", "resets_at": None}
DISPUTE: dict[str, str | None] = {
    "amount_minor": "149000", "currency": "usd", "reason": "fraudulent", "ref": "du_1", "invoice": "INV-000001", "status": "won",
    "due_by": None,
}  # fmt: skip
VITAL: dict[str, str | None] = {"value": "88.8", "limit": "90", "count": "1200", "unit": "percent"}
FACTS: dict[AlertKind, dict[str, str | None]] = {
    AlertKind.QUOTA_THRESHOLD: QUOTA,
    AlertKind.SPEND_THRESHOLD: MONEY,
    AlertKind.SPEND_CAP_REACHED: MONEY,
    AlertKind.USAGE_SPIKE: {"hour": "2026-01-15T09:00:00Z", "quantity": "45000", "usual": "1200.5", "weeks": "8", "unit": "call"},
    AlertKind.ENDPOINT_DISABLED: {"reason": "it answered 410 Gone"},
    AlertKind.DISPUTE_OPENED: DISPUTE,
    AlertKind.DISPUTE_CLOSED: DISPUTE,
    AlertKind.PAYMENT_CANCELED: DISPUTE,
    AlertKind.PAYMENT_HELD: {
        "payment": "pay_1",
        "invoice": "INV-000001",
        "amount_minor": "149000",
        "currency": "usd",
        "held_for": "amount",
        "value": "1490",
        "limit": "999.99",
    },
    AlertKind.INVOICE_NOT_FINALIZED: {"reason": "No location.", "ref": "in_1", "invoice": "INV-000001"},
    AlertKind.OPERATIONS_USAGE_SYNC: VITAL,
    AlertKind.OPERATIONS_PAYMENTS: VITAL,
    AlertKind.OPERATIONS_WEBHOOKS: VITAL,
    AlertKind.OPERATIONS_UNPAID_INVOICES: VITAL,
    AlertKind.OPERATIONS_RECOVERED: VITAL | {"vital": "payments", "ill_since": "2026-01-15T09:00:00Z"},
    AlertKind.TEST: {},
    AlertKind.PROVIDER_DIFFERS: {"count": "2", "first": "pi_1 collects inv_9, which is not ours"},
}


def alert(kind: AlertKind, subject: str = "calls", customer: str = "ada") -> Alert:
    return Alert(CustomerId(customer), kind, subject, NOW, 80, NOW, FACTS[kind])


@pytest.mark.parametrize("locale", ["en", "ja"])
@pytest.mark.parametrize("kind", AlertKind)
def test_every_alert_can_be_written_in_every_language(kind: AlertKind, locale) -> None:
    letter = letter_of(alert(kind).document, locale)
    assert letter.subject
    assert "{" not in letter.subject + letter.text + letter.html
    assert "None" not in letter.text
    assert f'lang="{locale}"' in letter.html


def test_figures_are_written_exactly_and_as_the_language_writes_them() -> None:
    quota = letter_of(alert(AlertKind.QUOTA_THRESHOLD).document, "en")
    assert "812,345.5 of 1,000,000 calls: 80 % is reached" in quota.text
    money = letter_of(alert(AlertKind.SPEND_CAP_REACHED).document, "en")
    assert "$800.50: the cap of $1,000.00" in money.text
    assert "it never does" in money.text
    yen = replace(alert(AlertKind.SPEND_CAP_REACHED), facts=MONEY | {"currency": "jpy"})
    assert "80,050" in letter_of(yen.document, "ja").text
    assert "1200" not in (text := letter_of(alert(AlertKind.USAGE_SPIKE).document, "en").text)
    assert "45,000 calls" in text


def test_a_figure_of_one_reads_as_well_as_one_of_many() -> None:
    overdue = replace(alert(AlertKind.OPERATIONS_UNPAID_INVOICES), facts={"value": "1", "count": "1", "limit": "0"})
    letter = letter_of(overdue.document, "en")
    assert letter.subject == "Overdue invoices: 1"
    assert "Due and unpaid: 1, of 1 open ones; there should be no more than 0." in letter.text


def test_what_others_have_named_is_text_and_nothing_else() -> None:
    hostile = alert(AlertKind.QUOTA_THRESHOLD, "<script>{0.__class__}</script>", "{threshold}<img src=x>&\u2028Bcc: eve")
    letter = letter_of(hostile.document, "en")
    assert "<script>" not in letter.html
    assert "<img" not in letter.html
    assert "{0.__class__}" in letter.text, "what looks like a template is not read as one"
    assert "{threshold}" in letter.text
    assert "\n" not in letter.subject
    assert "\u2028" not in letter.subject


@pytest.mark.parametrize("vital", list(Vital))
def test_what_is_well_again_is_named_in_words_and_may_have_no_figure(vital: Vital) -> None:
    facts = VITAL | {"vital": vital.value, "ill_since": "2026-01-15T09:00:00Z", "value": None}
    found = replace(alert(AlertKind.OPERATIONS_RECOVERED), facts=facts)
    english, japanese = (letter_of(found.document, locale) for locale in ("en", "ja"))
    assert "Now it is nothing that could be counted; the limit is 90." in english.text
    assert vital.value not in english.subject
    assert "2026/01/15" in japanese.text
    assert "対象なし" in japanese.text
