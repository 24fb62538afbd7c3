"""Messages reach those who asked for them: signed, at least once, by a schedule, and nobody else; what is given up is said."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from structlog.testing import capture_logs

from tallystick.app import Tallystick
from tallystick.couriers.http import HttpEgress
from tallystick.couriers.signing import signed_headers
from tallystick.domain.entitlements import Quota
from tallystick.domain.letters import Letter
from tallystick.domain.messages import PAUSE, RETRY_AFTER, Dispatch, DispatchStatus, Reply
from tallystick.domain.usage import Meter
from tallystick.flows.context import Outgoing
from tallystick.storage import jobs, schema
from tallystick.values.errors import Conflict, InvalidInput, NotFound
from tallystick.values.ids import MeterKey
from tallystick.values.time import SystemClock
from tallystick.worker import loop
from tests.couriers.listening import Listener, listening
from tests.scenarios.world import World

PRICE = {"model": "per_unit", "currency": "usd", "unit_amount": "1"}


class Post:
    """Takes letters, or answers as it was told; remembers who got what."""

    is_real = True

    def __init__(self) -> None:
        self.answers: list[Reply] = []
        self.took: list[tuple[str, Letter, str]] = []

    def send(self, letter: Letter, *, to: str, message_id: str) -> Reply:
        self.took.append((to, letter, message_id))
        return self.answers.pop(0) if self.answers else Reply(250)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url, at="2026-01-10")
    context = replace(
        made.billing.context, egress=HttpEgress(local=True), outgoing=Outgoing(local=True, operator="ops@example.com")
    )
    made.billing.context = context
    made.billing.put_customer("ada", email="ada@example.com")
    yield made
    made.billing.close()


@pytest.fixture
def billing(world: World) -> Tallystick:
    return world.billing


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as found:
        yield found


def dispatched(billing: Tallystick) -> Dispatch:
    """The one dispatch of the newest message."""
    ((_, (dispatch,)),) = billing.messages(limit=1)
    return dispatch


def filled(world: World) -> None:
    """Ada uses 80 % of a quota."""
    world.billing.put_meter(Meter(MeterKey("pages"), decimals=0))
    world.billing.grant("ada", "pages", Quota(Decimal(10)))
    world.billing.consume("ada", "pages", 8, op="a")


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_where_nobody_is_to_be_told_nothing_is_stored(world: World) -> None:
    world.sells("calls", PRICE)
    world.uses("ada", "calls", 5)
    world.later(minutes=1).bill("ada")
    world.works()
    assert world.billing.messages() == []


def test_the_life_of_an_invoice_is_told(world: World, listener: Listener) -> None:
    world.billing.create_endpoint(listener.url, ["invoice.*"])
    world.sells("calls", PRICE)
    invoices = []
    for _ in range(2):
        world.uses("ada", "calls", 5)
        invoices.append(world.later(minutes=1).bill("ada", payment_method="pm_card_visa"))
    world.billing.void(invoices[1].id, reason="a mistake")
    world.works()
    told = [json.loads(each.body) for each in listener.told]
    assert sorted((each["type"], each["data"]["id"]) for each in told) == sorted(
        [(kind, invoices[0].id) for kind in ("invoice.opened", "invoice.paid")]
        + [(kind, invoices[1].id) for kind in ("invoice.opened", "invoice.voided")]
    )
    paid = next(each for each in told if each["type"] == "invoice.paid")
    assert paid["data"] == {
        "id": invoices[0].id, "customer": "ada", "number": "INV-000001", "status": "paid", "total": 500, "currency": "usd",
    }  # fmt: skip
    assert all(dispatch.status is DispatchStatus.DELIVERED for _, found in world.billing.messages() for dispatch in found)


def test_what_is_sent_is_verified_by_the_library_and_by_ten_lines(billing: Tallystick, listener: Listener, monkeypatch) -> None:
    issued = billing.create_endpoint(listener.url)
    message = billing.test_endpoint(issued.endpoint.id)
    loop.run_until_idle(billing.context)
    (told,) = listener.told
    assert told.headers["webhook-id"] == message.id
    assert "." not in message.id
    assert told.headers["webhook-timestamp"] == str(int(billing.context.clock.now().timestamp()))
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(issued.secret).verify(told.body, told.headers)
    now = SystemClock().now()  # the library looks at the wall, which is elsewhere
    headers = signed_headers(message.id, now, told.body, [issued.secret])
    assert Webhook(issued.secret).verify(told.body, headers)["type"] == "endpoint.test"
    with pytest.raises(WebhookVerificationError):
        Webhook(issued.secret).verify(told.body + b" ", headers)
    assert verified(issued.secret, told.headers, told.body)


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """By hand, as somebody does who has no library."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return any(hmac.compare_digest(expected, given) for given in headers["webhook-signature"].split(" "))


def test_while_two_secrets_overlap_both_verify_and_afterwards_the_new_one_alone(world: World, listener: Listener) -> None:
    billing = world.billing
    first = billing.create_endpoint(listener.url)
    second = billing.rotate_endpoint_secret(first.endpoint.id, overlap=timedelta(hours=1))
    assert first.secret != second.secret

    def sent() -> tuple[bool, bool]:
        billing.test_endpoint(first.endpoint.id)
        loop.run_until_idle(billing.context)
        told = listener.told[-1]
        return verified(first.secret, told.headers, told.body), verified(second.secret, told.headers, told.body)

    assert sent() == (True, True)
    world.later(hours=1)
    assert sent() == (False, True)


def test_an_endpoint_of_a_customer_hears_of_that_customer_alone(world: World, listener: Listener) -> None:
    world.sells("calls", PRICE)
    world.billing.put_customer("ben")
    with listening() as of_ben:
        world.billing.create_endpoint(listener.url, customer_id="ada")
        world.billing.create_endpoint(of_ben.url, customer_id="ben")
        world.uses("ada", "calls", 5)
        world.later(minutes=1).bill("ada")
        world.works()
        assert of_ben.told == []
    assert [json.loads(each.body)["type"] for each in listener.told] == ["invoice.opened"]


def test_an_alert_is_told_to_endpoints_and_by_mail_once(world: World, listener: Listener) -> None:
    post = Post()
    world.billing.context = replace(world.billing.context, mailer=post)
    world.billing.create_endpoint(listener.url, ["alert.*"])
    filled(world)
    for _ in range(3):
        world.works()
    (told,) = [json.loads(each.body) for each in listener.told]
    assert told["type"] == "alert.quota.threshold"
    assert told["data"]["facts"] == {"limit": "10", "used": "8", "resets_at": "2026-02-01T00:00:00Z"}
    ((to, letter, _),) = post.took
    assert to == "ada@example.com"
    assert letter.subject == "80 % of pages used"
    with world.billing.context.database.transaction("told again") as conn:
        (alert,) = world.billing.alerts()
        jobs.enqueue(conn, jobs.JobName.ALERT, alert.id, run_at=world.clock.now())
    world.works()
    assert (len(listener.told), len(post.took)) == (1, 1)


# ── tries ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_not_accepted_is_tried_by_the_schedule_and_then_given_up_and_said(world: World, listener: Listener) -> None:
    listener.status = 500
    billing = world.billing
    endpoint = billing.create_endpoint(listener.url).endpoint
    billing.test_endpoint(endpoint.id)
    for tries, wait in enumerate(RETRY_AFTER, 1):
        loop.run_until_idle(billing.context)
        assert (len(listener.told), dispatched(billing).attempts) == (tries, tries)
        world.clock.advance(wait - timedelta(seconds=1))
        loop.run_until_idle(billing.context)
        assert len(listener.told) == tries, "not before its time"
        world.later(seconds=1)
    loop.run_until_idle(billing.context)
    ((_, (given_up,)),) = billing.messages()[-1:]
    assert len(listener.told) == 8
    assert (given_up.status, given_up.attempts, given_up.response_status, given_up.reply) == (
        DispatchStatus.FAILED,
        8,
        500,
        "thank you",
    )
    assert len({each.headers["webhook-id"] for each in listener.told}) == 1
    after = billing.endpoint(endpoint.id)
    assert (after.enabled, after.disabled_reason) == (False, "nothing was accepted in 8 tries")
    assert billing.audit()[0].act.action == "endpoint.disabled"
    (alert,) = billing.alerts(kind="endpoint.disabled")
    assert alert.subject == endpoint.id
    assert [(to, letter.subject) for _, to, letter in billing.letters()] == [
        ("ops@example.com", "A webhook endpoint was disabled")
    ]
    world.proves()


def test_an_answer_that_comes_at_last_ends_it(world: World, listener: Listener) -> None:
    listener.then = [500, 302]
    endpoint = world.billing.create_endpoint(listener.url).endpoint
    world.billing.test_endpoint(endpoint.id)
    for wait in (*RETRY_AFTER[:3], timedelta()):
        loop.run_until_idle(world.billing.context)
        world.clock.advance(wait)
    assert len(listener.told) == 3
    assert (dispatched(world.billing).status, dispatched(world.billing).attempts) == (DispatchStatus.DELIVERED, 3)
    assert world.billing.endpoint(endpoint.id).failures == 0


def test_an_endpoint_that_fails_holds_up_nobody_else(world: World, listener: Listener) -> None:
    billing = world.billing
    with listening(status=500) as broken:
        ill, well = (billing.create_endpoint(each.url).endpoint for each in (broken, listener))
        for _ in range(20):
            billing.test_endpoint(ill.id)
            billing.test_endpoint(well.id)
        loop.run_until_idle(billing.context)
        assert (len(broken.told), len(listener.told)) == (5, 20), "after five failures in a row it is left alone"
        assert billing.endpoint(ill.id).paused_until == world.clock.now() + PAUSE
        broken.status = 200
        world.clock.advance(PAUSE)
        loop.run_until_idle(billing.context)
        assert len(broken.told) == 25, "and then it gets all of them"


def test_who_says_410_is_not_asked_again(world: World, listener: Listener) -> None:
    listener.status = 410
    endpoint = world.billing.create_endpoint(listener.url).endpoint
    for _ in range(3):
        world.billing.test_endpoint(endpoint.id)
    loop.run_until_idle(world.billing.context)
    assert len(listener.told) == 1
    assert not world.billing.endpoint(endpoint.id).enabled
    with pytest.raises(Conflict, match="enable it first"):
        world.billing.test_endpoint(endpoint.id)


def test_a_crash_before_the_answer_is_noted_sends_it_again_under_the_same_id(world: World, listener: Listener) -> None:
    billing = world.billing
    billing.test_endpoint(billing.create_endpoint(listener.url).endpoint.id)

    class Strikes:
        def point(self, name: str) -> None:
            if name == "send message:before_commit":
                raise SystemExit

        def mark(self, name: str) -> None: ...

    calm = billing.context.database.faults
    billing.context.database.faults = Strikes()
    with pytest.raises(SystemExit):
        loop.run_due(billing.context)
    billing.context.database.faults = calm
    world.later(minutes=6)
    loop.run_until_idle(billing.context)
    assert len(listener.told) == 2
    assert len({each.headers["webhook-id"] for each in listener.told}) == 1
    assert dispatched(billing).status is DispatchStatus.DELIVERED


# ── once more ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_message_is_sent_once_more_under_its_id(world: World, listener: Listener) -> None:
    billing = world.billing
    endpoint = billing.create_endpoint(listener.url).endpoint
    message = billing.test_endpoint(endpoint.id)
    loop.run_until_idle(billing.context)
    billing.resend_message(message.id)
    billing.resend_message(message.id)
    loop.run_until_idle(billing.context)
    assert [each.headers["webhook-id"] for each in listener.told] == [message.id] * 2, "asked twice before it went, it goes once"
    with listening() as newer:
        late = billing.create_endpoint(newer.url).endpoint
        billing.resend_message(message.id, endpoint_id=late.id)
        loop.run_until_idle(billing.context)
        assert len(newer.told) == 1
    billing.update_endpoint(endpoint.id, enabled=False)
    billing.remove_endpoint(late.id)
    with pytest.raises(Conflict):
        billing.resend_message(message.id)
    with pytest.raises(Conflict):
        billing.resend_message(message.id, endpoint_id=endpoint.id)
    with pytest.raises(NotFound):
        billing.resend_message(message.id, endpoint_id=late.id)
    with pytest.raises(NotFound):
        billing.resend_message("msg_none")


def test_what_was_given_up_is_sent_again_once_the_endpoint_is_mended(world: World, listener: Listener) -> None:
    billing = world.billing
    listener.status = 410
    endpoint = billing.create_endpoint(listener.url).endpoint
    message = billing.test_endpoint(endpoint.id)
    loop.run_until_idle(billing.context)
    listener.status = 200
    enabled = billing.update_endpoint(endpoint.id, enabled=True)
    assert (enabled.disabled_reason, enabled.failures) == (None, 0)
    billing.resend_message(message.id)
    loop.run_until_idle(billing.context)
    assert billing.message(message.id)[1][0].status is DispatchStatus.DELIVERED


def test_to_an_endpoint_that_was_removed_or_switched_off_nothing_is_sent(world: World, listener: Listener) -> None:
    billing = world.billing
    first, second = (billing.create_endpoint(listener.url).endpoint for _ in range(2))
    messages = [billing.test_endpoint(each.id) for each in (first, second)]
    billing.remove_endpoint(first.id)
    billing.update_endpoint(second.id, enabled=False)
    loop.run_until_idle(billing.context)
    assert listener.told == []
    assert [billing.message(message.id)[1][0].error for message in messages] == [
        "the endpoint was removed",
        "the endpoint is disabled",
    ]


# ── mail ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_letter_that_the_server_could_not_take_is_tried_again_under_the_same_id(world: World) -> None:
    post = Post()
    post.answers = [Reply(error="the mail server answered 421")]
    world.billing.context = replace(world.billing.context, mailer=post)
    filled(world)
    world.works()
    assert len(post.took) == 1
    world.later(seconds=5).works()
    world.later(days=2).works()
    assert [to for to, _, _ in post.took] == ["ada@example.com"] * 2
    assert len({message_id for _, _, message_id in post.took}) == 1
    assert post.took[0][2].endswith("@tallystick.invalid>")


def test_a_letter_that_is_refused_for_good_is_not_tried_again(world: World) -> None:
    post = Post()
    post.answers = [Reply(error="the mail server refused the recipient: 550", final=True)]
    world.billing.context = replace(world.billing.context, mailer=post)
    filled(world)
    world.works()
    world.later(days=2).works()
    assert len(post.took) == 1
    assert dispatched(world.billing).status is DispatchStatus.FAILED


def test_no_address_and_no_body_of_a_letter_is_kept_with_it(world: World) -> None:
    filled(world)
    with capture_logs() as logs:
        world.works()
    with world.billing.context.database.reading() as conn:
        tables = [table for table in schema.metadata.sorted_tables if table.name != "tallystick_customers"]
        kept = "\n".join(repr(row) for table in tables for row in conn.execute(table.select()))
    assert "ada@example.com" not in kept + repr(logs)
    assert [entry["event"] for entry in logs] == ["mail.shown"]
    assert [to for _, to, _ in world.billing.letters()] == ["ada@example.com"]


def test_letters_are_in_the_language_that_is_set(world: World) -> None:
    outgoing = replace(world.billing.context.outgoing, locale="ja")
    world.billing.context = replace(world.billing.context, outgoing=outgoing)
    filled(world)
    world.works()
    assert world.billing.letters()[0][2].subject == "pages の 80 % を使用しました"


def test_a_customer_without_an_address_gets_no_letter(world: World) -> None:
    world.billing.put_customer("ada")
    filled(world)
    world.works()
    assert len(world.billing.alerts()) == 1
    assert world.billing.messages() == []


# ── endpoints ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_secret_is_shown_once_and_is_nowhere_else(world: World, listener: Listener) -> None:
    billing = world.billing
    with capture_logs() as logs:
        first = billing.create_endpoint(f"{listener.url}?token=canary")
        second = billing.rotate_endpoint_secret(first.endpoint.id)
        billing.test_endpoint(first.endpoint.id)
        loop.run_until_idle(billing.context)
    shown = repr([logs, billing.endpoints(), billing.messages(), billing.audit(), billing.context])
    with billing.context.database.reading() as conn:
        kept = "\n".join(repr(row) for table in schema.metadata.sorted_tables for row in conn.execute(table.select()))
    for issued in (first, second):
        assert issued.secret.removeprefix("whsec_") not in shown + kept
    assert "whsec_" not in shown + kept
    assert "canary" not in repr([logs, billing.audit()])


def test_with_a_key_of_its_own_the_database_keeps_none(world: World, listener: Listener) -> None:
    billing = world.billing
    billing.context = replace(billing.context, outgoing=replace(billing.context.outgoing, key=b"k" * 32))
    issued = billing.create_endpoint(listener.url)
    billing.test_endpoint(issued.endpoint.id)
    loop.run_until_idle(billing.context)
    assert verified(issued.secret, listener.told[0].headers, listener.told[0].body)
    with billing.context.database.reading() as conn:
        assert "webhook_key" not in repr(conn.execute(schema.settings.select()).all())
    assert "kkkk" not in repr(billing.context)


def test_an_endpoint_that_may_not_be_told_is_refused(world: World) -> None:
    billing = world.billing
    billing.context = replace(billing.context, outgoing=Outgoing())
    for url in ("http://example.com/", "https://127.0.0.1/", "https://10.0.0.1/", "https://user@example.com/"):
        with pytest.raises(InvalidInput):
            billing.create_endpoint(url)
    with pytest.raises(InvalidInput, match="customer"):
        billing.create_endpoint("https://example.com/", customer_id="nobody")
    endpoint = billing.create_endpoint("https://example.com/", ["alert.*"]).endpoint
    with pytest.raises(InvalidInput):
        billing.update_endpoint(endpoint.id, url="https://[::1]/")
    changed = billing.update_endpoint(endpoint.id, url="https://example.com:8443/new", types=["*"])
    assert (changed.url, changed.types, changed.enabled) == ("https://example.com:8443/new", ("*",), True)
    for unknown in (billing.endpoint, billing.remove_endpoint, billing.test_endpoint, billing.rotate_endpoint_secret):
        with pytest.raises(NotFound):
            unknown("ep_none")


def test_a_url_that_was_taken_under_other_settings_is_not_sent_to(world: World, listener: Listener) -> None:
    billing = world.billing
    billing.test_endpoint(billing.create_endpoint(listener.url).endpoint.id)
    billing.context = replace(billing.context, outgoing=Outgoing(), egress=HttpEgress())
    loop.run_until_idle(billing.context)
    assert listener.told == []
    assert "https" in (dispatched(billing).error or "")
