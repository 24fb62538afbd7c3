"""What is installed is pinned by version and hash, the same for the service as for the tests, whatever index a machine uses."""

import re

import pytest

from tests.architecture.source import ROOT, kept_files

PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)(\[[a-z,]+\])?==(?P<version>[^\s;]+)(?P<when> ;[^\\]*)?( \\)?$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")
INDEX = re.compile(
    "|".join(["--(extra-)?index-url", "--find-links", "pypi" + r"\.org/simple", "files.python" + "hosted", "registry.npm" + "js"])
)
BASE_INSTALL_MAX = 60
OF_EXTRAS = {"psycopg", "psycopg-binary", "typst"}  # in run.txt, for those who serve; not in `pip install tallystick`


def pins(text: str) -> dict[str, str]:
    """Version by package. Raises ValueError for a line that is neither a pin nor one of its hashes."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if pin := PIN.match(line):
            found[pin["name"] + (pin["when"] or "")] = pin["version"]
        elif not HASH.match(line):
            raise ValueError(line)
    return found


def read(name: str) -> dict[str, str]:
    return pins((ROOT / "requirements" / name).read_text())


def test_what_is_served_is_what_was_tested() -> None:
    run, dev = read("run.txt"), read("dev.txt")
    assert {name: version for name, version in run.items() if dev.get(name) != version} == {}


def test_the_base_install_stands_on_few_packages() -> None:
    names = {name.split(" ")[0] for name in read("run.txt")}
    assert names >= OF_EXTRAS
    assert len(names - OF_EXTRAS) <= BASE_INSTALL_MAX


def test_no_file_names_a_package_index() -> None:
    texts = {
        path.name: path.read_text(errors="replace") for path in kept_files() if path.suffix not in {".png", ".woff2", ".ico"}
    }
    assert [name for name, text in texts.items() if INDEX.search(text)] == ["test_requirements.py"]


@pytest.mark.parametrize("planted", ["rich>=13", "rich==15.0.0\n    --hash=md5:00", "git+https://example.com/x.git", "--pre"])
def test_a_planted_loose_requirement_is_seen(planted: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        pins(planted)
