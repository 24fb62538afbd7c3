"""Tables whose rows are added and never changed or removed: the database itself refuses, whoever asks."""

from sqlalchemy import Connection, text


def make_append_only(conn: Connection, table: str) -> None:
    """Used by revisions that are out in the world: what it does must stay what it did."""
    if conn.dialect.name == "postgresql":
        conn.execute(text(_POSTGRES_FUNCTION))
        conn.execute(
            text(
                f"CREATE TRIGGER {table}_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION tallystick_refuse_change()"
            )
        )
        return
    for change in ("UPDATE", "DELETE"):
        conn.execute(
            text(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table}: rows are added, never changed or removed'); END"
            )
        )


_POSTGRES_FUNCTION = """
CREATE OR REPLACE FUNCTION tallystick_refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%: rows are added, never changed or removed', TG_TABLE_NAME; END $$
"""
