"""The verbs: one file, one story of load → decide → save. No flow imports another."""

from tallystick.flows import (
    api_keys,
    apply_catalogue,
    backlog,
    bill_usage,
    collect,
    dead_jobs,
    explain_invoice,
    idempotently,
    ingest,
    receive_provider_event,
    record_uptime,
    settle,
    sweep_payments,
    uptime_status,
    verify,
    void_invoice,
)

__all__ = [
    "api_keys",
    "apply_catalogue",
    "backlog",
    "bill_usage",
    "collect",
    "dead_jobs",
    "explain_invoice",
    "idempotently",
    "ingest",
    "receive_provider_event",
    "record_uptime",
    "settle",
    "sweep_payments",
    "uptime_status",
    "verify",
    "void_invoice",
]
