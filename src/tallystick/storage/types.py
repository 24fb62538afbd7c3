"""Columns that mean the same on both engines, named so that a migration reads like the schema."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, Text, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from tallystick.values.time import from_micros, to_micros


def _wide(dialect: Dialect) -> TypeEngine[Any]:
    # STRICT tables of SQLite know INTEGER, which is 64 bits wide there, and no BIGINT.
    return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())


class Whole(TypeDecorator[int]):
    """A whole number of 64 bits: steps of a quantity, minor units of money, a count."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return _wide(dialect)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant, as whole microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return _wide(dialect)

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


class Key(TypeDecorator[str]):
    """Text that names something: compared and sorted by its bytes, whatever language the server speaks."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Text(collation="C") if dialect.name == "postgresql" else Text()


class Flag(TypeDecorator[bool]):
    """True or false, as 1 or 0."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: bool | None, _dialect: Dialect) -> int | None:
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, _dialect: Dialect) -> bool | None:
        return None if value is None else bool(value)


class JsonDoc(TypeDecorator[Any]):
    """A JSON document as text: what was written is what is read, digit for digit. Numbers that matter are strings within it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        return None if value is None else json_text(value)

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def json_text(document: Any) -> str:
    """One text per document: keys sorted, no spaces, ASCII (PostgreSQL refuses a NUL, and ASCII escapes it)."""
    return json.dumps(document, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
