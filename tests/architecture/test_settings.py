"""Every setting is documented where people look for it: in .env.example and in docs/reference/settings.md."""

import importlib
import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

PAPERS = (".env.example", "docs/reference/settings.md")
TO_COME: set[str] = set()  # names that the papers promise, and say that they are not there yet


def names_of(settings: type) -> list[str]:
    """The environment variables of a pydantic-settings class, aliases too."""
    names: list[str] = []
    prefix = settings.model_config.get("env_prefix", "")
    for field, about in settings.model_fields.items():
        alias = about.validation_alias
        if alias is None:
            names.append(f"{prefix}{field}".upper())
        else:
            names += [alias] if isinstance(alias, str) else [choice for choice in alias.choices if isinstance(choice, str)]
    return sorted({name.upper() for name in names})


def undocumented(settings: type, paper: str) -> list[str]:
    return [name for name in names_of(settings) if not re.search(rf"\b{name}\b", paper)]


@pytest.mark.parametrize("paper", PAPERS)
def test_every_setting_is_documented(paper: str) -> None:
    if not (ROOT / "src/tallystick/settings.py").exists():
        pytest.skip("tallystick.settings is not built yet")
    settings = importlib.import_module("tallystick.settings").Settings
    assert undocumented(settings, Path(ROOT / paper).read_text()) == []


@pytest.mark.parametrize("paper", PAPERS)
def test_no_setting_is_documented_that_does_not_exist(paper: str) -> None:
    if not (ROOT / "src/tallystick/settings.py").exists():
        pytest.skip("tallystick.settings is not built yet")
    settings = importlib.import_module("tallystick.settings").Settings
    told = set(re.findall(r"^[|#\s`]*([A-Z][A-Z0-9_]{3,})\b(?=`? ?[=|,(`])", (ROOT / paper).read_text(), re.MULTILINE))
    assert told - set(names_of(settings)) - TO_COME == set()


def test_a_planted_setting_without_a_line_is_seen() -> None:
    from pydantic import AliasChoices, Field
    from pydantic_settings import BaseSettings, SettingsConfigDict

    class Settings(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="TALLYSTICK_")
        port: int = Field(8000, validation_alias="PORT")
        key: str = Field("", validation_alias=AliasChoices("STRIPE_SECRET_KEY", "STRIPE_API_KEY"))
        grace_seconds: int = 3600

    assert names_of(Settings) == ["PORT", "STRIPE_API_KEY", "STRIPE_SECRET_KEY", "TALLYSTICK_GRACE_SECONDS"]
    assert undocumented(Settings, "PORT=8000\nSTRIPE_SECRET_KEY=") == ["STRIPE_API_KEY", "TALLYSTICK_GRACE_SECONDS"]
