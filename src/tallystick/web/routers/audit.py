"""Who changed what, and why."""

from typing import Any

from pydantic import BaseModel

from tallystick.values.time import rfc3339
from tallystick.web.door import Billing, Scope, router
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.security import needs

routes = router("audit")
_KIND = "audit"


class ActShown(BaseModel):
    """One act in the chain: its `hash` is over the act and the hash before it."""

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None
    hash: str


@routes.get("/v1/audit", dependencies=[needs(Scope.ADMIN)], summary="Every act, the newest first")
def list_audit(billing: Billing, asked: AskedPage) -> Page[ActShown]:
    place = asked.place(_KIND)
    rows = billing.audit(before=None if place is None else int(place[0]), limit=asked.limit + 1)
    return page(
        rows,
        asked.limit,
        lambda entry: ActShown(
            seq=entry.seq,
            at=rfc3339(entry.at),
            actor=entry.act.actor,
            action=entry.act.action,
            subject=entry.act.subject,
            before=None if entry.act.before is None else dict(entry.act.before),
            after=None if entry.act.after is None else dict(entry.act.after),
            reason=entry.act.reason,
            hash=entry.hash,
        ),
        lambda entry: (entry.seq,),
        kind=_KIND,
    )
