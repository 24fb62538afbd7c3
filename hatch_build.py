"""Builds the dashboards into the package, so that a wheel carries them and whoever installs it needs no Node."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BuildUi(BuildHookInterface[Any]):
    """Not for editable installs, nor with TALLYSTICK_SKIP_UI=1, nor where the pages are newer than what they are made of.

    A source distribution has them in it already.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 hatchling's own form
        root = Path(self.root)
        skipped = version == "editable" or os.environ.get("TALLYSTICK_SKIP_UI") == "1"
        if skipped or (root / "PKG-INFO").exists() or not (root / "ui" / "package.json").exists() or is_fresh(root):
            return
        npm = shutil.which("npm")
        if npm is None:
            self.app.display_warning("npm is not here: what is built has no dashboards, and says so on /admin")
            return
        for command in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
            subprocess.run([npm, "--prefix", str(root / "ui"), *command], check=True)  # noqa: S603 the project's own scripts


def is_fresh(root: Path) -> bool:
    """Whether the pages were built after the last change of their sources."""
    page = root / "src" / "tallystick" / "web" / "_ui" / "index.html"
    made_of = [
        root / "ui" / "package-lock.json",
        *(root / "ui" / "apps").rglob("src/*"),
        *(root / "ui" / "packages").glob("*/src/**/*"),
    ]
    return page.exists() and page.stat().st_mtime >= max(path.stat().st_mtime for path in made_of if path.is_file())
