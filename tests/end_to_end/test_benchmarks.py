"""Benchmarks run too seldom to notice when a setting's name changes or a set is split wrongly; these tests do."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

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


def test_the_classifier_of_clips_learns_what_moves_which_way(benchmark):
    running, classifier = benchmark("running"), benchmark("clip_classifier")
    draw = torch.Generator().manual_seed(0)

    def bars(count):
        clips = torch.full((count, 8, 3, 16, 16), -1.0) + 0.1 * torch.rand(count, 8, 3, 16, 16, generator=draw)
        for clip, start in zip(clips, torch.randint(5, 10, (count,), generator=draw).tolist(), strict=True):
            for time, frame in enumerate(clip):
                frame[..., start - 4 + time] = 1
        clips[count // 2 :] = clips[count // 2 :].flip(1)
        return running.Clips(clips, ["right"] * (count // 2) + ["left"] * (count - count // 2))

    network = classifier.fit(bars(64), device=torch.device("cpu"), steps=60)
    accuracies = classifier.accuracies(network, bars(32))
    assert set(accuracies) == {"left", "right", "mean"}
    assert accuracies["mean"] > 0.9
    swapped = bars(32)
    assert classifier.accuracies(network, swapped._replace(names=swapped.names[::-1]))["mean"] < 0.1


OPERATIONS = 2_712
"""Of the updates of a step of the default preset on a GPU; a change that adds some should say why they are needed."""


def test_a_step_starts_as_many_operations_as_it_did_and_reads_none(benchmark):
    operations = benchmark("operations")
    counts = operations.count("gpu64", []).counts
    updates = {key: number for key, number in counts.items() if key[0] != "before the updates"}
    assert not any(kind == operations.READ for _, kind in updates)
    assert sum(updates.values()) == pytest.approx(OPERATIONS, rel=0.1)


@pytest.mark.parametrize("name", ["cpu", "gpu64"])
def test_what_a_preset_costs_is_counted(benchmark, name):
    presets = benchmark("presets")
    with presets.FakeTensorMode(allow_non_fake_inputs=True):
        cells = dict(zip(presets.COLUMNS, presets.row(name, 713, 0.35), strict=True))
    assert float(cells["GFLOP a clip and step"]) == pytest.approx({"cpu": 2.4, "gpu64": 113}[name], rel=0.05)


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
