import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from read_video import read_video

from videogan.artifacts.provenance import read_provenance
from videogan.video import probe


@pytest.fixture
def model(videogan, clips, tiny) -> Path:
    """A run of two steps in the working folder."""
    return Path(videogan("train", clips, *tiny, "--steps", 2).out.strip())


def test_sample_streams_any_number_of_frames(videogan, model):
    result = videogan("sample", "--frames", 650, "--scale", 1, "long.mp4")
    assert (result.code, result.out.strip()) == (0, "long.mp4")
    info = probe("long.mp4")
    assert (info.num_frames, info.width, info.height, info.frame_rate) == (650, 32, 32, 25)


def test_a_shorter_video_is_the_beginning_of_a_longer_one(videogan, model):
    videogan("sample", "--frames", 22, "--seed", 5, "short")
    videogan("sample", "--frames", 40, "--seed", 5, "long")
    short, long = sorted(Path("short").iterdir()), sorted(Path("long").iterdir())
    assert (len(short), len(long)) == (22, 40)
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(short, long, strict=False))


def test_a_seed_is_one_video_whatever_the_count(videogan, model):
    videogan("sample", "--frames", 12, "--seed", 3, "--count", 3, "--scale", 1, "many")
    videogan("sample", "--frames", 12, "--seed", 4, "--scale", 1, "alone")
    many, alone = (read_video(name)[0].astype(int) for name in ("many-001", "alone"))
    assert many.shape == (12, 32, 32, 3)
    assert np.abs(many - alone).max() <= 1


def test_a_grid_shows_the_seeds_side_by_side(videogan, model):
    assert videogan("sample", "--grid", "2x3", "--frames", 4, "--seed", 7, "grid").code == 0
    assert videogan("sample", "--frames", 4, "--seed", 11, "alone").code == 0
    grid, alone = (read_video(name)[0].astype(int) for name in ("grid", "alone"))
    assert grid.shape == (4, 64, 96, 3)
    assert np.abs(grid[:, 32:, 32:64] - alone).max() <= 1


def test_videos_are_large_enough_to_be_looked_at(videogan, model):
    """Those for players, unless another size is asked for; what programs read has the model's."""
    for name, options, size in (
        ("a.mp4", [], 256),
        ("b.webm", [], 256),
        ("c.mp4", ["--scale", "1"], 32),
        ("d.mp4", ["--scale", "3"], 96),
        ("e.mp4", ["--grid", "2x2"], 256),
        ("f", [], 32),
    ):
        assert videogan("sample", "--frames", 2, *options, name).code == 0
        assert read_video(name)[0].shape == (2, size, size, 3)
    assert videogan("sample", "--frames", 4, "g.png").code == 0
    with Image.open("g.png") as sheet:
        assert sheet.size == (64, 64)
    options = read_provenance(Path("a.mp4")).options
    assert (options["scale"], options["scale_method"]) == (8, "lanczos")
    unscaled = read_provenance(Path("c.mp4")).options
    assert unscaled["scale"] == 1 and "scale_method" not in unscaled
    # As the model made it, when it is read again.
    small, _ = read_video("a.mp4", size=(32, 32))
    assert np.abs(small.astype(int) - read_video("f")[0]).mean() < 2


def test_class_and_truncation_change_the_video(videogan, model):
    for name, options in {
        "circle": ["--class", "circle"],
        "square": ["--class", "square"],
        "cut": ["--class", "circle", "--truncation", "0"],
    }.items():
        assert videogan("sample", "--frames", 4, *options, name).code == 0
    first = {
        name: (Path(name) / sorted(p.name for p in Path(name).iterdir())[0]).read_bytes()
        for name in ("circle", "square", "cut")
    }
    assert len(set(first.values())) == 3


def test_interpolate(videogan, model):
    assert videogan("interpolate", "--seeds", "1,2,3", "morph.mp4").code == 0
    assert probe("morph.mp4").num_frames == 128
    assert videogan("interpolate", "--seeds", "1,2", "--frames", 50, "--loop", "loop.mp4").code == 0
    assert probe("loop.mp4").num_frames == 50


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["sample", "--class", "circel", "x.mp4"], 2, "did you mean 'circle'?"),
        (["sample", "x.mp5"], 2, ".mp4"),
        (["sample", "absent/x.mp4"], 2, "absent: no such folder"),
        (["sample", "--run", "absent", "x.mp4"], 2, "absent: no such run"),
        (["sample", "--run", ".", "x.mp4"], 4, "no usable checkpoint"),
        (["sample", "--seed", "seven", "x.mp4"], 2, "--seed"),
        (["sample", "--seed", "-1", "x.mp4"], 2, "--seed"),
        (["sample", "/proc/x.mp4"], 2, "/proc/x.mp4"),
        (["sample", "--frames", "0", "x.mp4"], 2, "--frames"),
        (["sample", "--truncation", "2", "x.mp4"], 2, "--truncation"),
        (["sample", "--grid", "4by4", "x.mp4"], 2, "such as 4x4"),
        (["sample", "--grid", "2x2", "--count", "3", "x.mp4"], 2, "leave out --count"),
        (["interpolate", "--seeds", "1,b", "x.mp4"], 2, "--seeds takes whole numbers"),
        (["interpolate", "--seeds", "", "x.mp4"], 2, "--seeds takes whole numbers"),
        (["interpolate", "x.mp4"], 2, "--seeds"),
    ],
)
def test_mistakes_cost_one_line(videogan, model, arguments, code, said):
    result = videogan(*arguments)
    assert result.code == code
    assert said in result.err
    assert len(result.err.strip().splitlines()) == 1
    assert result.err.startswith("error: ")
    assert not list(Path().glob("x.*"))


def test_out_without_a_suffix_is_a_folder_of_frames(videogan, model):
    assert videogan("sample", "--frames", 5, "frames").code == 0
    assert [path.suffix for path in sorted(Path("frames").iterdir())] == [".png"] * 5
    (Path("frames") / "notes.txt").write_text("precious")
    result = videogan("sample", "--frames", 5, "--yes", "frames")
    assert result.code == 2
    assert len(result.err.strip().splitlines()) == 1
    assert (Path("frames") / "notes.txt").read_text() == "precious"


@pytest.mark.parametrize("out", ["x.mp4", "x"])
def test_a_disk_that_fills_up_while_sampling(model, out):
    """A limit on file sizes stands for a full disk."""
    code = (
        "import resource; from videogan.cli import main; import torch;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)); main()"
    )
    command = [sys.executable, "-c", code, "sample", "--frames", "64", out]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "cannot be written" in done.stderr
    assert not list(Path().glob("x*"))


def test_out_is_not_overwritten_without_yes(videogan, model):
    Path("out.mp4").write_text("precious")
    assert videogan("sample", "--frames", 4, "out.mp4").code == 2
    assert Path("out.mp4").read_text() == "precious"
    assert videogan("sample", "--frames", 4, "--yes", "out.mp4").code == 0
    assert probe("out.mp4").num_frames == 4


def test_memory_does_not_grow_with_the_number_of_frames(model):
    peaks = {}
    for frames in (640, 6400):
        code = (
            "import resource, sys; from videogan.cli import main\n"
            "try: main()\n"
            "except SystemExit as stop: assert not stop.code, stop.code\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
        )
        command = [sys.executable, "-c", code, "sample", "--scale", "1", "--frames", str(frames), f"{frames}.mp4"]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        peaks[frames] = int(done.stdout.split()[-1])
        assert probe(f"{frames}.mp4").num_frames == frames
    assert peaks[6400] < peaks[640] + 30, "MiB"


def test_ctrl_c_leaves_a_playable_video_of_the_frames_so_far(model):
    command = [sys.executable, "-c", "from videogan.cli import main; main()", "sample", "--frames", "10000000", "x.mp4"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    part = Path(f"x.mp4.{process.pid}.part")
    deadline = time.monotonic() + 60
    while process.poll() is None and not part.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip().startswith("stopped; x.mp4 holds the ")
    assert probe("x.mp4").num_frames == int(err.split("holds the ")[1].split()[0])
    assert not part.exists()
