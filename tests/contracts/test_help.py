import os
import subprocess
import sys
from pathlib import Path

import pytest

from videogan.cli import app
from videogan.commands.options import PURPOSES
from videogan.presets import PRESETS, preset

COMMANDS = [command.callback.__name__ for command in app.registered_commands]
ROOT = Path(__file__).parents[2]
NARROW = os.environ | {"COLUMNS": "80"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "cli.py", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, env=NARROW
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    done = run(command, "-h")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: ")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert not done.stderr


def test_help_names_every_command():
    for arguments in ((), ("--help",), ("-h",)):
        done = run(*arguments)
        assert done.returncode == 0
        assert all(f"  {command} " in done.stdout for command in COMMANDS)


def test_version():
    from videogan import __version__

    assert run("--version").stdout.strip() == __version__


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_has_a_section_for_every_command(command):
    assert f"\n### `videogan {command}" in (ROOT / "README.md").read_text()


def test_the_help_says_on_one_line_what_each_preset_is():
    assert PURPOSES.keys() == PRESETS.keys()
    for name in PRESETS:
        data = preset(name).data
        assert PURPOSES[name].startswith(f"{data.size}x{data.size}x{data.num_frames}, ")
    for command in ("train", "settings"):
        lines = [line.strip() for line in run(command, "--help").stdout.splitlines()]
        assert {f"{name:11} {purpose}" for name, purpose in PURPOSES.items()} <= set(lines)
