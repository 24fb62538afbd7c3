"""What `pip install tallystick` brings: every file of the package, and nothing beside it."""

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.architecture.source import ROOT, kept_files

PACKAGE = ROOT / "src"
BUILT = "tallystick/web/_ui/"  # not kept, but made


def test_the_wheel_holds_the_package_with_the_dashboards_and_nothing_else(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    carried = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    kept = {path.relative_to(PACKAGE).as_posix() for path in kept_files() if path.is_relative_to(PACKAGE)}
    assert "tallystick/py.typed" in carried
    assert {name for name in carried if not name.startswith(BUILT)} == kept
    assert f"{BUILT}index.html" in carried, "the dashboards are built into it"
