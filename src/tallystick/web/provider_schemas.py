"""The provider's half on the wire: what came in, what comparing found, and what banks dispute."""

import json
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, Field

from tallystick.domain.disputes import Dispute
from tallystick.domain.reconciliation import Reconciliation
from tallystick.values.time import rfc3339
from tallystick.web.schemas import Sent, moment

if TYPE_CHECKING:
    from tallystick.storage.provider_events import Stored

DeliveryStatus = Literal["new", "settled", "ignored", "parked"]


class DeliveryShown(BaseModel):
    """One delivery that came in. `about` is the provider's id of the object; `reason` says why it came to nothing, or to less."""

    id: str
    kind: str
    about: str | None
    status: DeliveryStatus
    reason: str | None
    created_at: str
    received_at: str
    settled_at: str | None

    @classmethod
    def of(cls, stored: "Stored") -> Self:
        return cls(**_facts(stored))


class WholeDeliveryShown(DeliveryShown):
    """With its body as it came, but for what opens a payment."""

    body: dict[str, Any]

    @classmethod
    def whole(cls, stored: "Stored") -> Self:
        return cls(**_facts(stored), body=_body(stored))


class FindingShown(BaseModel):
    """One thing that was not the same on both sides. `ours` and `theirs` are the two halves; null: it is not there.

    `repairable`: a repair may mend it. `left` is why one that was tried did not.
    """

    part: str
    subject: str
    ref: str
    ours: str | None
    theirs: str | None
    reason: str
    verdict: Literal["differs", "repaired"]
    repairable: bool
    left: str | None


class ReconcileBody(Sent):
    repair: bool = Field(default=False, description="Whether what differs is mended, and not only said.")
    since: str | None = Field(default=None, description="RFC 3339: looks back so far; else thirty days.")


class ReconciliationShown(BaseModel):
    """One comparison with the provider. `equal` counts, by part, what is the same on both sides; `differs` and `repaired` count
    what was not. `status` is `waiting` until it is done. `at` is when it was asked for.
    """

    id: str
    status: Literal["waiting", "done"]
    actor: str
    at: str
    done_at: str | None
    since: str
    repair: bool
    equal: dict[str, int]
    differs: int
    repaired: int

    @classmethod
    def of(cls, found: Reconciliation) -> Self:
        return cls(**_counts(found))


class WholeReconciliationShown(ReconciliationShown):
    """With each thing that was not the same."""

    findings: list[FindingShown]

    @classmethod
    def whole(cls, found: Reconciliation) -> Self:
        return cls(**_counts(found), findings=[FindingShown.model_validate(finding) for finding in found.findings])


class LastReconciliation(BaseModel):
    """`last` is null before the first comparison."""

    last: WholeReconciliationShown | None


class DisputeShown(BaseModel):
    """A payment that a bank disputes. `withdrawn`: the bank has the money. `due_by` is when an answer must be at the provider."""

    id: str
    ref: str
    customer: str
    invoice: str
    payment: str
    status: str
    reason: str
    withdrawn: bool
    currency: str
    amount: int = Field(description="In minor units.")
    due_by: str | None
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, dispute: Dispute) -> Self:
        return cls(
            id=dispute.id,
            ref=dispute.ref,
            customer=dispute.customer_id,
            invoice=dispute.invoice_id,
            payment=dispute.payment_id,
            status=dispute.status.value,
            reason=dispute.reason,
            withdrawn=dispute.withdrawn,
            currency=dispute.amount.currency.code,
            amount=dispute.amount.minor,
            due_by=moment(dispute.due_by),
            created_at=rfc3339(dispute.created_at),
            updated_at=rfc3339(dispute.updated_at),
        )


def _counts(found: Reconciliation) -> dict[str, Any]:
    return {
        "id": found.id,
        "status": "waiting" if found.done_at is None else "done",
        "actor": found.actor,
        "at": rfc3339(found.at),
        "done_at": moment(found.done_at),
        "since": rfc3339(found.since),
        "repair": found.repair,
        "equal": dict(found.equal),
        "differs": len(found.differing),
        "repaired": found.repaired_count,
    }


def _facts(stored: "Stored") -> dict[str, Any]:
    about = _body(stored).get("data", {}).get("object", {}).get("id")
    return {
        "id": stored.delivery.id,
        "kind": stored.delivery.kind,
        "about": about if isinstance(about, str) else None,
        "status": stored.settlement.value,
        "reason": stored.reason,
        "created_at": rfc3339(stored.delivery.created_at),
        "received_at": rfc3339(stored.received_at),
        "settled_at": moment(stored.settled_at),
    }


def _body(stored: "Stored") -> dict[str, Any]:
    body: dict[str, Any] = json.loads(stored.delivery.body)
    return body
