"""What `pip install tallystick` brings: every file of the package, and nothing beside it."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from tests.architecture.source import ROOT, kept_files

PACKAGE = ROOT / "src"
BUILT = "tallystick/web/_ui/"  # not kept, but made
UI = PACKAGE / BUILT


def test_the_wheel_holds_the_package_with_the_dashboards_and_nothing_else(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    carried = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    kept = {path.relative_to(PACKAGE).as_posix() for path in kept_files() if path.is_relative_to(PACKAGE)}
    assert "tallystick/py.typed" in carried
    assert {name for name in carried if not name.startswith(BUILT)} == kept
    assert f"{BUILT}index.html" in carried, "the dashboards are built into it"


def test_from_the_source_distribution_the_dashboards_come_without_node(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(tmp_path), "--target"]
    as_built = os.environ | {"TALLYSTICK_SKIP_UI": "1"}  # that a build makes them, the test above has seen
    subprocess.run([*build, "sdist"], cwd=ROOT, check=True, capture_output=True, env=as_built)
    (packed,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(packed) as source:
        source.extractall(tmp_path, filter="data")
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    subprocess.run([*build, "wheel"], cwd=folder, check=True, capture_output=True, env={"PATH": str(tmp_path)})  # no npm there
    (wheel,) = tmp_path.glob("*.whl")
    carried = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(BUILT)}
    assert carried == {f"{BUILT}{path.relative_to(UI).as_posix()}" for path in UI.rglob("*") if path.is_file()}
    assert f"{BUILT}index.html" in carried
