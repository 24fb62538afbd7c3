"""Rows in, values out: SQLAlchemy Core on SQLite and PostgreSQL. Every function takes `conn` first and never commits."""

from tallystick.storage import catalog, customers, invoices, jobs, ledger, payments, settings, usage
from tallystick.storage.database import Database

__all__ = [
    "Database",
    "catalog",
    "customers",
    "invoices",
    "jobs",
    "ledger",
    "migrate",
    "payments",
    "settings",
    "usage",
]


def migrate(url: str) -> None:
    """Brings the database at `url` to the newest schema."""
    database = Database.from_url(url)
    try:
        database.migrate()
    finally:
        database.close()
