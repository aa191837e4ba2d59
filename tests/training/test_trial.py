"""What a dry run measures and says."""

import pytest
import torch
from tiny_run import tiny_config, tiny_state

from videogan.presets import change
from videogan.training import trial
from videogan.training.loop import Budget
from videogan.training.trial import Trial, try_steps


def test_steps_are_real_and_counted(monkeypatch):
    monkeypatch.setattr(trial, "SECONDS", 60.0)
    monkeypatch.setattr(trial, "MOST_STEPS", 6)
    config = tiny_config("train.batch_size=3", "encoder.interval=1")
    torch.manual_seed(1)
    measured = try_steps(config, 2)
    assert (measured.batch_size, measured.whole) == (3, True)
    assert 1 <= measured.steps <= trial.MOST_STEPS
    assert measured.clips_per_second == pytest.approx(3 * measured.steps / measured.seconds)
    generator = tiny_state(config).networks.generator
    assert measured.parameters["generator"] == sum(p.numel() for p in generator.parameters())
    assert "ema_generator" not in measured.parameters


def test_a_batch_that_would_take_too_long_is_not_begun(monkeypatch):
    monkeypatch.setattr(trial, "SECONDS", 0.0)
    told = []
    measured = try_steps(tiny_config("train.batch_size=4"), 0, lambda *progress: told.append(progress))
    assert (measured.batch_size, measured.steps, measured.whole) == (2, 1, False)
    assert measured.memory_gib > 0


def test_a_run_that_grows_is_tried_at_its_full_size():
    config = change(tiny_config("train.batch_size=2"), {"data.size": 64, "train.grow_at": [100]})
    state, batch = trial._beginning(config, 0, 2, torch.device("cpu"))
    assert config.size_at(state.step) == batch.frames.shape[2] == 64


def test_what_is_measured_says_how_long_training_will_take():
    config = tiny_config("train.batch_size=8", "train.steps=1000")
    measured = Trial({"generator": 1_000_000, "encoder": 20}, 10, 8, 20.0, 1.25, whole=True)
    numbers, memory, speed, end = measured.lines(config, Budget(1000))
    assert numbers == "parameters: 1,000,020 (generator 1,000,000, encoder 20)"
    assert memory == "memory: 1.2 GiB"
    assert speed.startswith("speed: 4 clips/s")
    assert end == "time: 33:20 for 1,000 steps, without previews"
    assert measured.lines(config, Budget(1000, minutes=10))[-1] == "time: 10 minutes, about 300 steps"
    few = Trial({"generator": 1}, 1, 2, 20.0, 6.0, whole=False)
    _, memory, speed, end = few.lines(config, Budget(10))
    assert memory == "memory: at least 6.0 GiB"
    assert "one of 8 would take longer" in speed
    assert end == "time: 13:20 for 10 steps, without previews"
