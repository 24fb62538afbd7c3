"""The tests' own databases are what the other tests believe they are: fresh, apart, on both engines."""

import sqlalchemy
from sqlalchemy import text


def _engine(url: str) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sqlalchemy.NullPool)


def test_a_database_is_fresh_and_can_be_written(database_url: str) -> None:
    with _engine(database_url).begin() as conn:
        conn.execute(text("CREATE TABLE only_here (id INTEGER)"))


def test_a_second_test_does_not_see_the_tables_of_the_first(database_url: str) -> None:
    assert not sqlalchemy.inspect(_engine(database_url)).has_table("only_here")


def test_an_empty_database_has_no_table(empty_database_url: str) -> None:
    assert sqlalchemy.inspect(_engine(empty_database_url)).get_table_names() == []
