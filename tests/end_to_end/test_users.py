"""What people do with runs and models: other settings, names, disks and seeds, each said or done."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from read_video import read_video
from tiny_run import TINY

import videogan as door
from videogan.artifacts.runs import RunFolder
from videogan.errors import UsageError
from videogan.presets import load_config, parse_setting
from videogan.training.resume import choose_run, clips_of
from videogan.video import probe

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture(scope="module")
def trained(clips, tmp_path_factory) -> Path:
    settings = dict(map(parse_setting, TINY))
    return door.train(
        clips, preset="cpu", settings=settings, steps=2, run=tmp_path_factory.mktemp("runs") / "demo"
    ).path


@pytest.fixture
def run(trained, tiny) -> Path:
    """A run of two steps in the working folder."""
    return Path(shutil.copytree(trained, "runs/demo"))


def last_line(result):
    return result.err.strip().splitlines()[-1]


def test_a_run_goes_on_with_its_own_clips_and_with_other_settings(videogan, clips, run):
    changes = ["train.batch_size=2", "optimizer.learning_rate=1e-5", "augment.probability=0.5", "penalty.kind=none"]
    result = videogan("train", "--run", run, "--steps", 3, *(part for one in changes for part in ("--set", one)))
    assert result.code == 0, result.err
    assert "going on from step 2 with" in result.err
    config, log = load_config(run / "config.json"), (run / "log.txt").read_text()
    assert (config.train.batch_size, config.optimizer.learning_rate, config.penalty.kind) == (2, 1e-5, "none")
    assert config.generator.hidden_dim == 32
    for change, before in (("train.batch_size=2", 4), ("optimizer.learning_rate=1e-05", 0.001)):
        assert f"{change} (so far {before})" in log
    again = videogan("train", "--run", run, "--steps", 4)
    assert again.code == 0
    assert "so far" not in again.err
    for setting in ("generator.hidden_dim=64", "data.num_frames=16", "encoder.channels=[8,8,8]"):
        refused = videogan("train", "--run", run, "--steps", 5, "--set", setting)
        assert refused.code == 2
        assert setting.split("=")[0] in last_line(refused)
    assert list(clips_of(RunFolder(run))) == [clips]


def test_a_class_more_or_of_another_name_is_told_with_both_lists(videogan, clips, tiny, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(clips, own)
    assert videogan("train", own, *tiny, "--steps", 2).code == 0
    shutil.copytree(own / "circle", own / "hexagon")
    more = videogan("train", own, *tiny, "--steps", 4)
    assert more.code == 2
    assert "learnt 3 classes (circle, square, triangle)" in last_line(more)
    assert "4 classes (circle, hexagon, square, triangle)" in last_line(more)
    shutil.rmtree(own / "circle")
    assert videogan("train", own, *tiny, "--steps", 4).code == 2


def test_every_command_names_its_model(videogan, run):
    made = {
        "sample": ["--frames", 4, "a.mp4"],
        "interpolate": ["--seeds", "1,2", "--frames", 8, "b.mp4"],
        "reconstruct": ["a.mp4", "c.mp4"],
        "predict": ["a.mp4", "d.mp4", "--frames", 4, "--refine", 0],
        "export": ["e.safetensors"],
    }
    for command, arguments in made.items():
        result = videogan(command, *arguments)
        assert result.code == 0, result.err
        assert "model: runs/demo/checkpoints/step-00000002, step 2\n" in result.err, command
    Path("elsewhere").mkdir()
    os.chdir("elsewhere")
    result = videogan("sample", "--frames", 4, "a.mp4")
    assert "model: the small one that comes with videogan" in result.err
    assert str(Path.cwd() / "runs") in result.err


def test_a_shared_model_repeats_videos_and_latents(videogan, run):
    assert videogan("sample", "--frames", 4, "--seed", 2, "a.mp4").code == 0
    assert videogan("reconstruct", "a.mp4", "r.mp4", "--latents", "a.safetensors").code == 0
    assert videogan("export", "shared.safetensors").code == 0
    assert videogan("sample", "--run", "shared.safetensors", "--like", "a.mp4", "again.mp4").code == 0
    assert np.array_equal(read_video("a.mp4")[0], read_video("again.mp4")[0])
    assert videogan("sample", "--run", "shared.safetensors", "--latents", "a.safetensors", "b.mp4").code == 0


def test_recipes_of_earlier_versions_name_the_file(run):
    model = door.load(run)
    assert model.file_sha256 != model.sha256
    stream = model.sample(4, seeds=[1])
    about = stream.provenance[0].model_copy(update={"model_sha256": model.file_sha256})
    replace(stream, provenance=(about,)).save("old.mp4")
    assert np.array_equal(model.again("old.mp4").array(), stream.array())


def test_recipes_of_earlier_versions_enlarge_as_they_did(run):
    model = door.load(run)
    large = model.sample(4, seeds=[1]).scaled(2, "bicubic")
    options = {name: value for name, value in large.provenance[0].options.items() if name != "scale_method"}
    replace(large, provenance=(large.provenance[0].model_copy(update={"options": options}),)).save("old.mp4")
    assert np.array_equal(model.again("old.mp4").array(), large.array())


def test_seeds_have_no_end(videogan, run):
    large = 10**200
    assert videogan("sample", "--frames", 4, "--seed", large, "--count", 2, "a.mp4").code == 0
    assert videogan("sample", "--frames", 4, "--seed", large + 1, "b.mp4").code == 0
    pictures = [read_video(name)[0].astype(int) for name in ("a-000.mp4", "a-001.mp4", "b.mp4")]
    assert np.abs(pictures[1] - pictures[2]).max() <= 12
    assert np.abs(pictures[0] - pictures[2]).max() > 12
    assert videogan("sample", "--like", "a-001.mp4", "again.mp4").code == 0
    assert videogan("interpolate", "--seeds", f"0,{large}", "--frames", 8, "i.mp4").code == 0
    model = door.load(run)
    assert np.array_equal(model.sample(4, seeds=[2**64]).array(), model.sample(4, seeds=[2**64]).array())
    assert not np.array_equal(model.sample(4, seeds=[2**64]).array(), model.sample(4, seeds=[0]).array())
    with pytest.raises(UsageError):
        model.sample(4, seeds=[10**1000])
    for seed in ("9" * 5000, "-1", "1.5", "x"):
        refused = videogan("sample", "--frames", 4, "--seed", seed, "c.mp4")
        assert (refused.code, refused.err.count("\n")) == (2, 1)


def test_a_class_is_found_by_its_name_in_either_form(videogan, clips, tiny, tmp_path):
    one, two = (unicodedata.normalize(form, "école") for form in ("NFC", "NFD"))
    for name in (one, two):
        (tmp_path / name / "set").mkdir(parents=True)
        shutil.copytree(clips / "circle", tmp_path / name / "set" / name)
        shutil.copytree(clips / "square", tmp_path / name / "set" / "square")
    assert videogan("train", tmp_path / two / "set", *tiny, "--steps", 1, "--run", "run").code == 0
    for name in (one, two):
        assert videogan("sample", "--run", "run", "--frames", 4, "--class", name, "--yes", "a.mp4").code == 0
    on = videogan("train", tmp_path / one / "set", "--run", "run", "--steps", 2)
    assert on.code == 0, on.err


def test_a_new_run_says_why_it_is_new(clips, run):
    config = load_config(run / "config.json")
    other = config.model_copy(update={"train": config.train.model_copy(update={"seed": 5})})
    assert choose_run(None, [clips], config, True).run.path == run
    faster = config.model_copy(update={"train": config.train.model_copy(update={"precision": "bfloat16"})})
    assert choose_run(None, [clips], faster, True).run.path == run, "the machine's choice is no wish of the user's"
    seed = choose_run(None, [clips], other, True)
    assert "runs/demo has train.seed=0, not 5" in seed.because
    assert seed.run.path.name == "00000-clips-32x32x8"
    moved = choose_run(None, [clips / "circle"], config, True).because
    assert f"runs/demo learnt {clips}" in moved
    assert "--run runs/demo" in moved
    assert "resume never" in choose_run(None, [clips], config, False).because


def test_own_runs_are_no_clips(videogan, clips, tiny, tmp_path):
    shutil.copytree(clips, tmp_path / "own")
    os.chdir(tmp_path / "own")
    for steps in (1, 2):
        result = videogan("train", ".", *tiny, "--steps", steps)
        assert result.code == 0, result.err
        assert "3 classes (circle, square, triangle)" in result.err
    assert "runs/00000-own-32x32x8 is left out" in result.err
    refused = videogan("train", ".", "--run", ".", *tiny)
    assert refused.code == 2
    assert "cannot be both" in last_line(refused)


def test_parts_of_a_data_set_are_trained_and_measured_apart(videogan, clips, tiny, run, tmp_path):
    for part, names in (("train", ("circle", "square")), ("val", ("circle", "triangle")), ("test", ("circle",))):
        for name in names:
            shutil.copytree(clips / name, tmp_path / "set" / part / name)
    result = videogan("train", tmp_path / "set", *tiny, "--dry-run")
    assert "train is trained on" in result.err
    assert "8 videos" in result.err
    assert "2 classes (circle, square)" in result.err
    measured = videogan("evaluate", tmp_path / "set", "--clips", 4, "--features", "pixels-16", "--metrics", "kernel")
    assert measured.code == 0
    assert "val is measured against" in measured.err
    assert "model: runs/demo" in measured.err
    assert "parts of a data set, not classes" in videogan("inspect", tmp_path / "set").out


def test_a_set_of_one_video_is_told(videogan, clips, tiny, run, tmp_path):
    video = next(clips.rglob("*.mp4"))
    result = videogan("evaluate", video, "--clips", 4, "--features", "pixels-16", "--metrics", "kernel", "--json")
    report = json.loads(result.out)
    assert report["protocol"]["floor"].startswith("two halves of the clips of the one real video")
    assert any("of one video" in text for text in report["warnings"])
    assert "1 video only" in videogan("train", video, *tiny, "--dry-run").err


def test_a_list_of_clips_is_remembered(videogan, clips, tiny):
    Path("list.txt").write_text(f"{clips}/circle\n{clips}/square\n")
    assert videogan("train", "list.txt", *tiny, "--steps", 1, "--run", "run").code == 0
    on = videogan("train", "--run", "run", "--steps", 2)
    assert on.code == 0, on.err
    assert "2 classes (circle, square)" in on.err
    assert "8 videos" in on.err
    for arguments, words in ((["--run", "absent"], "no such run"), ([], "name the clips")):
        refused = videogan("train", *arguments)
        assert refused.code == 2
        assert words in last_line(refused)


def test_a_terminal_that_is_closed_leaves_the_frames_so_far(videogan, run):
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGHUP))
    timer.start()
    result = videogan("sample", "--frames", "inf", "a.mp4")
    timer.join()
    assert result.code == 129
    assert probe("a.mp4").num_frames >= 16


@pytest.mark.slow
def test_two_trainings_that_begin_at_once_get_two_folders(clips, tiny):
    command = [sys.executable, "-m", "videogan", "train", str(clips), *tiny, "--steps", "1"]
    both = [
        subprocess.Popen([*command, "--set", f"train.seed={seed}"], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
        for seed in (1, 2)
    ]
    outputs = [process.communicate()[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(outputs) == ["runs/00000-clips-32x32x8", "runs/00001-clips-32x32x8"]
