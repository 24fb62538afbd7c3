"""Large or borrowed inputs that may lie beside a clone, and what a test does where they do not."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def beside(*parts: str) -> Path:
    """The path of an optional input next to the clone; where it is missing, the test is skipped and says which it was."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"optional input {'/'.join(parts)} does not lie beside this clone")
    return path
