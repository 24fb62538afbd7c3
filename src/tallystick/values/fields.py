"""The fields of one object from outside, taken out one by one; the missing, the wrong and the unknown are refused by name."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from tallystick.values.decimals import exact_decimal
from tallystick.values.errors import InvalidInput

_SAYABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}", re.ASCII)


class Fields:
    """One object. A field that is null counts as absent; `end` refuses the fields that nobody asked for.

    `where` is the path of the object, for the messages. Every method raises InvalidInput with the path of the field.
    """

    def __init__(self, document: object, where: str = "") -> None:
        self.where = where
        if not isinstance(document, Mapping):
            raise InvalidInput(f"{where or 'document'}: must be an object with named fields", field=where or "document")
        self._left: dict[object, object] = {name: value for name, value in document.items() if value is not None}
        self._known: list[str] = []

    def path(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name

    def wrong(self, name: str, reason: str) -> InvalidInput:
        """The error for that field; the caller raises it."""
        return InvalidInput(f"{self.path(name)}: {reason}", field=self.path(name))

    def has(self, name: str) -> bool:
        return name in self._left

    def take(self, name: str) -> object:
        """The value, or None where the field is absent."""
        self._known.append(name)
        return self._left.pop(name, None)

    def required(self, name: str) -> object:
        value = self.take(name)
        if value is None:
            raise self.wrong(name, "is missing")
        return value

    def number(self, name: str) -> Decimal:
        """A decimal of at most 38 digits, as a string or an integer; never a float, nor a JSON number with a fraction."""
        return self._number(name, self.required(name))

    def number_or(self, name: str, default: Decimal) -> Decimal:
        value = self.take(name)
        return default if value is None else self._number(name, value)

    def maybe_number(self, name: str) -> Decimal | None:
        value = self.take(name)
        return None if value is None else self._number(name, value)

    def numbers(self, name: str, *, at_most: int) -> list[Decimal]:
        """A list of such decimals."""
        return [self._number(f"{name}[{at}]", value) for at, value in enumerate(self.items(name, at_most=at_most))]

    def maybe_count(self, name: str) -> int | None:
        """A whole number from 0 up, as a string or an integer."""
        number = self.maybe_number(name)
        if number is None:
            return None
        if number < 0 or number != int(number):
            raise self.wrong(name, "must be a whole number from 0 up")
        return int(number)

    def items(self, name: str, *, at_most: int) -> Sequence[object]:
        value = self.required(name)
        if not isinstance(value, list | tuple):
            raise self.wrong(name, "must be a list")
        if len(value) > at_most:
            raise self.wrong(name, f"at most {at_most} of them")
        return value

    def flag(self, name: str) -> bool:
        """True or false; false where absent."""
        value = self.take(name)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(name, "must be true or false")
        return value is True

    def text(self, name: str, default: str | None = None) -> str:
        value = self.take(name) if default is not None else self.required(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not 1 <= len(value) <= 256:
            raise self.wrong(name, "must be a text of 1 to 256 characters")
        return value

    def choice(self, name: str, known: Sequence[str], default: str | None = None) -> str:
        """One of the known words."""
        value = self.text(name, default)
        if value not in known:
            raise self.wrong(name, f"must be one of {', '.join(known)}")
        return value

    def end(self) -> None:
        """Raises InvalidInput if a field is left that was never taken; names it if it can be a name at all."""
        for name in self._left:
            known = f"unknown field; known here: {', '.join(self._known)}"
            if isinstance(name, str) and _SAYABLE.fullmatch(name):
                raise self.wrong(name, known)
            raise InvalidInput(f"{self.where or 'document'}: {known}", field=self.where or None)

    def _number(self, name: str, value: object) -> Decimal:
        if not isinstance(value, str | int):
            raise self.wrong(name, 'send a decimal as a string or an integer, such as "1.25"')
        return exact_decimal(value, field=self.path(name))
