"""Benchmarks run too seldom to notice when a setting's name changes or a set is split wrongly; these tests do."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from einops import reduce

from videogan.preparation.dataset import prepare
from videogan.preparation.synthetic import stacked_digits
from videogan.presets import preset

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """Return a function that imports a benchmark by its name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    loaded = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - loaded:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(BENCHMARKS)):
            del sys.modules[name]


@pytest.mark.parametrize("path", sorted(BENCHMARKS.glob("*.py")), ids=lambda path: path.stem)
def test_every_benchmark_can_be_imported(benchmark, path):
    assert benchmark(path.stem).__doc__


def test_every_row_of_the_ablation_is_a_config_of_its_own(benchmark):
    ablation = benchmark("ablation")
    configs = [preset("cpu", settings) for settings in ablation.ROWS.values()]
    assert len({config.model_dump_json() for config in configs}) == len(configs)
    kinds = {config.adversarial.kind for config in configs}
    assert kinds == {"relativistic", "non-saturating", "hinge", "least-squares", "wasserstein"}


def test_people_are_split_with_their_mirror_images(benchmark, clips, tmp_path):
    source = sorted(clips.rglob("*.mp4"))[0]
    for name in ("person1", "person1-mirrored", "person12", "person2_run"):
        for label in ("bend", "wave"):
            (tmp_path / "actions" / label).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, tmp_path / "actions" / label / f"{name}.mp4")
    seen, unseen = benchmark("running").split_by_person(tmp_path / "actions", tmp_path / "work", ["person1"])
    assert sorted(path.stem for path in (unseen / "bend").iterdir()) == ["person1", "person1-mirrored"]
    assert sorted(path.stem for path in (seen / "wave").iterdir()) == ["person12", "person2_run"]


def test_nobody_to_hold_out_is_an_error(benchmark, clips, tmp_path):
    with pytest.raises(SystemExit, match="no video is of nobody"):
        benchmark("running").split_by_person(clips, tmp_path, ["nobody"])


def test_factors_are_read_back_from_what_was_drawn(benchmark):
    modes = benchmark("modes")
    clips = np.full((1, 1, 4, 32, 32, 3), 0.1, np.float32)
    for time in range(4):
        clips[0, 0, time, 10 : 10 + 8, 4 + 2 * time : 12 + 2 * time] = (0.1, 0.9, 0.1)
    found = {name: float(values[0, 0]) for name, values in modes.factors(clips).items()}
    wanted = {"size": 8 / 32, "position across": 8 / 32, "position down": 14 / 32, "speed": 2 / 32}
    assert found == pytest.approx(wanted, rel=1e-4) and float(modes.hue(clips)[0, 0]) == pytest.approx(1 / 3)
    alike = modes.figures(np.concatenate([clips, clips]).repeat(3, axis=1))
    assert alike.modes == 2 and alike.hue_entropy == alike.clip_variance == 0


def test_stacked_digits_are_read_and_their_modes_counted(benchmark):
    stacked = benchmark("stacked_digits")
    drawn = [stacked_digits(index * 37, num_frames=16) for index in range(120)]
    videos, modes = np.stack([frames for frames, _ in drawn]), np.array([int(name) for _, name in drawn])
    found = stacked.read(stacked.learnt(videos[::2], modes[::2]), videos[1::2])
    assert (found == modes[1::2]).mean() > 0.5  # three digits at once; one by chance in a thousand
    assert stacked.count(np.arange(1000)) == (1000, pytest.approx(0, abs=1e-9))
    assert stacked.count(np.full(50, 7)) == (1, pytest.approx(np.log(1000)))


def test_real_stacked_digits_are_read_at_the_size_of_the_model(benchmark, tmp_path):
    prepare("stacked-digits", tmp_path / "clips", count=4)
    videos, modes = benchmark("stacked_digits").real_videos(tmp_path / "clips", 2, 32)
    assert videos.shape == (2, 16, 32, 32, 3) and modes.tolist() == [0, 2]
    drawn = reduce(stacked_digits(2, size=64)[0][:16].astype(float), "t (h y) (w x) c -> t h w c", "mean", h=32, w=32)
    assert np.abs(videos[1] - drawn).mean() < 5


def test_people_are_told_apart_by_what_else_they_do(benchmark):
    people = benchmark("people")
    clips = people.Clips(torch.arange(4.0), ["bend", "wave", "bend", "wave"], torch.arange(4))
    names = ["ann", "ann", "bob", "bob"]
    assert people.doing(clips, names, "bend").clips.tolist() == [0, 2]
    others = people.doing(clips, names, "bend", others=True)
    assert others.clips.tolist() == [1, 3] and others.names == ["ann", "bob"]
    assert people.entropy(people.Counter(names), 2) == pytest.approx(1)
    assert people.entropy(people.Counter(names[:2]), 2) == 0


KERNELS = 1_200
"""Of the updates of a step of the default preset on a GPU; a change that adds some should say why they are needed."""


def test_a_step_starts_as_many_kernels_as_it_did_and_reads_no_value(benchmark):
    operations = benchmark("operations")
    counted = operations.count("gpu64", [])
    updates = {key: number for key, number in counted.kernels.items() if key[0] != "before the updates"}
    assert not any(kind == operations.READ for part, kind in counted.counts if part != "before the updates")
    assert sum(updates.values()) == pytest.approx(KERNELS, rel=0.1)
    assert updates["generator", "recurrent layer_backward"] == updates["discriminators", "recurrent layer"] == 1


@pytest.mark.parametrize("name", ["cpu", "gpu64"])
def test_what_a_preset_costs_is_counted(benchmark, name):
    presets = benchmark("presets")
    with presets.FakeTensorMode(allow_non_fake_inputs=True):
        cells = dict(zip(presets.COLUMNS, presets.row(name, 713, 0.35), strict=True))
    assert float(cells["GFLOP a clip and step"]) == pytest.approx({"cpu": 2.4, "gpu64": 109}[name], rel=0.05)


@pytest.mark.slow
def test_the_gpu_check_can_be_rehearsed(clips, tmp_path):
    environment = {**os.environ, "OUT": str(tmp_path / "out"), "PYTHONPATH": str(BENCHMARKS.parent)}
    command = [sys.executable, str(BENCHMARKS / "gpu_check.py"), str(clips), "--rehearse"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert {
        "rows.jsonl",
        "log.txt",
        "samples-frame-0.png",
        "samples-frame-1000.png",
        "samples.mp4",
        "more.tar",
    } <= files
    assert len(files) <= 8
