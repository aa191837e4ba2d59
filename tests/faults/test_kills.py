"""Twenty times kill -9 at a random moment of the first cache, of training, of saving; each goes on to the same end."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tiny_run import TINY
from torch.utils._pytree import tree_leaves

import videogan
from videogan.artifacts.checkpoint_files import newest_checkpoint
from videogan.artifacts.checkpoints import load_state
from videogan.presets import parse_setting

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
STEPS = 12
MOMENTS = {
    "cache": ("cache/clips/*/*.part", 0.02),
    "training": ("run/checkpoints/step-*", 1.0),
    "saving": ("run/checkpoints/.step-*.part", 0.05),
}
"""A path that tells that the moment is near, and the seconds within which the process is killed after that."""


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "clips"
    videogan.prepare("moving-shapes", folder, count=12, size=32)
    return folder


def settings(tmp_path):
    return dict(map(parse_setting, [*TINY, "train.tick_steps=1", f"data.cache_dir={tmp_path}/cache"]))


def learnt(run):
    state = load_state(newest_checkpoint(run / "checkpoints"), "cpu")
    assert state["step"] == STEPS
    return [leaf for leaf in tree_leaves([state["networks"], state["optimizers"]]) if isinstance(leaf, torch.Tensor)]


@pytest.fixture(scope="module")
def uninterrupted(clips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    videogan.train(clips, preset="cpu", settings=settings(folder), steps=STEPS, run=folder / "run")
    return learnt(folder / "run")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", range(20))
def test_a_killed_training_goes_on_to_the_same_weights(clips, uninterrupted, tmp_path, number):
    moment = list(MOMENTS)[number % len(MOMENTS)]
    near, seconds = MOMENTS[moment]
    options = [part for key, value in settings(tmp_path).items() for part in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "videogan", "train", clips, "--preset", "cpu", *options, "--steps", "100000"]
    process = subprocess.Popen(
        [*map(str, command), "--run", str(tmp_path / "run")], env=ENVIRONMENT, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not any(tmp_path.glob(near)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(random.Random(number).uniform(0, seconds))
    process.kill()
    assert process.wait() == -9
    run = videogan.train(clips, preset="cpu", settings=settings(tmp_path), steps=STEPS, run=tmp_path / "run")
    for before, after in zip(uninterrupted, learnt(run.path), strict=True):
        assert torch.equal(before, after)
    assert not list(tmp_path.rglob("*.part")), "nothing half-written is left"
    assert [row["step"] for row in run.metrics()] == list(range(1, STEPS + 1))
