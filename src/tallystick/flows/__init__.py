"""The verbs: one file, one story of load → decide → save. No flow imports another."""

from tallystick.flows import (
    apply_catalogue,
    bill_usage,
    collect,
    explain_invoice,
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
    "apply_catalogue",
    "bill_usage",
    "collect",
    "explain_invoice",
    "ingest",
    "receive_provider_event",
    "record_uptime",
    "settle",
    "sweep_payments",
    "uptime_status",
    "verify",
    "void_invoice",
]
