import os
import subprocess
import sys
from pathlib import Path

import pytest

from videogan.artifacts.runs import RunFolder
from videogan.preparation.synthetic import moving_shapes
from videogan.video import VideoWriter


def one_line(result, code, *said):
    """Hold a result against an exit code and one line on stderr."""
    lines = [line for line in result.err.strip().splitlines() if line.startswith("error: ")]
    assert result.code == code, result.err
    assert len(lines) == 1
    assert result.err.strip().splitlines()[-1] == lines[0]
    assert "Traceback" not in result.err
    for part in said:
        assert part in lines[0]
    assert not Path("runs").exists(), "nothing half-made is left"


def test_no_such_folder(videogan, tiny):
    one_line(videogan("train", "absent", *tiny), 2, "absent: no such file or folder")


def test_an_empty_folder(videogan, tiny):
    Path("empty").mkdir()
    one_line(videogan("train", "empty", *tiny), 3, "no usable video", "empty")


def test_a_folder_without_videos(videogan, tiny):
    Path("texts").mkdir()
    Path("texts/notes.txt").write_text("no video")
    Path("texts/film.mp4").write_text("no video either")
    one_line(videogan("train", "texts", *tiny), 3, "no usable video", "film.mp4")


def test_clips_shorter_than_a_training_clip(videogan, tiny):
    Path("short").mkdir()
    with VideoWriter("short/a.mp4", frame_rate=25) as writer:
        writer.write(moving_shapes(0, size=32, num_frames=5)[0])
    one_line(videogan("train", "short", *tiny, "--set", "data.short=skip", "--steps", 1), 3, "5", "8", "data.short")


def test_unknown_preset_and_keys(videogan, clips, tiny):
    one_line(videogan("train", clips, "--preset", "gpu46"), 2, "did you mean 'gpu64'?")
    one_line(videogan("train", clips, "--set", "train.batchsize=2"), 2, "did you mean 'train.batch_size'?")
    one_line(videogan("train", clips, "--set", "train.device=cudda"), 2, "did you mean 'cuda'?")


def test_unknown_commands_and_options(videogan, tiny):
    one_line(videogan("trian"), 2, "Did you mean 'train'")
    one_line(videogan("train", "x", "--step", "3"), 2, "--steps")
    one_line(videogan("train"), 2, "clips")


def test_no_model_yet(videogan, tiny, monkeypatch):
    monkeypatch.setattr("videogan.artifacts.runs.SHIPPED", Path("absent.safetensors"))
    one_line(videogan("sample", "out.mp4"), 4, "no trained model", "videogan train")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_run_folder_as_a_user(videogan, clips, tiny):
    Path("locked").mkdir(mode=0o500)
    one_line(videogan("train", clips, *tiny, "--run", "locked/run", "--steps", 1), 2, "locked")


def test_a_run_folder_that_cannot_be_made(videogan, clips, tiny):
    Path("taken").write_text("a file")
    one_line(videogan("train", clips, *tiny, "--run", "taken", "--steps", 1), 2, "taken")
    assert Path("taken").read_text() == "a file"


def test_two_processes_do_not_train_in_one_folder(videogan, clips, tiny):
    assert videogan("train", clips, *tiny, "--run", "run", "--steps", 1).code == 0
    with RunFolder(Path("run")).locked():
        one_line(videogan("train", clips, *tiny, "--run", "run", "--steps", 2), 2, "another process is training in it")
    assert videogan("train", clips, *tiny, "--run", "run", "--steps", 2).code == 0


def test_a_disk_that_fills_up_while_training(videogan, clips, tiny):
    """A device that is always full stands for a full disk."""
    assert videogan("train", clips, *tiny, "--run", "run", "--steps", 2).code == 0
    part = Path(f"run/report.html.{os.getpid()}.part")
    part.symlink_to("/dev/full")
    one_line(videogan("train", clips, *tiny, "--run", "run", "--steps", 4), 2, "cannot be written any more", "No space")
    assert not part.is_symlink(), "what could not be written is gone"
    assert videogan("train", clips, *tiny, "--run", "run", "--steps", 4).code == 0


def test_another_config_in_the_same_run_folder(videogan, clips, tiny):
    assert videogan("train", clips, *tiny, "--run", "run", "--steps", 1).code == 0
    result = videogan("train", clips, *tiny, "--run", "run", "--steps", 2, "--set", "train.seed=9")
    one_line(result, 2, "train.seed=0, not 9")


@pytest.mark.parametrize("room", [0, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_disk_that_is_full_from_the_first_line_on(videogan, clips, tiny, room):
    assert videogan("train", clips, *tiny, "--steps", 1, "--run", "warm").code == 0
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "from videogan.cli import main; import torch;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room})); main()"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    for run in ("fresh", "warm"):
        command = [sys.executable, "-c", limited, "train", str(clips), *tiny, "--steps", "3", "--run", run]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 2
        assert "Traceback" not in result.stderr
        last = result.stderr.strip().splitlines()[-1]
        assert last.startswith(f"error: {run}")
        assert "too large" in last
    assert videogan("train", clips, *tiny, "--steps", 3, "--run", "warm").code == 0
    assert "going on from step 1" in Path("warm/log.txt").read_text()


def test_a_full_disk_leaves_no_half_written_checkpoint(clips, tiny):
    """A limit on file sizes stands for a full disk: writing fails in the middle of a file."""
    limited = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "from videogan.cli import main; import torch;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); main()"
    )
    command = [sys.executable, "-c", limited, "train", str(clips), *tiny, "--steps", "2", "--run", "full"]
    warm = [sys.executable, "-c", "from videogan.cli import main; main()", *command[3:-1], "warm"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    assert subprocess.run(warm, env=environment, capture_output=True, check=False).returncode == 0
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert result.stderr.strip().splitlines()[-1].startswith("error: full/checkpoints: a checkpoint cannot be written")
    assert not list(Path("full/checkpoints").iterdir())
