"""Nothing that looks like a real key is kept in the repository."""

import re

import pytest

from tests.architecture.source import kept_files

KEYS = [
    re.compile(r"\b(?:sk|rk)_live_([A-Za-z0-9]{16,})"),
    re.compile(r"\bwhsec_([A-Za-z0-9+/]{24,}=*)"),
    re.compile(r"\b(?:AKIA|ghp_|github_pat_|xox[bp]-)([A-Za-z0-9_]{16,})"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]{40,})"),
]
DIFFERENT_SIGNS = 10  # "xxxxxxxxxxxxxxxx" is an example; a key that was drawn by chance has many signs
COUNTED = ("0123456789", "abcdefgh")  # counted out by hand, and so is no key


def secrets_in(text: str) -> list[str]:
    """The start of each thing in `text` that looks like a real key."""
    found = (match for pattern in KEYS for match in pattern.finditer(text))
    return [match.group(0)[:12] + "…" for match in found if _drawn_by_chance(match.group(1))]


def _drawn_by_chance(body: str) -> bool:
    return len(set(body)) >= DIFFERENT_SIGNS and not any(counted in body for counted in COUNTED)


def test_no_secret_is_kept() -> None:
    found = {}
    for path in kept_files():
        if secrets := secrets_in(path.read_text(errors="replace")):
            found[path.name] = secrets
    assert found == {}


DRAWN = "4eC39HqLyjWD" + "arjtT1zdp7dc"


@pytest.mark.parametrize("start", ["sk_live_", "rk_live_", "whsec_", "ghp_", "-----BEGIN " + "PRIVATE KEY-----\n" + "Mii0" * 8])
def test_a_planted_secret_is_seen(start: str) -> None:
    assert secrets_in(f'key = "{start}{DRAWN}"')


def test_an_example_is_not_a_secret() -> None:
    assert secrets_in("sk_live_… sk_test_" + DRAWN + " whsec_xxxxxxxxxxxxxxxxxxxxxxxxxxxx sk_live_short") == []
