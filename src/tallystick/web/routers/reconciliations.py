"""What comparing the provider's half with ours has found, each time."""

from typing import Annotated

from fastapi import Path

from tallystick.web.door import Billing, Scope, router
from tallystick.web.pages import AskedPage, Page, page
from tallystick.web.provider_schemas import LastReconciliation, ReconciliationShown, WholeReconciliationShown
from tallystick.web.schemas import Key
from tallystick.web.security import needs

routes = router("reconciliations")
_ADMIN = [needs(Scope.ADMIN)]
_KIND = "reconciliations"
_Id = Annotated[Key, Path()]


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
