"""What the studio tells of runs."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from videogan.artifacts.metrics_file import append_metrics
from videogan.artifacts.runs import RunFolder
from videogan.files import read_json, write_json
from videogan.studio import watching
from videogan.video import VideoWriter


def grid(path: Path, *, variety: float = 60, sharp: bool = True, motion: int = 2) -> Path:
    """Sixteen videos of 16 x 16 pixels: one pattern of random brightness each, which moves."""
    random = np.random.default_rng(0)
    frames, shared = np.zeros((9, 64, 64, 3), np.uint8), random.random((16, 16))
    for row in range(4):
        for column in range(4):
            pattern = 128 + 60 * (shared - 0.5) + variety * 2 * (random.random((16, 16)) - 0.5)
            if not sharp:
                pattern = sum(np.roll(pattern, shift, axis) for axis in (0, 1) for shift in range(5)) / 10
            for number in range(9):
                cell = np.roll(pattern, number * motion, axis=1).clip(0, 255)
                frames[number, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16] = cell[..., None]
    with VideoWriter(path, frame_rate=25, crf=5) as writer:
        writer.write(frames)
    return path


@pytest.fixture
def run(tmp_path) -> RunFolder:
    run = RunFolder(tmp_path / "runs" / "00000-clips")
    run.make()
    write_json(run.config, {})
    write_json(run.status, {"status": "training", "step": 25, "steps": 100, "seconds": 50.0})
    append_metrics(run.metrics, {"step": 25, "clips_seen": 200, "seconds": 50.0, "frame_loss": 1.0})
    return run


def test_a_run_that_trains_tells_the_time_that_is_left(run):
    assert watching.summary(run)["left"] == pytest.approx(150)
    long_ago = time.time() - 2 * watching.ALIVE_SECONDS
    os.utime(run.metrics, (long_ago, long_ago))
    stopped = watching.summary(run)
    assert (stopped["state"], stopped["left"]) == ("stopped without a word", None)


def test_minutes_end_a_run_before_its_steps_do(run):
    status = read_json(run.status)
    for minutes, left in ((2, 2 * 60 - status["seconds"]), (1000, watching.summary(run)["left"]), (0.1, 0)):
        write_json(run.status, status | {"minutes": minutes})
        assert watching.summary(run)["left"] == pytest.approx(left)


@pytest.mark.parametrize("content", ["", "[]", '{"status": 3, "step": "x", "steps": -1, "seconds": null}'])
def test_a_damaged_status_is_no_reason_to_fail(run, content):
    run.status.write_text(content)
    assert watching.summary(run)["left"] is None
    assert watching.report(run)["curves"]


def test_curves_are_thinned_and_keep_their_ends(run, monkeypatch):
    monkeypatch.setattr(watching, "MOST_POINTS", 10)
    for step in range(26, 126):
        append_metrics(run.metrics, {"step": step, "clips_seen": 1, "seconds": 1.0, "frame_loss": step / 1000})
    (curve,) = watching.report(run)["curves"]
    steps, values = curve["series"]["frame_loss"]
    assert (len(steps), steps[0], steps[-1], values[-1]) == (10, 25, 125, 0.125)


def test_only_previews_of_the_run_are_named_and_in_their_order(run, client, tmp_path):
    for name in ("step-00000020", "step-00000010", "step-100000000", "reals", "step-1", "other", "step-00000020-copy"):
        grid(run.previews / f"{name}.mp4")
    (run.previews / "step-00000030.mp4").mkdir()
    steps = ["step-00000010", "step-00000020", "step-100000000"]
    assert [name for name in watching.previews(run) if name != "reals"] == steps
    assert client.get("/api/runs").json()[0]["name"] == "00000-clips"
    report = client.get("/api/runs/00000-clips").json()
    assert (report["previews"], report["reals"]) == (steps, True)
    assert client.get("/api/runs/00000-clips/reals.mp4").content == (run.previews / "reals.mp4").read_bytes()
    for path in ("00000-clips/other", "00000-clips/..%2f..%2fstatus", "..%2f/reals", "nowhere/reals", "%2e%2e/reals"):
        assert client.get(f"/api/runs/{path}.mp4").status_code == 404, path
    assert client.get("/api/runs/..%2f00000-clips").status_code == 404


def test_samples_are_judged_in_plain_words(tmp_path):
    real = grid(tmp_path / "reals.mp4")

    def words(name: str, **looks) -> dict[str, tuple[str, bool]]:
        verdict = watching.verdict(real, grid(tmp_path / f"{name}.mp4", **looks))
        return {line["name"]: (line["words"], line["well"]) for line in verdict}

    alike = ("like real clips", True)
    assert words("same") == {"variety": alike, "sharpness": alike, "motion": alike}
    assert words("collapsed", variety=0)["variety"][0].startswith("the videos resemble each other")
    assert words("blurred", sharp=False)["sharpness"][0].startswith("blurred")
    assert words("still", motion=0)["motion"] == ("hardly anything moves", False)


def test_previews_that_cannot_be_read_are_not_judged(tmp_path):
    (tmp_path / "a.mp4").write_text("no video")
    assert watching.verdict(tmp_path / "a.mp4", tmp_path / "b.mp4") == []
