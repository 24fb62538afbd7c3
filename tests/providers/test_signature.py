"""A webhook is believed when one of our secrets signed these very bytes within five minutes, and never otherwise."""

import hashlib
import hmac
import json
import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tallystick.providers.stripe.signature import BODY_BYTES_MAX, Verifier, sign
from tallystick.values.errors import InvalidInput, WrongConfiguration
from tests.providers.stripe_world import SECRET, START

OLD_SECRET = "whsec_" + "9876543210" * 3
EVENT: dict[str, Any] = {
    "id": "evt_1", "object": "event", "type": "invoice.paid", "created": 1793620000, "livemode": False,
    "data": {"object": {"id": "in_1"}},
}  # fmt: skip
BODY = json.dumps(EVENT).encode()
VERIFIER = Verifier([SECRET, OLD_SECRET], livemode=False)


def refusal(body: bytes, header: str | None, *, late: timedelta = timedelta(0), verifier: Verifier = VERIFIER) -> str:
    """The code with which it is refused; whatever else is raised goes through."""
    headers = {} if header is None else {"Stripe-Signature": header}
    with pytest.raises(InvalidInput) as refused:
        verifier.verify(body, headers, now=START + late)
    return refused.value.code


def test_what_we_sign_is_accepted_as_it_came() -> None:
    delivery = VERIFIER.verify(BODY, {"stripe-SIGNATURE": sign(SECRET, BODY, START)}, now=START)
    assert (delivery.id, delivery.kind, delivery.body, delivery.livemode) == ("evt_1", "invoice.paid", BODY.decode(), False)
    assert int(delivery.created_at.timestamp()) == EVENT["created"]


def test_either_secret_is_good_while_rotating_and_any_of_several_signatures() -> None:
    both = sign(OLD_SECRET, BODY, START) + ",v1=" + "0" * 64 + ",v0=whatever"
    assert VERIFIER.verify(BODY, {"Stripe-Signature": both}, now=START).id == "evt_1"
    assert refusal(BODY, sign(OLD_SECRET, BODY, START), verifier=Verifier([SECRET], livemode=False)) == "invalid_signature"


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_of_difference_are_fine_on_both_sides(seconds: int) -> None:
    header = {"Stripe-Signature": sign(SECRET, BODY, START)}
    assert VERIFIER.verify(BODY, header, now=START + timedelta(seconds=seconds)).id == "evt_1"


@pytest.mark.parametrize("seconds", [-301, 301])
def test_more_are_a_replay_or_a_forgery_of_tomorrow(seconds: int) -> None:
    assert refusal(BODY, sign(SECRET, BODY, START), late=timedelta(seconds=seconds)) == "invalid_signature"


@pytest.mark.parametrize(
    "header",
    [None, "", "t=", "v1=00", "t=1793620200", "t=x,v1=00", "t=١٧٩٣٦٢٠٢٠٠,v1=00", "t=-1,v1=00", "t=99999999999999999999,v1=00",
     "t=1,t=1,v1=00", "é", "t=1793611800,v1=é", "t=1793611800,v1=" + "0" * 5000, "=,=,=", "t=1_793_611_800,v1=00"],
)  # fmt: skip
def test_a_malformed_header_is_no_signature(header: str | None) -> None:
    assert refusal(BODY, header) == "invalid_signature"


@settings(deadline=None)
@given(header=st.text(max_size=200), body=st.binary(max_size=200))
def test_no_bytes_raise_anything_else(header: str, body: bytes) -> None:
    assert refusal(body, header) == "invalid_signature"


NAMES = ("object", "id", "type", "data", "created")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["event", "v2.core.event"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(NAMES), inner),
)
bodies = st.binary(max_size=200) | st.text(max_size=200).map(str.encode) | values.map(lambda value: json.dumps(value).encode())


@settings(deadline=None)
@given(body=bodies)
@example(body=b'{"object":[]}')
def test_no_signed_bytes_raise_anything_else(body: bytes) -> None:
    assert refusal(body, sign(SECRET, body, START)) == "invalid_webhook"


def test_of_a_hundred_thousand_mutations_none_is_accepted() -> None:
    dice, good, accepted = random.Random(20261121), sign(SECRET, BODY, START), 0
    for _ in range(100_000):
        header, body = bytearray(good, "ascii"), bytearray(BODY)
        target = header if dice.random() < 0.5 else body
        place = dice.randrange(len(target))
        old = target[place]
        match dice.randrange(3):
            case 0:
                target[place] = dice.randrange(256)
            case 1:
                del target[place]
            case _:
                target.insert(place, dice.randrange(256))
        if header == good.encode() and body == BODY:
            target[place] = (old + 1) % 128
        try:
            VERIFIER.verify(bytes(body), {"Stripe-Signature": header.decode("latin-1")}, now=START)
        except InvalidInput:
            continue
        # Accepted is only what Stripe's own reading of the header accepts too: the same signature of the same bytes.
        accepted += not _is_signed(header.decode("latin-1"), bytes(body))
    assert accepted == 0


def _is_signed(header: str, body: bytes) -> bool:
    pairs = [part.split("=", 1) for part in header.split(",") if "=" in part]
    at = next(value for name, value in pairs if name == "t")
    expected = hmac.new(SECRET.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return ["v1", expected] in pairs


def test_a_signature_by_another_secret_or_of_other_bytes_is_none() -> None:
    assert refusal(BODY, sign("whsec_" + "a" * 32, BODY, START)) == "invalid_signature"
    assert refusal(BODY + b" ", sign(SECRET, BODY, START)) == "invalid_signature"


@pytest.mark.parametrize(
    "change",
    [{"id": "in_1"}, {"id": "evt_"}, {"id": "evt_\n"}, {"id": 7}, {"type": "Invoice Paid"}, {"type": None}, {"created": "1"},
     {"created": True}, {"created": -1}, {"created": 10**15}, {"created": 1.5}, {"livemode": True}, {"livemode": 0},
     {"livemode": None}, {"object": "v2.core.event"}, {"data": None}, {"data": {}}, {"data": {"object": []}}, {"x": "\0"}],
)  # fmt: skip
def test_a_signed_body_that_is_no_event_of_ours_is_refused(change: dict[str, Any]) -> None:
    body = json.dumps(EVENT | change).encode()
    assert refusal(body, sign(SECRET, body, START)) == "invalid_webhook"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"\xff", b"\xef\xbb\xbf" + BODY, BODY[:-1] + b',"id":"evt_2"}', BODY[:-1] + b',"x":NaN}',
     BODY[:-1] + b',"x":' + b"9" * 5000 + b"}", b"[" * 100_000, b'{"a":' * 100_000, b" " * (BODY_BYTES_MAX + 1)],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_signed_bytes_that_are_not_strict_json_are_refused(body: bytes) -> None:
    assert refusal(body, sign(SECRET, body, START)) == "invalid_webhook"


@pytest.mark.parametrize("secrets", [[""], ["whsec_short"], [SECRET, ""], [SECRET + "\n"], [SECRET] * 5, ["é" * 30]])
def test_a_weak_secret_is_not_a_secret(secrets: list[str]) -> None:
    with pytest.raises(WrongConfiguration, match="STRIPE_WEBHOOK_SECRET"):
        Verifier(secrets, livemode=False)


def test_without_a_secret_nothing_is_believed() -> None:
    assert refusal(BODY, sign("", BODY, START), verifier=Verifier([], livemode=False)) == "invalid_signature"


def test_a_live_key_wants_live_events() -> None:
    body = json.dumps(EVENT | {"livemode": True}).encode()
    live = Verifier([SECRET], livemode=True)
    assert live.verify(body, {"Stripe-Signature": sign(SECRET, body, START)}, now=START).livemode
    assert refusal(BODY, sign(SECRET, BODY, START), verifier=live) == "invalid_webhook"
