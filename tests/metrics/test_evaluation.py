"""Evaluation as a function: what it refuses before the work, and what it leaves of a folder that is not its own."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_run import tiny_config

from videogan.artifacts.checkpoint_files import WEIGHTS
from videogan.artifacts.weights import Card, Weights
from videogan.errors import CheckpointError, DataError, UsageError
from videogan.metrics import Report, compare, evaluate, read_report
from videogan.metrics.report_folder import FILES
from videogan.models.build import build_encoder, build_generator
from videogan.video import VideoWriter


class Model:
    """Networks as they are at first, which is all that an evaluation asks of them."""

    def __init__(self, path, *settings):
        config = tiny_config(*settings)
        self.card = Card(config, (), Fraction(12), step=0, clips_seen=0)
        weights = Weights(build_generator(config, 0).eval(), build_encoder(config), self.card)
        self.generator, self.path = weights.generator, path


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user-cache"))


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    root, noise = tmp_path_factory.mktemp("videos"), np.random.default_rng(0)
    for number in range(6):
        with VideoWriter(root / f"{number}.mp4", frame_rate=Fraction(12)) as writer:
            writer.write(noise.integers(0, 255, (10, 32, 32, 3), np.uint8))
    return root


def folders(videos, **changes):
    options = {"generated": videos, "features": "pixels-16", "clips": 6, "num_frames": 4, "metrics": ["motion"]}
    return evaluate(videos, **{**options, **changes})


def test_a_report_is_returned_saved_read_and_compared(videos, tmp_path):
    told = []
    report = folders(videos, out=tmp_path / "one", progress=lambda *what: told.append(what))
    assert isinstance(report, Report) and read_report(tmp_path / "one") == report
    assert report.metrics["motion_energy_ratio"].value == pytest.approx(1)
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(FILES)
    assert compare(tmp_path / "one", tmp_path / "one").metrics.keys() == report.metrics.keys()
    assert {task for task, _, _ in told} >= {"measuring real clips", "measuring generated clips"}
    assert folders(videos).metrics == report.metrics  # without a folder, nothing is written


def test_a_model_is_measured_at_its_own_size(videos, tmp_path):
    model = Model(tmp_path / "run" / WEIGHTS)
    report = evaluate(videos, model=model, features="pixels-16", clips=3, metrics=["kernel"], out=tmp_path / "out")
    assert report.protocol["size"] == 32 and report.generated.endswith("run (step 0)")
    model.path = Path("mine.safetensors")
    report = evaluate(videos, model=model, features="pixels-16", clips=3, metrics=["kernel"])
    assert report.generated == "mine.safetensors (step 0)"
    with pytest.raises(UsageError, match=r"size 16: the model makes videos of 32 pixels"):
        evaluate(videos, model=model, features="pixels-16", size=16)
    torch.nn.init.constant_(next(model.generator.parameters()), float("nan"))
    with pytest.raises(CheckpointError, match="not finite"):
        evaluate(videos, model=model, features="pixels-16", clips=3, metrics=["kernel"])


def test_features_that_a_model_was_trained_by_are_said_to_flatter_it(videos, tmp_path):
    options = {"clips": 2, "num_frames": 4, "metrics": ["motion"], "references": False}
    lite0, lite2 = "efficientnet-lite0", "efficientnet-lite2"
    for weight, features in ((1, lite0), (0, lite0), (1, lite2), (1, "pixels-16")):
        model = Model(tmp_path / "run" / WEIGHTS, f"projected_discriminator.weight={weight}")
        report = evaluate(videos, model=model, features=features, **options)
        flattered = [text for text in report.warnings if "was trained to please efficientnet-lite0" in text]
        assert len(flattered) == (weight == 1 and features == lite0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"clips": 10**9}, "clips 1000000000: must be from 2 to 16384"),
        ({"clips": 1}, "clips 1"),
        ({"seed": 10**1000}, "seed"),
        ({"seed": -1}, "seed -1"),
        ({"size": 10**6}, "size 1000000"),
        ({"size": 4096, "num_frames": 60}, "more than 1 GiB"),
        ({"num_frames": 10**9}, "num_frames"),
        ({"generated_stride": 0}, "generated_stride 0"),
        ({"generated": None}, "either a model or a folder"),
        ({"metrics": ["kernal"]}, "did you mean 'kernel'"),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(videos, changes, words):
    def nothing_yet(task, done, total):
        assert "measuring" not in task

    with pytest.raises(UsageError, match=words):
        folders(videos, progress=nothing_yet, **changes)


def test_pairs_without_a_common_name_are_told_before_the_work(videos, tmp_path):
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "x.mp4").write_bytes((videos / "0.mp4").read_bytes())
    with pytest.raises(DataError, match="no generated video has the name"):
        folders(videos, generated=tmp_path / "others", metrics=["paired"])


@pytest.mark.parametrize("content", ["", "{}", '{"version": 1, "protocol": {}, "metrics": {}}'])
def test_a_folder_with_any_report_json_is_not_ours(videos, tmp_path, content):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "report.json").write_text(content)
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="holds no report"):
        folders(videos, out=tmp_path / "mine", overwrite=True)
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"
    assert (tmp_path / "mine" / "report.json").read_text() == content


def test_what_a_user_put_beside_a_report_is_kept(videos, tmp_path):
    out = tmp_path / "out"
    folders(videos, out=out)
    with pytest.raises(UsageError, match="exists already"):
        folders(videos, out=out)
    folders(videos, out=out, overwrite=True, seed=1)
    assert json.loads((out / "report.json").read_text())["protocol"]["seed"] == 1
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / "notes\x1b.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds notes\\x1b\.txt, which is not of a report"):
        folders(videos, out=out, overwrite=True)
    (out / "notes\x1b.txt").unlink()
    (out / "real.mp4").rename(tmp_path / "kept.mp4")
    (out / "real.mp4").symlink_to(tmp_path / "kept.mp4")
    with pytest.raises(UsageError, match=r"holds real\.mp4"):
        folders(videos, out=out, overwrite=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_a_report_that_no_folder_can_hold_is_refused_before_the_work(videos, tmp_path, name):
    told = []
    with pytest.raises(UsageError, match="cannot be made"):
        folders(videos, out=tmp_path / name, progress=lambda *what: told.append(what))
    assert not told


def test_a_folder_that_only_seems_writable_is_refused_before_the_work(videos):
    told = []
    with pytest.raises(UsageError, match="cannot be written below /proc"):
        folders(videos, out=Path("/proc/report"), progress=lambda *what: told.append(what))
    assert not told
