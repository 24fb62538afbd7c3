"""Rules and maths of billing: pure functions on frozen values. No I/O, no clock, no settings."""

from tallystick.domain import catalog, customers, invoices, ledger, payments, rating, uptime, usage

__all__ = ["catalog", "customers", "invoices", "ledger", "payments", "rating", "uptime", "usage"]
