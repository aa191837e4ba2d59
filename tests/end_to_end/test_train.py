import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from videogan.artifacts.checkpoint_files import STATE, WEIGHTS, newest_checkpoint
from videogan.artifacts.checkpoints import load_state
from videogan.artifacts.weights import load_weights
from videogan.presets import load_config
from videogan.video import probe

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
RUN_CLI = [sys.executable, "-c", "from videogan.cli import main; main()"]


def tensors(run: Path) -> dict[str, torch.Tensor]:
    state = load_state(newest_checkpoint(run / "checkpoints"), "cpu")
    flat: dict[str, torch.Tensor] = {}

    def walk(name, value):
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{name}.{key}", inner)
        elif isinstance(value, torch.Tensor):
            flat[name] = value

    walk("", {key: state[key] for key in ("networks", "optimizers")})
    return flat


def steps(run: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_a_run_folder_holds_what_it_should(videogan, clips, tiny):
    result = videogan("train", clips, *tiny, "--steps", 4)
    assert result.code == 0
    run = Path(result.out.strip())
    assert run == Path("runs/00000-clips-32x32x8")
    assert "preset: cpu, as asked" in result.err
    assert "3 classes (circle, square, triangle)" in result.err
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4]
    assert {"clips_per_second", "frame_loss", "clip_loss", "generator_frame", "memory_gib"} <= set(rows[0])
    assert json.loads((run / "status.json").read_text())["status"] == "finished"
    assert json.loads((run / "environment.json").read_text())["clips"] == str(clips)
    assert load_config(run / "config.json").train.steps == 4
    assert "step 4/4" in (run / "log.txt").read_text()
    assert "<polyline" in (run / "report.html").read_text()
    previews = sorted(path.name for path in (run / "previews").iterdir())
    assert previews == ["reals.mp4", "step-00000000.mp4", "step-00000002.mp4", "step-00000004.mp4"]
    assert probe(run / "previews" / "step-00000004.mp4").num_frames == 24
    weights = load_weights(newest_checkpoint(run / "checkpoints") / WEIGHTS)
    assert weights.card.class_names == ("circle", "square", "triangle")
    assert weights.card.frame_rate == 25


@pytest.mark.parametrize("limit", [20, 1e-9], ids=["cached", "streamed"])
def test_resuming_equals_an_uninterrupted_run_bit_for_bit(videogan, clips, tiny, limit):
    tiny += ["--set", f"data.cache_limit_gb={limit}"]
    whole = Path(videogan("train", clips, *tiny, "--steps", 5, "--run", "whole").out.strip())
    for until in (2, 3, 5):
        assert videogan("train", clips, *tiny, "--steps", until, "--run", "parts").code == 0
    expected, got = tensors(whole), tensors(Path("parts"))
    assert len(expected) > 100
    assert expected.keys() == got.keys()
    assert all(torch.equal(value, got[name]) for name, value in expected.items())
    rows = [steps(p) for p in (whole, Path("parts"))]
    assert rows == [[2, 4, 5], [2, 3, 4, 5]]


def test_the_same_command_finds_its_run_again(videogan, clips, tiny):
    first = videogan("train", clips, *tiny, "--steps", 2)
    again = videogan("train", clips, *tiny, "--steps", 4)
    assert again.out == first.out
    assert "going on from step 2" in again.err
    finished = videogan("train", clips, *tiny, "--steps", 4)
    assert (finished.code, finished.out) == (0, first.out)
    assert "step 4 of 4 already" in finished.err
    other = videogan("train", clips, *tiny, "--steps", 2, "--set", "train.seed=1")
    assert other.out.strip() == "runs/00001-clips-32x32x8"
    anew = videogan("train", clips, *tiny, "--steps", 2, "--resume", "never")
    assert anew.out.strip() == "runs/00002-clips-32x32x8"


def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(videogan, clips, tiny):
    run = Path(videogan("train", clips, *tiny, "--steps", 4).out.strip())
    (run / "checkpoints" / "step-00000004" / STATE).write_bytes(b"damaged")
    result = videogan("train", clips, *tiny, "--steps", 4)
    assert result.code == 0
    assert "going on from step 2" in result.err
    rows = steps(run)
    assert rows == [2, 4]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_saves_and_the_same_command_goes_on(clips, tiny, number, code):
    command = [*RUN_CLI, "train", str(clips), *tiny, "--steps", "100000", "--run", "stopped"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    deadline = time.monotonic() + 120
    while process.poll() is None and not Path("stopped/metrics.jsonl").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in err
    last = err.strip().splitlines()[-1]
    assert last.startswith("stopped at step ")
    step = int(last.split("step ")[1].split(",")[0])
    checkpoint = newest_checkpoint(Path("stopped/checkpoints"))
    assert checkpoint.name == f"step-{step:08d}"
    assert json.loads(Path("stopped/status.json").read_text())["status"] == "interrupted"


def test_a_signal_saves_and_training_goes_on(clips, tiny):
    options = ["--steps", "100000", "--run", "run", "--set", "train.tick_steps=100000"]
    process = subprocess.Popen(
        [*RUN_CLI, "train", str(clips), *tiny, *options], stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    deadline = time.monotonic() + 120
    while (
        process.poll() is None and not Path("run/previews/step-00000000.mp4").exists() and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGUSR1)
    while process.poll() is None and newest_checkpoint(Path("run/checkpoints")) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.poll() is None
    saved = newest_checkpoint(Path("run/checkpoints"))
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert err.count("saving ...") == 2
    assert int(newest_checkpoint(Path("run/checkpoints")).name[5:]) > int(saved.name[5:])


def test_a_killed_run_goes_on_from_its_last_tick(videogan, clips, tiny):
    command = [*RUN_CLI, "train", str(clips), *tiny, "--steps", "100000", "--run", "killed"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    deadline = time.monotonic() + 120
    while (
        process.poll() is None and newest_checkpoint(Path("killed/checkpoints")) is None and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    process.kill()
    process.wait()
    step = int(newest_checkpoint(Path("killed/checkpoints")).name[5:])
    result = videogan("train", clips, *tiny, "--steps", step + 1, "--run", "killed")
    assert result.code == 0
    assert f"going on from step {step}" in result.err


def test_minutes_end_a_run(videogan, clips, tiny):
    result = videogan("train", clips, *tiny, "--steps", 100000, "--minutes", 0.02)
    assert result.code == 0
    status = json.loads((Path(result.out.strip()) / "status.json").read_text())
    assert status["status"] == "finished"
    assert 1 <= status["step"] < 100000


def test_unlabelled_videos_train(videogan, clips, tiny, tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for number, path in enumerate(sorted(clips.rglob("*.mp4"))):
        shutil.copy(path, flat / f"{number}.mp4")
    result = videogan("train", flat, *tiny, "--steps", 2)
    assert result.code == 0
    assert "no classes" in result.err
    assert "prepare folder OUT --from flat --by-look" in result.err.replace(str(tmp_path) + "/", "")
    assert videogan("sample", "--class", "circle", "out.mp4").code == 2
    assert videogan("sample", "--frames", "8", "out.mp4").code == 0
    asked = videogan("train", flat, *tiny, "--set", "data.labels=none", "--run", "asked", "--steps", 1)
    assert "--by-look" not in asked.err


def test_dry_run_says_all_and_makes_nothing(videogan, clips, tiny):
    result = videogan("train", clips, *tiny, "--dry-run")
    assert result.code == 0
    assert json.loads(result.out)["train"]["batch_size"] == 4
    for line in ("parameters: ", "memory: ", "speed: ", "time: "):
        assert f"\n{line}" in result.err
    assert not Path("runs").exists()


def test_diverging_ends_with_5_and_keeps_the_last_good_checkpoint(videogan, clips, tiny):
    wild = ["--set", "optimizer.learning_rate=1e10", "--set", "optimizer.warmup_steps=1000000000"]
    wild += ["--set", "train.tick_steps=1", "--set", "penalty.kind=none", "--set", "adversarial.kind=wasserstein"]
    result = videogan("train", clips, *tiny, "--steps", 500, "--run", "wild", *wild)
    assert result.code == 5
    assert result.err.strip().splitlines()[-1].startswith("error: training diverged")
    assert json.loads(Path("wild/status.json").read_text())["status"] == "diverged"
    checkpoint = newest_checkpoint(Path("wild/checkpoints"))
    assert checkpoint is not None
    for name, tensor in tensors(Path("wild")).items():
        assert tensor.isfinite().all(), f"{name} of {checkpoint}"
