import re
from base64 import b64decode

from tiny_run import tiny_config

from videogan.artifacts.metrics_file import append_metrics, read_metrics
from videogan.artifacts.runs import RunFolder
from videogan.training import report
from videogan.training.report import curves, write_report


def test_the_page_names_every_video_that_exists_and_draws_the_curves(tmp_path):
    run = RunFolder(tmp_path / "a <run>")
    run.make()
    for step in range(0, 30, 2):
        (run.previews / f"step-{step:08d}.mp4").touch()
    for name in ("reals.mp4", "step-final.mp4", "step-1.mp4", "step-00000004-copy.mp4"):
        (run.previews / name).touch()
    for step in (2, 4):
        append_metrics(run.metrics, {"step": step, "clips_seen": 8 * step, "seconds": 30.0, "frame_loss": 1.0 / step})
    with run.metrics.open("a") as file:
        file.write('{"step": 6, "cl')
    write_report(run, tiny_config())
    page = run.report.read_text()
    videos = re.findall(r"<video src='([^']+)'", page)
    assert len(videos) == 9
    assert all((run.path / video).exists() for video in videos)
    assert {"previews/step-00000000.mp4", "previews/step-00000028.mp4"} <= set(videos)
    assert "<polyline points='210.0,0.0 420.0,60.0'" in page
    assert f"Step 4 of {tiny_config().train.steps}" in page
    assert "http-equiv='refresh'" in page
    assert "a &lt;run&gt;" in page
    assert [row["step"] for row in read_metrics(run.metrics)] == [2, 4]


def test_a_run_that_has_ended_has_its_videos_inside_where_they_are_not_too_large(tmp_path, monkeypatch):
    run = RunFolder(tmp_path / "run")
    run.make()
    for name in ("reals", "step-00000000"):
        (run.previews / f"{name}.mp4").write_bytes(name.encode())
    write_report(run, tiny_config(), ended=True)
    sources = re.findall(r"<video src='data:video/mp4;base64,([^']+)'", run.report.read_text())
    assert [b64decode(source) for source in sources] == [b"reals", b"step-00000000"]
    assert "http-equiv" not in run.report.read_text()
    monkeypatch.setattr(report, "LARGEST_INSIDE", 10)
    write_report(run, tiny_config(), ended=True)
    assert "<video src='previews/reals.mp4'" in run.report.read_text()


def test_an_empty_run_has_a_page_too(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.make()
    write_report(run, tiny_config())
    assert "Step 0 of" in run.report.read_text()


def test_every_figure_is_drawn_once_and_no_discriminator_is_known_by_name():
    row = {
        "step": 2, "clips_seen": 16, "seconds": 1.0, "clips_per_second": 8.0, "third_loss": 1.0,
        "generator_third": -1.0, "generator_third_auxiliary": 1.0, "third_auxiliary": 1.0, "third_r1": 1.0,
        "third_penalty": 1.0,
        "third_wasserstein_distance": -2.0, "third_real_logit": 0.5, "third_centring": 0.0, "motion_cycle": 1.0,
        "feature_reconstruction": 1.0, "encoder_joint": 1.0, "tick_kernel_distance": 0.1, "surprise": 3.0,
    }  # fmt: skip
    drawn = {title: set(series) for title, series in curves([row, {**row, "surprise": float("nan")}])}
    assert drawn["Discriminators: adversarial losses"] == {"third_loss"}
    assert drawn["Generator: adversarial losses"] == {"generator_third"}
    assert drawn["Class terms"] == {"generator_third_auxiliary", "third_auxiliary"}
    assert drawn["Gradient penalties"] == {"third_r1", "third_penalty"}
    assert drawn["Mean logits"] == {"third_real_logit"}
    assert drawn["Other figures"] == {"surprise"}
    names = [name for series in drawn.values() for name in series]
    assert sorted(names) == sorted(set(row) - {"step", "clips_seen", "seconds"})


def test_a_curve_below_zero_stays_in_its_box(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.make()
    for step, value in ((1, -2.0), (2, 2.0)):
        append_metrics(run.metrics, {"step": step, "clips_seen": step, "seconds": 1.0, "x_wasserstein_distance": value})
    write_report(run, tiny_config())
    assert "<polyline points='210.0,120.0 420.0,0.0'" in run.report.read_text()
    assert "Wasserstein distance, -2 to 2" in run.report.read_text()
