"""Bugs of following subscriptions that the provider bills, and of letters with invoices, planted one at a time."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

from tallystick import domain, storage
from tallystick.domain.messages import DispatchStatus, Reply
from tallystick.flows import _entitle, mail_message
from tallystick.providers.protocol import Limited, Refused
from tallystick.providers.stripe import client, outcomes
from tests.simulation.bugs import bug, instead
from tests.simulation.followers import CUSTOMER


@bug(followed=1.0, lost_reply=0.3, timeout_after_success=0.3)
def a_subscription_is_asked_for_again_without_looking() -> Iterator[None]:
    real, numbers = client.StripeProvider.subscribe, count(1)

    def subscribe(self: Any, request: Any, *, key: str) -> Any:
        return real(self, request, key=f"{key}:{next(numbers)}")

    provider = client.StripeProvider
    with instead(provider, "find_subscription", lambda *_: None), instead(provider, "subscribe", subscribe):
        yield


@bug(followed=1.0)
def a_wish_counts_as_carried_out_when_it_is_written_down() -> Iterator[None]:
    real = domain.provider_subscriptions.wished

    def wished(*asked: Any) -> Any:
        after = real(*asked)
        return replace(after, told=after.wishes)

    with instead(domain.provider_subscriptions, "wished", wished):
        yield


@bug(followed=1.0, limit_storm=1.0, rate_limited=0.3)
def one_call_too_many_counts_as_a_refusal() -> Iterator[None]:
    real = outcomes.of

    def of(error: Any) -> Any:
        outcome = real(error)
        return Refused("rate_limit", outcome.message) if isinstance(outcome, Limited) else outcome

    with instead(outcomes, "of", of):
        yield


@bug(followed=1.0)
def what_the_provider_tells_changes_nothing_of_what_is_granted() -> Iterator[None]:
    real = _entitle.entitle

    def entitle(ctx: Any, conn: Any, customer_id: Any, *more: Any, **named: Any) -> Any:
        return None if customer_id == CUSTOMER else real(ctx, conn, customer_id, *more, **named)

    with instead(_entitle, "entitle", entitle):
        yield


@bug(followed=1.0)
def seats_that_are_changed_there_stay_as_they_were_asked_for() -> Iterator[None]:
    with instead(domain.provider_subscriptions, "seats_held", lambda *_: None):
        yield


@bug(followed=1.0)
def an_invoice_of_the_providers_stays_as_it_was_first_seen() -> Iterator[None]:
    real = storage.provider_subscriptions.mirror

    def mirror(conn: Any, mirrored: Any) -> bool:
        return storage.provider_subscriptions.invoice(conn, mirrored.invoice.ref) is not None or real(conn, mirrored)

    with instead(storage.provider_subscriptions, "mirror", mirror):
        yield


# Letters


@bug(mail=1.0)
def each_try_to_mail_is_a_letter_of_its_own() -> Iterator[None]:
    with instead(domain.messages, "mail_id", lambda dispatch, at: f"<{dispatch.job}/{dispatch.attempts}@{at}>"):
        yield


@bug(mail=1.0, crash=0.02)
def a_letter_counts_as_sent_before_it_is() -> Iterator[None]:
    def mailed(ctx: Any, message_id: Any, target: str) -> None:
        with ctx.database.transaction("mail message") as conn:
            message, dispatch = storage.messages.get(conn, message_id), storage.messages.dispatched(conn, message_id, target)
            assert message is not None, "it was written down with the invoice"
            assert dispatch is not None, "so was who gets it"
            if dispatch.status is not DispatchStatus.WAITING:
                return
            sent = domain.messages.after_try(dispatch, Reply(status=250), now=ctx.clock.now())
            storage.messages.move(conn, dispatch, sent)
            to = mail_message._address(ctx, conn, message, target)
            letter = mail_message._letter(ctx, conn, message, target, with_files=True)
        ctx.mailer.send(letter, to=to or "nobody", message_id=domain.messages.mail_id(dispatch, ctx.outgoing.mail_domain))

    with instead(mail_message, "mail_message", mailed):
        yield
