"""The rules of dunning: which step follows from what has failed, for all of it; and the file that says so."""

import tomllib
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain import dunning
from tallystick.domain.dunning import (
    Ask,
    Cause,
    Dunning,
    History,
    Move,
    Policy,
    State,
    Try,
    failed,
    given_up,
    link_token,
    next_step,
    noticed,
    over,
    read_link,
    standing,
    trying,
)
from tallystick.domain.dunning_documents import read_policy
from tallystick.domain.dunning_letters import FAILED, GIVEN_UP, letter_of, reason
from tallystick.domain.subscriptions import Status
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId, InvoiceId, PaymentId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHIPPED: dict[str, Any] = tomllib.loads(files("tallystick").joinpath("dunning.toml").read_text("utf-8"))
POLICY = read_policy(SHIPPED)
CODES = sorted(POLICY.codes)
DAY = timedelta(days=1)


def a_try(code: str, *, day: int = 0, cause: Cause = Cause.FIRST, charge: int = 1) -> Try:
    at = NOW + day * DAY
    return Try(CustomerId("ada"), InvoiceId("inv"), PaymentId("pay"), charge, cause, at, at, at, code, "")


def begun(code: str) -> Dunning:
    return failed(POLICY, noticed(a_try(code)), a_try(code), failures=1)


# The table


@pytest.mark.parametrize(
    ("code", "days"),
    [
        ("insufficient_funds", [7, 7]),
        ("card_declined", [3, 5, 7]),
        ("generic_decline", [3, 5, 7]),
        ("processing_error", [3, 5, 7]),
        ("do_not_honor", [3, 5, 7]),
        ("a_code_that_is_new_tomorrow", [3, 5, 7]),
    ],
)
def test_the_days_of_the_table(code: str, days: list[int]) -> None:
    at = NOW
    for tries, wait in enumerate(days):
        due = at + wait * DAY
        assert next_step(POLICY, History(code, at, at, tries), now=due - timedelta(seconds=1)) == dunning.Next(Move.WAIT, due)
        assert next_step(POLICY, History(code, at, at, tries), now=due) == dunning.Next(Move.TRY, due)
        at = due
    assert next_step(POLICY, History(code, at, at, len(days)), now=at).move is Move.GIVE_UP


@pytest.mark.parametrize("code", ["expired_card", "incorrect_number", "lost_card", "stolen_card", "authentication_required"])
def test_what_needs_the_customer_is_never_tried_without_them(code: str) -> None:
    for days in range(40):
        move = next_step(POLICY, History(code, NOW, NOW, 0), now=NOW + days * DAY).move
        assert move is (Move.WAIT if days < 15 else Move.GIVE_UP)


def test_only_a_bank_that_wants_to_hear_the_customer_asks_for_a_confirmation() -> None:
    assert POLICY.rule("authentication_required").ask is Ask.CONFIRM
    assert POLICY.rule("lost_card").ask is Ask.NEW_CARD
    assert POLICY.rule("insufficient_funds").ask is Ask.PATIENCE


# For all of it


@given(st.lists(st.sampled_from([*CODES, "unheard_of"]), min_size=1, max_size=30), st.integers(0, 400))
def test_it_ends_and_no_try_comes_early_whatever_the_bank_says(codes: list[str], late: int) -> None:
    """The bank may change its mind each time, and we may come late: tries are bounded, each has its day, and there is an end."""
    now, state = NOW, begun(codes[0])
    tries: list[datetime] = []
    for failures in range(2, 40):
        step = dunning.follows(POLICY, state, now=now)
        if step.move is Move.WAIT:
            assert step.at > now
            now = step.at + timedelta(hours=late)
            step = dunning.follows(POLICY, state, now=now)
        assert step.move is not Move.WAIT, "when its time has come, something is done"
        if step.move is Move.GIVE_UP:
            break
        assert now >= step.at
        tries.append(now)
        state = trying(state, Cause.SCHEDULE, now=now)
        code = codes[min(failures - 1, len(codes) - 1)]
        last = Try(CustomerId("ada"), InvoiceId("inv"), PaymentId("pay"), failures, Cause.SCHEDULE, now, now, now, code, "")
        state = failed(POLICY, state, last, failures=failures)
    else:
        pytest.fail("it never ends")
    assert len(tries) <= POLICY.tries_max
    assert all(later - earlier >= 3 * DAY for earlier, later in pairwise([NOW, *tries]))


@given(st.sampled_from(CODES), st.integers(0, 5), st.integers(0, 10**7), st.integers(0, 10**7))
def test_time_only_ever_brings_it_on(code: str, tries: int, earlier: int, more: int) -> None:
    history = History(code, NOW, NOW, tries)
    first = next_step(POLICY, history, now=NOW + timedelta(seconds=earlier))
    then = next_step(POLICY, history, now=NOW + timedelta(seconds=earlier + more))
    assert first.at == then.at
    assert first.move in {Move.WAIT, then.move}


@given(st.lists(st.sampled_from(CODES), min_size=1, max_size=20))
def test_cards_that_are_declined_as_they_are_saved_buy_no_time_to_save_another(codes: list[str]) -> None:
    state = begun("expired_card")
    for place, code in enumerate(codes):
        state = failed(POLICY, state, a_try(code, day=place, cause=Cause.NEW_CARD, charge=place + 2), failures=place + 2)
    assert state.since == NOW
    assert state.tries == 0


@given(st.lists(st.sampled_from(list(State)), max_size=6))
def test_one_invoice_that_was_given_up_is_enough_and_none_is_left_of_what_is_over(states: list[State]) -> None:
    found = standing(states)
    assert (found is Status.UNPAID) == (State.GIVEN_UP in states)
    assert (found is Status.ACTIVE) == (set(states) <= {State.OVER})


def test_given_up_stays_so_until_it_is_paid() -> None:
    state = given_up(begun("expired_card"), now=NOW, settled=True)
    again = failed(POLICY, state, a_try("insufficient_funds", day=2, cause=Cause.NEW_CARD, charge=2), failures=2)
    assert (again.state, again.next_at, again.code) == (State.GIVEN_UP, None, "insufficient_funds")
    assert trying(again, Cause.NEW_CARD, now=NOW) == again
    assert over(again, now=NOW).state is State.OVER


def test_what_is_over_is_over() -> None:
    done = over(begun("expired_card"), now=NOW)
    with pytest.raises(AssertionError, match="cannot become"):
        trying(done, Cause.SCHEDULE, now=NOW)


# The link


@given(st.text(max_size=80))
def test_no_link_can_be_made_up(text: str) -> None:
    key, invoice = b"k" * 32, InvoiceId("inv_1")
    token = link_token(key, invoice)
    assert read_link(key, token) == invoice
    assert read_link(b"another" * 5, token) is None
    if text != token:
        assert read_link(key, text) is None
        assert read_link(key, f"{invoice}.{text}") is None


# The file


def policy(**rules: object) -> dict[str, Any]:
    return {"otherwise": "rest", "rules": {"rest": {"codes": [], "retry_after_days": [1]}, **rules}}


def test_a_file_of_ones_own_says_it_all() -> None:
    mine = read_policy(policy(never={"ask": "new_card", "codes": ["fraudulent"], "give_up_after_days": 2}))
    assert mine.rule("fraudulent").give_up_after == 2 * DAY
    assert mine.rule("insufficient_funds").retry_after == (DAY,)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"rules": {}}, "otherwise: is missing"),
    ({"otherwise": "rest", "rules": {}}, "rules: must be 1 to 50 rules"),
    (
        {"otherwise": "gone", "rules": {"rest": {"codes": [], "retry_after_days": [1]}}},
        "otherwise: must be one of the rules: rest",
    ),
    (policy(a={"codes": ["x"], "retry_after_days": []}), "rules.a.retry_after_days: is empty"),
    (policy(a={"codes": ["x"], "retry_after_days": [0]}), "rules.a.retry_after_days[0]: must be whole days, from 1 to 60"),
    (policy(a={"codes": ["x"], "retry_after_days": [1.5]}), "rules.a.retry_after_days[0]: must be whole days"),
    (policy(a={"codes": ["x"], "retry_after_days": [True]}), "rules.a.retry_after_days[0]: must be whole days"),
    (policy(a={"codes": ["x"], "retry_after_days": [1] * 9}), "rules.a.retry_after_days: at most 8 of them"),
    (policy(a={"codes": ["x"]}), "rules.a.retry_after_days: is missing"),
    (policy(a={"codes": ["X!"], "retry_after_days": [1]}), "rules.a.codes[0]: must be a decline code"),
    (policy(a={"codes": ["x"], "retry_after_days": [1], "tries": 4}), "rules.a.tries: unknown field"),
    (policy(a={"codes": ["x"], "ask": "new_card"}), "rules.a.give_up_after_days: is missing"),
    (policy(a={"codes": ["x"], "ask": "begging", "retry_after_days": [1]}), "rules.a.ask: must be one of"),
    (
        policy(a={"codes": ["x"], "ask": "confirm", "give_up_after_days": 9, "retry_after_days": [1]}),
        "rules.a.retry_after_days: not beside ask = 'confirm'",
    ),
    (
        policy(a={"codes": ["x"], "retry_after_days": [1]}, b={"codes": ["x"], "retry_after_days": [1]}),
        "rules.b.codes: x is in the rule a already",
    ),
]


@pytest.mark.parametrize(("document", "why"), WRONG, ids=[why for _, why in WRONG])
def test_a_wrong_file_is_refused_with_the_place_that_is_wrong(document: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_policy(document)
    assert why in refusal.value.message


# The letters


def facts(**more: object) -> dict[str, object]:
    said = {
        "number": "INV-000001", "amount": 9900, "currency": "eur", "code": "expired_card", "ask": "new_card",
        "next_at": "2026-01-16T00:00:00Z", "subscription": "sub_1", "end": "keep",
    }  # fmt: skip
    return {**said, **more}


@pytest.mark.parametrize("locale", ["en", "ja"])
@pytest.mark.parametrize("ask", list(Ask))
@pytest.mark.parametrize("kind", [FAILED, GIVEN_UP])
def test_every_letter_says_what_for_how_much_and_where_it_is_mended(locale: Any, ask: Ask, kind: str) -> None:
    letter = letter_of(kind, facts(ask=ask.value), locale, url="https://example.com/mend/x")
    assert "INV-000001" in letter.subject
    assert "99.00" in letter.text
    assert "https://example.com/mend/x" in letter.text
    assert ("2026" in letter.text) == (kind == FAILED), "when something will happen, it is said when"


@pytest.mark.parametrize("code", [*CODES, "unheard_of"])
def test_nobody_is_told_that_their_card_is_called_stolen(code: str) -> None:
    for locale in ("en", "ja"):
        told = reason(code, locale)
        assert told
        assert not any(word in told.lower() for word in ("stolen", "lost", "fraud", "risk", "盗難", "紛失", "不正"))


def test_what_is_written_into_a_letter_is_text() -> None:
    letter = letter_of(FAILED, facts(number="<b>{x}</b>\r\nBcc: x"), "en", url="https://example.com/m")
    assert "<b>" not in letter.html
    assert "\n" not in letter.subject


def test_the_shipped_file_is_read_as_it_is_shipped() -> None:
    assert isinstance(POLICY, Policy)
    assert POLICY.tries_max == 3
    assert Dunning.__dataclass_params__.frozen  # type: ignore[attr-defined]
