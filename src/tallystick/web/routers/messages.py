"""Messages that were sent out, what became of each, and once more."""

from html import escape
from typing import Annotated

from fastapi import Path, Query
from starlette.responses import HTMLResponse, Response

from tallystick.values.errors import NotFound
from tallystick.web.door import Billing, Caller, Scope, TheDoor, router
from tallystick.web.message_schemas import MessageShown, ResendBody
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.schemas import Key
from tallystick.web.security import needs

routes = router("webhook_messages")
_KIND = "webhook_messages"
_Id = Annotated[Key, Path()]


@routes.get("/v1/webhook-messages", dependencies=[needs(Scope.BILLING_READ)], summary="Messages, newest first")
def list_webhook_messages(
    billing: Billing, asked: AskedPage, customer: Annotated[Key | None, Query()] = None
) -> Page[MessageShown]:
    place = asked.place(_KIND)
    after = None if place is None else str(place[0])
    rows = billing.messages(customer_id=customer, after=after, limit=asked.limit + 1)
    return page(rows, asked.limit, MessageShown.of, lambda found: (found[0].id,), kind=_KIND)


@routes.get("/v1/webhook-messages/{message_id}", dependencies=[needs(Scope.BILLING_READ)], summary="One message")
def get_webhook_message(billing: Billing, message_id: _Id) -> MessageShown:
    return MessageShown.of(billing.message(message_id))


@routes.post(
    "/v1/webhook-messages/{message_id}/resend",
    dependencies=[needs(Scope.BILLING_WRITE)],
    summary="Send a message once more",
    status_code=202,
)
def resend_webhook_message(billing: Billing, caller: Caller, message_id: _Id, body: ResendBody) -> MessageShown:
    """Under the same id, so that who has it already can tell. Asked twice before it went, it goes once; no key is kept."""
    billing.resend_message(message_id, endpoint_id=body.endpoint, actor=caller.actor)
    return MessageShown.of(billing.message(message_id))


@routes.get("/dev/mail", dependencies=[needs(Scope.ADMIN)], include_in_schema=False)
def show_letters(door: TheDoor) -> Response:
    """The newest letters, where mail is tried out: with the sandbox, or in debugging."""
    if door.billing.sandbox is None and not door.settings.debug:
        raise NotFound("mail: is shown where it is tried out, with the sandbox or with DEBUG")
    letters = "".join(
        f"<article><h2>{escape(letter.subject)}</h2><p>{escape(to)}: {status}</p><pre>{escape(letter.text)}</pre></article>"
        for status, to, letter in door.billing.letters()
    )
    start = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mail</title></head>'
    return HTMLResponse(f"{start}<body><h1>Mail</h1>{letters or '<p>None yet.</p>'}</body></html>")
