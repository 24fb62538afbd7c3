"""Writes build/openapi.json: what of the API the pages in `ui/` are typed by, without its prose, so that words may change."""

import json
from pathlib import Path

from tallystick.settings import Settings
from tallystick.testing import in_memory
from tallystick.web.service import engine_app

WRITTEN = Path(__file__).parents[1] / "build" / "openapi.json"


def document() -> dict[str, object]:
    billing = in_memory()
    try:
        said = engine_app(billing, Settings(_env_file=None, database_url="sqlite://")).openapi()
    finally:
        billing.close()
    return {**bare(said), "info": {"title": "Tallystick", "version": "0"}}


def bare(said: object) -> object:
    """A field that is called `description` has a schema, not a text, and stays."""
    if isinstance(said, list):
        return [bare(each) for each in said]
    if not isinstance(said, dict):
        return said
    told = {name for name in ("description", "summary", "title") if isinstance(said.get(name), str)}
    told |= {name for name in ("example", "examples") if "type" in said or "schema" in said}
    return {name: bare(each) for name, each in said.items() if name not in told}


if __name__ == "__main__":
    WRITTEN.parent.mkdir(exist_ok=True)
    WRITTEN.write_text(json.dumps(document(), indent=1, sort_keys=True), "utf-8")
