"""What a run goes on with, and what it refuses to go on with; every refusal is one line and changes nothing."""

import json
import shutil
from pathlib import Path

import pytest

from videogan.artifacts.checkpoint_files import STATE, list_checkpoints


@pytest.fixture
def run(videogan, clips, tiny) -> Path:
    assert videogan("train", clips, *tiny, "--steps", 2, "--run", "run").code == 0
    return Path("run")


def refused(result, code, *said):
    assert result.code == code, result.err
    last = result.err.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert "Traceback" not in result.err
    for part in said:
        assert part in last
    return last


def with_another_class(clips: Path, to: Path) -> Path:
    """Copy the clips, the first class under another name: every label now stands for another class."""
    shutil.copytree(clips, to)
    names = sorted(path.name for path in to.iterdir() if path.is_dir())
    (to / names[0]).rename(to / "zebra")
    return to


def test_other_classes_are_refused(videogan, clips, tiny, run, tmp_path):
    others = with_another_class(clips, tmp_path / "others")
    rows = (run / "metrics.jsonl").read_text()
    refused(videogan("train", others, *tiny, "--steps", 4, "--run", run), 2, "circle", "zebra", "--run")
    assert (run / "metrics.jsonl").read_text() == rows


def test_other_clips_of_the_same_classes_are_refused(videogan, clips, tiny, run, tmp_path):
    others = tmp_path / "others"
    shutil.copytree(clips, others)
    next(others.rglob("*.mp4")).rename(next(path for path in others.iterdir() if path.is_dir()) / "new-name.mp4")
    refused(videogan("train", others, *tiny, "--steps", 4, "--run", run), 2, "learnt the clips of", "--run")


def test_the_same_clips_elsewhere_go_on(videogan, clips, tiny, run, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(clips, moved)
    result = videogan("train", moved, *tiny, "--steps", 4, "--run", run)
    assert result.code == 0, result.err
    assert "going on from step 2" in result.err


def test_a_clip_more_in_the_same_folder_goes_on_and_is_said(videogan, clips, tiny, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(clips, own)
    assert videogan("train", own, *tiny, "--steps", 2, "--run", "grows").code == 0
    video = next(own.rglob("*.mp4"))
    shutil.copy(video, video.with_name("more.mp4"))
    result = videogan("train", own, *tiny, "--steps", 4, "--run", "grows")
    assert result.code == 0, result.err
    assert "not those that the run has seen" in result.err


def test_without_settings_a_run_goes_on_with_its_own(videogan, clips, run):
    result = videogan("train", clips, "--run", run, "--steps", 3)
    assert result.code == 0, result.err
    assert "as the run has it" in result.err
    assert json.loads((run / "config.json").read_text())["generator"]["channels"] == [16, 12, 8, 8]


def test_evaluation_may_change_between_sessions(videogan, clips, tiny, run):
    pixels = ["--set", "evaluate.every=2", "--set", "evaluate.features=pixels-16", "--set", "evaluate.clips=8"]
    result = videogan("train", clips, *tiny, *pixels, "--steps", 4, "--run", run)
    assert result.code == 0, result.err
    assert "tick_kernel_distance" in (run / "metrics.jsonl").read_text()


def test_a_run_whose_checkpoints_are_all_damaged_is_not_begun_anew(videogan, clips, tiny, run):
    rows = (run / "metrics.jsonl").read_text()
    for checkpoint in list_checkpoints(run / "checkpoints"):
        (checkpoint / STATE).write_bytes(b"damaged")
    before = sorted(run.rglob("*"))
    refused(videogan("train", clips, *tiny, "--steps", 4, "--run", run), 4, "damaged", "--run")
    assert sorted(run.rglob("*")) == before
    assert (run / "metrics.jsonl").read_text() == rows


@pytest.mark.parametrize("content", ["[]", "7", "null", '"text"', "[" * 3000])
def test_a_broken_environment_of_any_run_stops_no_other_training(videogan, clips, tiny, content):
    broken = Path("runs/00000-broken")
    broken.mkdir(parents=True)
    (broken / "environment.json").write_text(content)
    result = videogan("train", clips, *tiny, "--steps", 2)
    assert result.code == 0, result.err


@pytest.mark.parametrize("name", [".lock", "log.txt"])
def test_links_in_a_run_folder_are_not_written_through(videogan, clips, tiny, run, tmp_path, name):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(victim)
    refused(videogan("train", clips, *tiny, "--steps", 4, "--run", run), 2, name)
    assert victim.read_text() == "precious"


def test_a_users_file_among_the_previews_ends_nothing(videogan, clips, tiny, run):
    (run / "previews" / "step-final.mp4").write_bytes(b"mine")
    assert videogan("train", clips, *tiny, "--steps", 4, "--run", run).code == 0
    assert (run / "previews" / "step-final.mp4").read_bytes() == b"mine"
