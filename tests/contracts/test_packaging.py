import configparser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """A wheel built from the tree."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = out.glob("*.whl")
    return zipfile.ZipFile(file)


def test_a_wheel_installs_one_module_and_the_console_script(wheel):
    names = wheel.namelist()
    top = {name.split("/")[0] for name in names}
    (info,) = [name for name in top if name.endswith(".dist-info")]
    assert {name for name in top if not name.endswith((".dist-info", ".data"))} == {"videogan"}
    scripts = configparser.ConfigParser()
    scripts.read_string(wheel.read(f"{info}/entry_points.txt").decode())
    assert {section: dict(scripts[section]) for section in scripts.sections()} == {
        "console_scripts": {"videogan": "videogan.cli:main"}
    }


def test_a_wheel_holds_every_module_and_every_recipe(wheel):
    names = set(wheel.namelist())
    for file in (ROOT / "videogan").rglob("*.py"):
        assert str(file.relative_to(ROOT)) in names
    recipes = {Path(name).name for name in names if "share/videogan/datasets/" in name}
    assert recipes == {file.name for file in (ROOT / "datasets").glob("*.toml")}
    assert "videogan/py.typed" in names
    static = ROOT / "videogan" / "studio" / "static"
    assert {str(file.relative_to(ROOT)) for file in static.rglob("*") if file.is_file()} <= names


def test_the_version_stands_in_one_place_each():
    from videogan import __version__

    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert setup["metadata"]["version"] == __version__
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
