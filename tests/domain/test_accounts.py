"""Addresses, passwords and tokens: what is taken, in which one form, and what is kept of it."""

import pytest

from tallystick.domain import accounts
from tallystick.domain.accounts import checked_email, checked_password, digest_of, is_password_of, network, write_token
from tallystick.values.errors import InvalidInput

GOOD = "correct horse battery"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("Ada@Example.COM", "ada@example.com"), (" ada@example.com ", "ada@example.com"), ("JOSE\u0301@x.es", "jos\xe9@x.es")],
)
def test_an_address_is_kept_in_one_form(given: str, kept: str) -> None:
    assert checked_email(given) == kept


@pytest.mark.parametrize("given", ["", "ada", "@", "a@", "@b", "a b@c", "a@b@c", "a\x00@b", "a" * 65 + "@b", "a@" + "b" * 253])
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_email(given)
    assert refused.value.field == "email"


@pytest.mark.parametrize("given", [GOOD, "ünïcödé wörds", "a b c d ", "1" * 5 + "abc", "パスワードは長い"])
def test_any_password_that_is_long_enough_and_not_the_first_guess_is_taken(given: str) -> None:
    assert checked_password(given, email="ada@example.com")


@pytest.mark.parametrize(
    "given",
    ["", "1234567", "x" * 257, "password", "PASSWORD1", "aaaaaaaaaa", "abababab", "ada@example.com", "\ud800 is no text"],
)
def test_a_password_that_is_short_or_easily_guessed_is_refused_without_a_word_of_it(given: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_password(given, email="ada@example.com")
    assert refused.value.field == "password"
    assert not given or given not in refused.value.message.removeprefix("password: ")


def test_a_password_is_kept_as_a_slow_hash_with_its_own_salt() -> None:
    kept = accounts.hashed_password(GOOD, salt=b"0123456789abcdef")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert is_password_of(GOOD, kept)
    assert not is_password_of(GOOD + " ", kept)
    assert not is_password_of("", accounts.NOBODYS_HASH)
    assert accounts.hashed_password(GOOD, salt=b"another salt of 16") != kept


def test_one_password_in_two_forms_of_unicode_is_one() -> None:
    kept = accounts.hashed_password(checked_password("cafe\u0301 au lait", email="a@b"), salt=b"0123456789abcdef")
    assert is_password_of("caf\xe9 au lait", kept)


def test_a_password_that_cannot_be_one_is_none() -> None:
    kept = accounts.hashed_password(GOOD, salt=b"0123456789abcdef")
    assert not is_password_of(GOOD * 100, kept)
    assert not is_password_of("\ud800", kept)


def test_a_token_is_256_bits_and_is_kept_by_its_hash() -> None:
    token = write_token(bytes(range(32)))
    assert len(token) == 4 + 43
    assert digest_of(token) == digest_of(token) != digest_of(write_token(bytes(32)))
    assert token not in str(digest_of(token))


@pytest.mark.parametrize("given", ["", "tss_", "mk_test_abc", "tss_" + "é" * 43, "tss_" + "a" * 44, "tss_" + "a" * 43 + "\n"])
def test_what_is_no_token_has_no_hash(given: str) -> None:
    assert digest_of(given) is None


@pytest.mark.parametrize(
    ("address", "stands_for"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::"),
        ("2001:db8::ffff:1", "2001:db8::"),
        ("2001:db8:0:1::1", "2001:db8:0:1::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "testclient"),
    ],
)
def test_of_ipv6_everybody_has_a_whole_network(address: str, stands_for: str) -> None:
    assert network(address) == stands_for


def test_nobody_reads_an_address_out_of_what_tries_are_counted_under() -> None:
    name = accounts.counted_by(accounts.CountedBy.LOG_IN_ACCOUNT, "ada@example.com")
    assert "ada" not in name
    assert name != accounts.counted_by(accounts.CountedBy.LOG_IN_ADDRESS, "ada@example.com")


def test_neither_hash_nor_token_is_in_what_is_logged() -> None:
    from datetime import UTC, datetime

    now = datetime(2026, 1, 1, tzinfo=UTC)
    account = accounts.Account("acc_1", "a@b", accounts.Role.USER, now, "$argon2id$secret")
    assert "argon2id" not in repr(account)
    assert "thedigest" not in repr(accounts.Session("thedigest", account.id, now, now))
