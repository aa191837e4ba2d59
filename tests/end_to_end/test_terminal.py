"""What reaches the terminal is one line of text, whatever names and files hold, and what cannot be printed is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_generator import tiny_generator
from tiny_run import tiny_config

from videogan.artifacts.weights import Card, save_weights
from videogan.models.build import build_encoder

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
RUN_CLI = [sys.executable, "-c", "from videogan.cli import main; main()"]
NASTY = "\x1b]0;title\x07\x1b[2J\nstatus: hacked\u202e\x9b2J"


def is_plain(text):
    return all(line.isprintable() for line in text.split("\n"))


@pytest.fixture
def weights(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = tiny_config().model_copy(update={"preset": NASTY})
    card = Card(config, (f"a{NASTY}", "b"), frame_rate=25, step=7, clips_seen=28)
    path = tmp_path / "w.safetensors"
    save_weights(path, tiny_generator(2), build_encoder(config), card)
    return path


def test_names_of_classes_and_files_bring_no_escapes(videogan, weights, tmp_path):
    shown = videogan("inspect", weights)
    assert shown.code == 0
    assert "\nstatus: hacked" not in shown.out
    assert "\\x1b[2J" in shown.out
    assert is_plain(shown.out)
    for command in (
        ["sample", "--run", weights, "--class", f"x{NASTY}", "a.mp4"],
        ["inspect", f"no{NASTY}"],
        ["sample", "--run", f"no{NASTY}", "a.mp4"],
        ["reconstruct", f"no{NASTY}", "a.mp4"],
        ["train", f"no{NASTY}"],
        ["train", ".", "--set", f"data.sise={NASTY}"],
    ):
        refused = videogan(*command)
        assert refused.code == 2
        assert refused.err.count("\n") == 1
        assert is_plain(refused.err)


def test_a_file_that_is_left_out_is_named_in_one_line(videogan, clips, tiny, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    for number, path in enumerate(sorted(clips.rglob("*.mp4"))[:4]):
        (folder / f"{number}.mp4").write_bytes(path.read_bytes())
    (folder / f"bad{NASTY}.mp4").write_bytes(b"none")
    result = videogan("train", folder, *tiny, "--steps", 1, "--run", f"run{NASTY}")
    assert result.code == 0
    assert is_plain(result.out + result.err)
    assert is_plain(next(Path().glob("run*/log.txt")).read_text())


def test_a_name_that_is_no_text_is_trained_into(videogan, clips, tiny):
    run = os.fsdecode(b"run\xff")
    result = videogan("train", clips, *tiny, "--steps", 2, "--run", run)
    assert result.code == 0
    assert result.out.strip() == "run\\xff"
    assert videogan("sample", "--run", run, "--frames", 4, "a.mp4").code == 0


@pytest.mark.parametrize("command", [["inspect"], ["inspect", "--json"]])
def test_a_full_stdout_is_told(weights, command):
    line = [*RUN_CLI, *command, weights]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert done.returncode == 2
    assert done.stderr == "error: stdout: cannot be written (No space left on device)\n"


def test_postscript_named_png_starts_nothing(videogan, weights, tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    ghost = tmp_path / "bin" / "gs"
    ghost.write_text(f"#!/bin/sh\ntouch {tmp_path}/gs-ran\n")
    ghost.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    Path("x.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n%%EndComments\nshowpage\n")
    assert videogan("sample", "--run", weights, "--like", "x.png", "o.png").code in (2, 3)
    assert videogan("inspect", "x.png").code == 3
    assert not (tmp_path / "gs-ran").exists()


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "~nobody-of-that-name/x"])
def test_settings_that_name_no_folder(videogan, clips, tiny, name):
    result = videogan("train", clips, *tiny, "--steps", 1, "--set", f"data.cache_dir={name}")
    assert result.code == 2
    assert result.err.strip().splitlines()[-1].startswith("error: ")
    assert "Traceback" not in result.err


@pytest.mark.parametrize("what", ["metrics.jsonl", "config.json", ".lock", "log.txt", "environment.json"])
@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_stands_in_place_of_a_file_of_the_run(videogan, clips, tiny, what, kind):
    assert videogan("train", clips, *tiny, "--steps", 1, "--run", "run").code == 0
    path = Path("run") / what
    path.unlink()
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    result = videogan("train", clips, *tiny, "--steps", 2, "--run", "run")
    assert "Traceback" not in result.err
    assert result.code == (0 if (what, kind) == ("environment.json", "pipe") else 2)
    assert (Path("run/checkpoints/step-00000001")).is_dir()
