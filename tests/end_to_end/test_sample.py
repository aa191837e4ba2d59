"""Recipes, stdout and the ends that a video can come to."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from read_video import read_video

from videogan.video import probe
from videogan.video.probe import read_comment

MAIN = [sys.executable, "-c", "from videogan.cli import main; main()"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def model(videogan, clips, tiny) -> Path:
    return Path(videogan("train", clips, *tiny, "--steps", 2).out.strip())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", ["--frames", "22", "--seed", "5"]),
        ("a.webm", ["--frames", "12", "--class", "circle,square", "--speed", "0.5", "--frame-rate", "12.5"]),
        ("a.mp4", ["--frames", "20", "--loop", "--truncation", "0.5"]),
        ("a.png", ["--frames", "9"]),
        ("a.mp4", ["--frames", "8", "--grid", "2x2", "--scale", "2"]),
    ],
)
def test_like_makes_the_same_frames(videogan, model, name, options):
    again = "again" + Path(name).suffix
    assert videogan("sample", *options, name).code == 0
    result = videogan("sample", "--like", name, again)
    assert (result.code, result.out.strip()) == (0, again)
    if name.endswith(".png"):
        assert Path(name).read_bytes() == Path(again).read_bytes()
    else:
        assert np.array_equal(read_video(name)[0], read_video(again)[0])
        assert probe(name).frame_rate == probe(again).frame_rate
        assert read_comment(name) == read_comment(again)


def test_like_makes_one_of_several(videogan, model):
    assert videogan("sample", "--frames", 8, "--count", 3, "a.mp4").code == 0
    assert videogan("sample", "--like", "a-001.mp4", "again.mp4").code == 0
    assert np.array_equal(read_video("a-001.mp4")[0], read_video("again.mp4")[0])


def test_inspect_shows_the_recipe_unless_there_is_none(videogan, model):
    videogan("sample", "--frames", 8, "--seed", 5, "a.mp4")
    shown = json.loads(videogan("inspect", "--json", "a.mp4").out)["recipe"]
    assert (shown["command"], shown["seed"], shown["frames"], shown["step"]) == ("sample", 5, 8, 2)
    assert set(shown["versions"]) >= {"python", "torch", "av"}
    weights = json.loads(videogan("inspect", "--json", model).out)
    assert weights["sha256"] == shown["model_sha256"]
    assert "seed 5" in videogan("inspect", "a.mp4").out
    assert videogan("sample", "--frames", 8, "--seed", 6, "a.png").code == 0
    sheet = videogan("inspect", "a.png")
    assert (sheet.code, "a.png: a sheet of frames" in sheet.out, "seed 6" in sheet.out) == (0, True, True)
    assert json.loads(videogan("inspect", "--json", "a.png").out)["recipe"]["seed"] == 6
    videogan("sample", "--frames", 8, "--no-metadata", "c.png")
    assert videogan("inspect", "c.png").code == 3
    videogan("sample", "--frames", 8, "--no-metadata", "b.mp4")
    assert read_comment("b.mp4") is None
    assert "recipe" not in json.loads(videogan("inspect", "--json", "b.mp4").out)


def test_inspect_knows_runs_checkpoints_and_weights(videogan, model):
    checkpoint = model / "checkpoints/step-00000002"
    for path, kind in ((model, "run"), (checkpoint, "checkpoint"), (checkpoint / "generator.safetensors", "weights")):
        report = json.loads(videogan("inspect", "--json", path).out)
        assert (report["kind"], report["step"], report["size"]) == (kind, 2, 32)
        assert report["classes"] == ["circle", "square", "triangle"]
        assert "step 2" in videogan("inspect", path).out
    assert json.loads(videogan("inspect", "--json", model).out)["metrics"]
    (checkpoint / "generator.safetensors").write_bytes(b"no weights")
    assert videogan("inspect", checkpoint / "generator.safetensors").code == 4


def test_frames_to_stdout(model):
    def output(*arguments: str) -> bytes:
        command = [*MAIN, "sample", "--frames", "10", *arguments]
        return subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=True).stdout

    Path("a.y4m").write_bytes(output("-"))
    assert (probe("a.y4m").num_frames, probe("a.y4m").width) == (10, 32)
    raw = np.frombuffer(output("--format", "rawvideo", "-"), np.uint8).reshape(10, 32, 32, 3)
    output("frames")
    assert np.array_equal(raw, read_video("frames")[0])


def test_a_reader_that_leaves_ends_an_endless_video_quietly(model):
    command = [*MAIN, "sample", "--frames", "inf", "-"]
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.read(9) == b"YUV4MPEG2"
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == b""


def test_ctrl_c_ends_an_endless_video_that_can_be_made_again(videogan, model):
    process = subprocess.Popen(
        [*MAIN, "sample", "--frames", "inf", "x.mp4"], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while process.poll() is None and not Path(f"x.mp4.{process.pid}.part").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert probe("x.mp4").num_frames >= 16
    assert videogan("sample", "--like", "x.mp4", "again.mp4").code == 0
    assert np.array_equal(read_video("x.mp4")[0], read_video("again.mp4")[0])


def test_like_refuses_what_it_cannot_repeat(videogan, model, clips, tiny):
    videogan("sample", "--frames", 8, "a.mp4")
    videogan("sample", "--frames", 8, "--no-metadata", "b.mp4")
    for arguments, code, said in (
        (["b.mp4", "x.mp4"], 3, "holds no recipe"),
        (["absent.mp4", "x.mp4"], 2, "no such file"),
        (["a.mp4", "--frames", "9", "x.mp4"], 2, "leave out --frames"),
        (["a.mp4", "--class", "circle", "x.mp4"], 2, "leave out --class"),
    ):
        result = videogan("sample", "--like", *arguments)
        assert result.code == code
        assert said in result.err
        assert len(result.err.strip().splitlines()) == 1
    assert videogan("train", clips, *tiny, "--run", "other", "--steps", 1).code == 0
    result = videogan("sample", "--like", "a.mp4", "--run", "other", "x.mp4")
    assert result.code == 4
    assert "made by another model" in result.err
    assert not Path("x.mp4").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--class", "circle,squrae", "x.mp4"], "did you mean 'square'?"),
        (["--seed", "one", "x.mp4"], "--seed"),
        (["--seed", "-1", "x.mp4"], "--seed"),
        (["--frames", "many", "x.mp4"], "--frames takes a whole number from 1 on, or inf"),
        (["--frames", "inf", "--loop", "x.mp4"], "a loop has an end"),
        (["--speed", "0", "x.mp4"], "--speed"),
        (["--frame-rate", "0", "x.mp4"], "frame_rate 0"),
        (["--format", "y4m", "x.mp4"], "--format is for stdout"),
        (["--format", "avi", "-"], "y4m or rawvideo"),
        (["--count", "2", "-"], "one video goes to stdout"),
        ([".mp4"], "such as out.mp4"),
    ],
)
def test_mistakes_cost_one_line(videogan, model, arguments, said):
    result = videogan("sample", *arguments)
    assert result.code == 2
    assert said in result.err
    assert len(result.err.strip().splitlines()) == 1
    assert not result.out
    assert not list(Path().glob("*mp4*"))


def test_a_disk_that_fills_up_costs_one_line(model):
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "from videogan.cli import main; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)); main()"
    )
    command = [sys.executable, "-c", code, "sample", "--frames", "400", "x.mp4"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: x.mp4: cannot be written")
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(Path().glob("x.mp4*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder(videogan, model):
    Path("locked").mkdir(mode=0o500)
    result = videogan("sample", "locked/x.mp4")
    assert result.code == 2
    assert "no permission" in result.err
