"""Settings that no machine has the memory for are refused in one line, before anything is made."""

import pytest
import torch
from tiny_run import tiny_config

from videogan.errors import UsageError
from videogan.presets import PRESETS, preset
from videogan.training import memory
from videogan.training.memory import available_bytes, check_memory

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    "setting",
    [
        "train.batch_size=1000000000",
        "train.batch_size=1" + 30 * "0",
        "train.threads=1000000",
        "data.num_frames=4000000000000",
        "generator.channels=[1000000000,96,48,16]",
        "generator.channels=[128,0,48,16]",
        "generator.channels=[128,-1,48,16]",
        "encoder.channels=[0,-3,8]",
        "generator.noise_dim=1000000000",
        "generator.class_dim=1000000000",
        "train.max_burn_in=1000000000",
        "evaluate.clips=1000000000",
        "penalty.sigma=1e300",
        "optimizer.decay_steps=1" + 400 * "0",
        "train.steps=" + 5000 * "9",
        "data.cache_dir=a\0b",
        "data.frame_rate=1e300",
        "data.frame_rate=1e-300",
    ],
)
def test_numbers_have_both_bounds(setting):
    with pytest.raises(UsageError) as refused:
        preset("cpu", [setting])
    assert "\n" not in str(refused.value)


def test_the_refusal_says_what_would_fit(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda device: 2**30)
    check_memory(tiny_config(), 3, CPU)
    with pytest.raises(UsageError, match=r"train\.batch_size=4096 .* and there are 1\.0; train\.batch_size=\d+ would"):
        check_memory(preset("cpu", ["train.batch_size=4096"]), 3, CPU)
    with pytest.raises(UsageError, match="fewer channels"):
        check_memory(preset("cpu", ["generator.hidden_dim=60000"]), 3, CPU)


def test_a_batch_that_is_said_to_fit_fits(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda device: 2**30)
    with pytest.raises(UsageError) as refused:
        check_memory(preset("cpu", ["train.batch_size=4096"]), 0, CPU)
    fits = str(refused.value).split("train.batch_size=")[-1].split()[0]
    check_memory(preset("cpu", [f"train.batch_size={fits}"]), 0, CPU)
    with pytest.raises(UsageError):
        check_memory(preset("cpu", [f"train.batch_size={int(fits) + 1}"]), 0, CPU)


def test_what_a_machine_of_eighty_gigabytes_trains_is_not_refused(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda device: 78 * 2**30)
    for name in PRESETS:
        check_memory(preset(name), 10, CPU)
    assert available_bytes(CPU) > 0


def test_training_and_a_dry_run_refuse_before_they_begin(videogan_train, tmp_path):
    for dry_run in (True, False):
        with pytest.raises(UsageError, match="would fit"):
            videogan_train(tmp_path, settings={"train.batch_size": 2**20, "data.size": 512}, dry_run=dry_run)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def videogan_train(tmp_path, monkeypatch):
    from videogan.training.session import train

    monkeypatch.chdir(tmp_path)
    return lambda clips, **options: train(clips, preset="cpu", **options)
