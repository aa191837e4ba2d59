import json
import subprocess
import sys
from pathlib import Path

import pytest

import videogan
from videogan.config import Config
from videogan.config.reference import settings
from videogan.errors import UsageError
from videogan.presets import change, preset

ROOT = Path(__file__).parents[2]


def leaves(tree):
    """Every name of a setting in a configuration that has groups."""
    return {f"{group}.{name}" for group, part in tree.items() if isinstance(part, dict) for name in part}


def test_every_setting_says_what_it_does_and_what_it_may_be():
    rows = {row.name: row for row in settings(Config())}
    assert leaves(Config().model_dump()) <= set(rows)
    assert {"penalty.weight", "penalty.sigma"} <= set(rows)
    for row in rows.values():
        assert len(row.about) > 10 and row.about.endswith("."), row
        assert row.allowed, row


def test_values_are_those_of_the_preset():
    rows = {row.name: row.value for row in videogan.settings("wgan-gp")}
    assert (rows["penalty.kind"], rows["penalty.weight"]) == ("wgan-gp", 10.0)
    config = preset("wgan-gp")
    assert rows["optimizer.beta2"] == config.optimizer.beta2 == 0.9


def test_what_may_be_is_what_is_taken():
    rows = {row.name: row.allowed for row in settings(Config())}
    assert rows["data.size"] == "a whole number from 32 to 512"
    assert rows["data.fit"] == "crop or letterbox"
    assert rows["data.frame_rate"] == "a number from 0.001 to 10000 or null"
    assert rows["augment.translation"] == "a number from 0 to 0.5"
    assert rows["penalty.kind"] == "finite-difference, exact, wgan-gp or none"
    assert change(Config(), {"augment.translation": 0.5}).augment.translation == 0.5
    with pytest.raises(UsageError, match="translation"):
        change(Config(), {"augment.translation": 0.51})


def test_one_group_or_none_that_is_called_so():
    assert {row.name.split(".")[0] for row in videogan.settings(group="data")} == {"data"}
    with pytest.raises(UsageError, match="did you mean 'data'"):
        videogan.settings(group="dat")


def run(*arguments):
    command = [sys.executable, "cli.py", "settings", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_command_prints_text_json_and_the_page_in_docs():
    assert "data.size = 32    (a whole number from 32 to 512)\n    Height and width" in run("data")
    assert json.loads(run("data", "--json", "--preset", "gpu64"))[0]["value"] == 64
    assert (ROOT / "docs" / "settings.md").read_text().endswith(run("--markdown"))


def test_a_reader_that_has_seen_enough_ends_it_without_a_word():
    command = f"{sys.executable} cli.py settings | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("data.size")
