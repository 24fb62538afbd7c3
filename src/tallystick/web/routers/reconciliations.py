"""What comparing the provider's half with ours has found, each time."""

from typing import Annotated

from fastapi import Path

from tallystick.values.time import instant
from tallystick.web.door import Billing, Caller, Scope, router
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.provider_schemas import LastReconciliation, ReconcileBody, ReconciliationShown, WholeReconciliationShown
from tallystick.web.schemas import Key
from tallystick.web.security import needs

routes = router("reconciliations")
_ADMIN = [needs(Scope.ADMIN)]
_KIND = "reconciliations"
_Id = Annotated[Key, Path()]


@routes.post("/v1/reconcile", dependencies=_ADMIN, summary="Compare the provider's half with ours", status_code=202)
def reconcile(billing: Billing, caller: Caller, body: ReconcileBody) -> ReconciliationShown:
    """By the worker, for it may take minutes; `GET /v1/reconciliations/{id}` shows when it is done. While one waits that looks
    as far back, and repairs as well, it is that one, so no key is kept.
    """
    since = None if body.since is None else instant(body.since, field="since")
    return ReconciliationShown.of(billing.request_reconciliation(since=since, repair=body.repair, actor=caller.actor))


@routes.get("/v1/reconciliations", dependencies=_ADMIN, summary="Comparisons with the provider, newest first")
def list_reconciliations(billing: Billing, asked: AskedPage) -> Page[ReconciliationShown]:
    place = asked.place(_KIND)
    rows = billing.reconciliations(after=None if place is None else str(place[0]), limit=asked.limit + 1)
    return page(rows, asked.limit, ReconciliationShown.of, lambda found: (found.id,), kind=_KIND)


@routes.get("/v1/reconciliations/{reconciliation_id}", dependencies=_ADMIN, summary="One comparison, both halves side by side")
def get_reconciliation(billing: Billing, reconciliation_id: _Id) -> WholeReconciliationShown:
    return WholeReconciliationShown.whole(billing.reconciliation(reconciliation_id))


@routes.get("/v1/reconciliation", dependencies=_ADMIN, summary="What the last comparison with the provider found")
def get_last_reconciliation(billing: Billing) -> LastReconciliation:
    found = billing.last_reconciliation()
    return LastReconciliation(last=None if found is None else WholeReconciliationShown.whole(found))
