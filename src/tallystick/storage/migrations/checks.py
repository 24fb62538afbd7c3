"""A CHECK that lets more pass than it did: the rows that are there stay, for each of them has passed the narrower one."""

from sqlalchemy import Connection, text


def widen(conn: Connection, table: str, name: str, *, before: str, after: str) -> None:
    """Replaces the condition of the constraint `ck_<table>_<name>`."""
    if conn.dialect.name == "postgresql":
        constraint = f"ck_{table}_{name}"
        conn.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"))
        conn.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} CHECK ({after})"))
        return
    # SQLite can alter no constraint, and a table that others refer to cannot be made anew within a transaction. Its manual's
    # way for changes that leave the rows as they are: the text of the schema is written, and read again by everybody.
    version: int = conn.exec_driver_sql("PRAGMA schema_version").scalar_one()
    conn.exec_driver_sql("PRAGMA writable_schema = ON")
    changed = conn.execute(
        text("UPDATE sqlite_schema SET sql = replace(sql, :before, :after) WHERE name = :name AND instr(sql, :before) > 0"),
        {"before": f"({before})", "after": f"({after})", "name": table},
    )
    assert changed.rowcount == 1, f"{table} has that constraint"
    conn.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    conn.exec_driver_sql("PRAGMA writable_schema = RESET")
