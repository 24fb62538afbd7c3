"""API keys by themselves: their form, their checksum, their scopes and their life."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain import api_keys
from tallystick.domain.api_keys import Principal, Scope
from tallystick.testing import in_memory
from tallystick.values.errors import InvalidInput, Unauthorized


@given(
    mode=st.sampled_from(["sandbox", "test", "live"]),
    chance=st.binary(min_size=8, max_size=8),
    secret=st.binary(min_size=32, max_size=32),
)
def test_what_is_written_is_read(mode: str, chance: bytes, secret: bytes) -> None:
    token = api_keys.write_token(mode, api_keys.key_id(chance), secret)
    read = api_keys.read_token(token)
    assert read is not None
    assert (read.mode, read.key_id, len(read.secret)) == (mode, api_keys.key_id(chance), 43)
    assert len(token) == len(f"mk_{mode}_") + 10 + 43 + 6


@given(left=st.binary(min_size=32, max_size=32), right=st.binary(min_size=32, max_size=32))
def test_two_secrets_are_two_tokens(left: bytes, right: bytes) -> None:
    tokens = {api_keys.write_token("test", "0" * 10, secret) for secret in (left, right)}
    assert len(tokens) == len({left, right})


def test_a_hash_is_of_one_secret_under_one_pepper() -> None:
    kept = api_keys.hashed("s", b"pepper")
    assert api_keys.is_hash_of("s", b"pepper", kept)
    assert not api_keys.is_hash_of("s", b"salt", kept)
    assert not api_keys.is_hash_of("t", b"pepper", kept)
    assert not api_keys.is_hash_of("s", b"pepper", "")


@pytest.mark.parametrize("scopes", [[], ["root"], ["admin", ""]])
def test_a_key_without_a_known_scope_is_not_made(scopes: list[str]) -> None:
    with pytest.raises(InvalidInput, match="scopes"):
        in_memory().create_api_key("x", scopes)


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_a_key_lives_for_at_most_ten_years(days: int) -> None:
    with pytest.raises(InvalidInput, match="expires_in_days"):
        in_memory().create_api_key("x", ["admin"], life=timedelta(days=days))


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 257])
def test_a_key_has_a_name_of_one_line(name: str) -> None:
    with pytest.raises(InvalidInput, match="name"):
        in_memory().create_api_key(name, ["admin"])


def test_admin_may_everything_and_others_what_they_hold() -> None:
    assert all(Principal("k", "n", frozenset({Scope.ADMIN})).may(scope) for scope in Scope)
    narrow = Principal("k", "n", frozenset({Scope.USAGE_READ}))
    assert [scope for scope in Scope if narrow.may(scope)] == [Scope.USAGE_READ]


def test_a_key_of_one_database_opens_no_other() -> None:
    here, there = in_memory(), in_memory()
    token = here.create_api_key("here", ["admin"]).token
    assert here.authenticate(token).name == "here"
    with pytest.raises(Unauthorized):
        there.authenticate(token)
