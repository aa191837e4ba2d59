"""The report of a model and of a folder, its comparison, and evaluation while training."""

import json
import re
import shutil

import pytest

from videogan.artifacts.metrics_file import read_metrics
from videogan.artifacts.runs import RunFolder, list_checkpoints, verify

SMALL = ("--features", "pixels-16", "--clips", "12")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user-cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folders(videogan, clips, tmp_path):
    """Evaluate the clips against themselves, at two seeds of the generated side's stride."""
    for name, stride in (("one", 1), ("two", 2)):
        done = videogan(
            "evaluate", clips, "--generated", clips, *SMALL, "--frames", 8, "--generated-stride", stride, "--out", name
        )
        assert done.code == 0, done.err
    return tmp_path


def test_a_folder_against_itself(folders, videogan, clips):
    report = json.loads((folders / "one" / "report.json").read_text())
    assert report["protocol"]["real_clips"] == report["protocol"]["generated_clips"] == 12
    assert report["metrics"]["novelty_content"]["value"] == report["metrics"]["novelty_motion"]["value"] == 0
    assert report["metrics"]["motion_energy_ratio"]["value"] == pytest.approx(1)
    assert report["metrics"]["class_accuracy_mean"]["value"] is not None
    low, high = report["metrics"]["kernel_distance"]["interval"]
    assert low <= report["metrics"]["kernel_distance"]["value"] <= high
    assert {"features", "weights_hash", "features_resize", "num_frames", "frame_stride", "clip_choice", "seed"} <= set(
        report["protocol"]
    )
    assert any("needs 1537 of each set" in text for text in report["warnings"])
    references = report["references"]
    assert (
        references["the same clips replayed"]["copied_share"] == 1 and references["as they are"]["copied_share"] < 0.2
    )
    assert references["as they are"]["kernel_distance"] == report["metrics"]["kernel_distance"]["real_vs_real"]
    sharp = [references[f"blurred by {sigma} pixels"]["sharpness_ratio"] for sigma in ("0.5", "1", "2")]
    assert 1 > sharp[0] > sharp[1] > sharp[2]
    page = (folders / "one" / "report.html").read_text()
    assert all(name in page for name in references)
    sources = re.findall(r"<video src='([^']+)'", page)
    assert len(sources) == 3 and all((folders / "one" / source).stat().st_size for source in sources)
    again = videogan("evaluate", clips, "--generated", clips, *SMALL, "--frames", 8, "--out", "again", "--json")
    assert json.loads(again.out)["metrics"] == report["metrics"]
    fine = videogan("evaluate", "--compare", "one/report.json", "again")
    assert fine.code == 0 and "kernel_distance" in fine.out and "overlap" in fine.out


def test_another_protocol_is_not_compared(folders, videogan):
    refused = videogan("evaluate", "--compare", "one/report.json", "two/report.json")
    assert refused.code == 2
    assert "their protocols differ in generated_stride: 1 against 2" in refused.err
    assert not refused.out


def test_a_report_is_replaced_on_request_only_and_other_folders_never(folders, videogan, clips):
    arguments = ("evaluate", clips, "--generated", clips, *SMALL, "--metrics", "motion", "--out")
    before = (folders / "one" / "report.json").read_text()
    assert videogan(*arguments, "one").code == 2
    assert (folders / "one" / "report.json").read_text() == before
    assert videogan(*arguments, "one", "--yes").code == 0
    assert "kernel_distance" not in json.loads((folders / "one" / "report.json").read_text())["metrics"]
    (folders / "mine").mkdir()
    (folders / "mine" / "letter.txt").write_text("dear")
    assert videogan(*arguments, "mine", "--yes").code == 2
    assert (folders / "mine" / "letter.txt").read_text() == "dear"
    assert not list(folders.glob(".*.part"))


def test_pairs_of_one_name(videogan, clips):
    done = videogan("evaluate", clips, "--generated", clips, *SMALL, "--metrics", "paired", "--json")
    rows = json.loads(done.out)["metrics"]
    assert set(rows) == {"psnr", "ssim"} and rows["ssim"]["value"] == pytest.approx(1, abs=1e-4)


def test_mistakes_cost_a_line(videogan, clips, tmp_path):
    (tmp_path / "empty").mkdir()
    for arguments, code, words in (
        (("nowhere",), 2, "no such"),
        ((), 2, "REAL"),
        ((clips, "--generated", "nowhere"), 2, "no such"),
        ((clips, "--generated", "empty", *SMALL), 3, "no usable video"),
        ((clips, "--generated", clips, "--run", "x"), 2, "leave one out"),
        ((clips, "--generated", clips, "--features", "pixel-16"), 2, "did you mean 'pixels-16'"),
        ((clips, "--generated", clips, *SMALL, "--metrics", "movement"), 2, "no metric"),
        ((clips, "--generated", clips, *SMALL, "--clips", 10**9), 2, "clips 1000000000: must be from"),
        ((clips, "--generated", clips, *SMALL, "--size", 10**6), 2, "size 1000000: must be from"),
        ((clips, *SMALL, "--size", 32), 2, "the model makes videos of 64 pixels"),
        ((clips, "--generated", clips, *SMALL, "--lpips-file", __file__), 2, "--trust"),
        ((clips, "--generated", clips, *SMALL, "--out", "."), 2, "holds no report"),
        ((clips, "--run", "nowhere", *SMALL), 2, "no such run"),
        (("--compare", "a.json", "b.json"), 2, "no such report"),
    ):
        done = videogan("evaluate", *arguments)
        assert done.code == code, (arguments, done.err)
        assert words in done.err and done.err.count("\n") == 1 and not done.out
    assert not (tmp_path / "evaluation").exists()


def test_training_evaluates_and_keeps_the_best(videogan, clips, tiny, monkeypatch, tmp_path):
    judged = ("evaluate.every=2", "evaluate.clips=8", "evaluate.features=pixels-16", "train.keep=1")
    sets = [part for setting in judged for part in ("--set", setting)]
    done = videogan("train", clips, *tiny, *sets, "--steps", 6, "--run", "run")
    assert done.code == 0, done.err
    run = RunFolder(tmp_path / "run")
    rows = read_metrics(run.metrics)
    assert [row["step"] for row in rows if "tick_kernel_distance" in row] == [2, 4, 6]
    best = json.loads(run.status.read_text())["best"]
    assert best["tick_kernel_distance"] == min(row["tick_kernel_distance"] for row in rows)
    kept = {path.name for path in list_checkpoints(run.checkpoints)}
    assert kept == {f"step-{best['step']:08d}", "step-00000006"}
    assert all(verify(path) for path in list_checkpoints(run.checkpoints))

    monkeypatch.setattr("videogan.metrics.suite.LATE", 20)
    done = videogan("evaluate", clips, "--run", "run", *SMALL, "--out", "report")
    assert done.code == 0, done.err
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert {
        "kernel_distance_frames_0_8",
        "kernel_distance_frames_20_28",
        "kernel_distance_late_over_early",
        "motion_energy_ratio_frames_0_8",
        "motion_energy_ratio_frames_20_28",
        "long_drift",
    } <= set(report["metrics"])
    assert "class_accuracy_mean" in report["metrics"]
    shutil.rmtree(tmp_path / "report")
