"""What may be a key: of a customer, a source, an event, a meter."""

import pytest

from tallystick.domain.customers import checked_key
from tallystick.values.errors import InvalidInput


@pytest.mark.parametrize("text", ["a", " a", "A", "a:b/c", "顧客" * 128, "é" * 256, "😀" * 192, "a" * 256])
def test_a_key_is_kept_to_the_character(text: str) -> None:
    assert checked_key(text, field="customer") == text


@pytest.mark.parametrize("text", ["", "a" * 257, "a\0b", "a\nb", "\x7f", "\x85", "\ud800", "😀" * 193])
def test_what_cannot_be_stored_or_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^customer: must "):
        checked_key(text, field="customer")
