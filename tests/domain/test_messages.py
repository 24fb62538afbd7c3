"""Messages: who wants them, how long they are tried, and when an endpoint is left alone."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis.strategies import integers, text

from tallystick.domain.messages import (
    FAILURES_MAX,
    PAUSE,
    REPLY_LENGTH_MAX,
    RETRY_AFTER,
    Channel,
    Dispatch,
    DispatchStatus,
    Endpoint,
    Reply,
    after_try,
    checked_types,
    endpoint_after,
    mail_id,
    rotated,
    secret_of,
    shown,
)
from tallystick.values.errors import InvalidInput
from tallystick.values.ids import CustomerId, EndpointId, MessageId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADA, BEN = CustomerId("ada"), CustomerId("ben")
ENDPOINT = Endpoint(EndpointId("ep_1"), "https://example.com/", ("*",), None, NOW)
DISPATCH = Dispatch(MessageId("msg_1"), "ep_1", Channel.WEBHOOK, NOW, next_at=NOW)
OK, NO = Reply(200), Reply(500)


def tried(replies: list[Reply]) -> tuple[Dispatch, Endpoint]:
    dispatch, endpoint, now = DISPATCH, ENDPOINT, NOW
    for reply in replies:
        dispatch = after_try(dispatch, reply, now=now)
        endpoint = endpoint_after(endpoint, dispatch, reply, now=now)
        now = dispatch.next_at or now
    return dispatch, endpoint


@pytest.mark.parametrize(
    ("types", "wanted", "unwanted"),
    [
        (("*",), ["invoice.paid", "alert.quota.threshold"], []),
        (("invoice.*",), ["invoice.paid", "invoice.opened"], ["alert.quota.threshold", "invoices.paid"]),
        (("invoice.paid", "alert.*"), ["invoice.paid", "alert.usage.spike"], ["invoice.opened", "invoice.paid.twice"]),
    ],
)
def test_an_endpoint_gets_what_it_asked_for(types, wanted, unwanted) -> None:
    endpoint = replace(ENDPOINT, types=types)
    assert all(endpoint.wants(each, ADA) for each in wanted)
    assert not any(endpoint.wants(each, ADA) for each in unwanted)
    assert not any(replace(endpoint, enabled=False).wants(each, ADA) for each in wanted)


def test_an_endpoint_of_one_customer_hears_of_no_other_and_not_of_the_business() -> None:
    endpoint = replace(ENDPOINT, only_for=ADA)
    assert [endpoint.wants("x", who) for who in (ADA, BEN, None)] == [True, False, False]
    assert [ENDPOINT.wants("x", who) for who in (ADA, BEN, None)] == [True, True, True]


def test_a_message_is_tried_eight_times_within_about_a_day() -> None:
    assert sum(RETRY_AFTER, timedelta()) == timedelta(hours=27, minutes=35, seconds=5)
    dispatch, now = DISPATCH, NOW
    for wait in RETRY_AFTER:
        dispatch = after_try(dispatch, NO, now=now)
        assert (dispatch.status, dispatch.next_at) == (DispatchStatus.WAITING, now + wait)
        now += wait
    last = after_try(dispatch, NO, now=now)
    assert (last.status, last.attempts, last.next_at, last.error) == (DispatchStatus.FAILED, 8, None, "answered 500")


@given(failures=integers(0, len(RETRY_AFTER)))
def test_what_is_accepted_at_last_is_delivered(failures: int) -> None:
    dispatch, endpoint = tried([NO] * failures + [OK])
    assert (dispatch.status, dispatch.attempts, dispatch.error) == (DispatchStatus.DELIVERED, failures + 1, None)
    assert (endpoint.enabled, endpoint.failures, endpoint.paused_until) == (True, 0, None)


def test_only_success_is_success() -> None:
    assert [Reply(status).accepted for status in (100, 199, 200, 204, 299, 300, 302, 404)] == [
        False,
        False,
        *[True] * 3,
        *[False] * 3,
    ]
    assert not Reply(error="no answer").accepted


def test_an_endpoint_that_fails_again_and_again_is_left_alone_for_a_while() -> None:
    _, before = tried([NO] * (FAILURES_MAX - 1))
    dispatch, paused = tried([NO] * FAILURES_MAX)
    assert before.paused_until is None
    assert paused.paused_until is not None
    assert dispatch.next_at is not None
    assert RETRY_AFTER[FAILURES_MAX - 1] > PAUSE, "the pause holds up no retry of its own"


def test_an_endpoint_that_accepted_nothing_while_a_message_was_tried_is_disabled() -> None:
    _, silent = tried([NO] * (len(RETRY_AFTER) + 1))
    assert (silent.enabled, silent.disabled_reason) == (False, "nothing was accepted in 8 tries")
    dispatch = replace(DISPATCH, attempts=len(RETRY_AFTER))
    failed = after_try(dispatch, NO, now=NOW)
    talks = replace(ENDPOINT, delivered_at=NOW)
    assert endpoint_after(talks, failed, NO, now=NOW).enabled, "it took others meanwhile: this message is at fault"


def test_who_says_that_it_is_gone_is_not_asked_again() -> None:
    dispatch, endpoint = tried([Reply(410)])
    assert (dispatch.status, endpoint.enabled, endpoint.disabled_reason) == (
        DispatchStatus.FAILED,
        False,
        "it answered 410 Gone",
    )


def test_secrets_are_made_from_the_key_and_differ_by_endpoint_and_number() -> None:
    made = {secret_of(key, EndpointId(ep), number) for key in (b"a", b"b") for ep in ("ep_1", "ep_2") for number in (1, 2)}
    assert len(made) == 8
    for secret in made:
        assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32


def test_two_secrets_overlap_until_the_overlap_is_over() -> None:
    endpoint = rotated(ENDPOINT, now=NOW, overlap=timedelta(hours=1))
    assert ENDPOINT.secret_numbers(NOW) == (1,)
    assert endpoint.secret_numbers(NOW) == (2, 1)
    assert endpoint.secret_numbers(NOW + timedelta(hours=1)) == (2,)
    assert rotated(ENDPOINT, now=NOW, overlap=timedelta(0)).secret_numbers(NOW) == (2,)
    for wrong in (timedelta(days=31), timedelta(seconds=-1)):
        with pytest.raises(InvalidInput):
            rotated(ENDPOINT, now=NOW, overlap=wrong)


@pytest.mark.parametrize(
    "wrong", [[], ["*"] * 51, ["Invoice.paid"], ["invoice."], ["*.paid"], ["in*"], [""], ["a b"], ["a" * 300]]
)
def test_types_are_words_with_dots(wrong: list[str]) -> None:
    with pytest.raises(InvalidInput, match="types"):
        checked_types(wrong)
    assert checked_types(["invoice.paid", "alert.*", "invoice.paid"]) == ("alert.*", "invoice.paid")


@given(text())
def test_what_is_kept_of_an_answer_can_be_kept_anywhere(said: str) -> None:
    kept = shown(said)
    assert len(kept) <= REPLY_LENGTH_MAX
    assert "\x00" not in kept
    kept.encode()


def test_a_letter_has_the_same_id_however_often_it_is_sent() -> None:
    assert mail_id(DISPATCH, "b.example") == mail_id(replace(DISPATCH, attempts=3), "b.example")
    assert mail_id(DISPATCH, "b.example") != mail_id(replace(DISPATCH, target="mail:operator"), "b.example")
