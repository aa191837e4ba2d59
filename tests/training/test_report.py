import re

from tiny_run import tiny_config

from videogan.artifacts.runs import RunFolder
from videogan.training.log import append_metrics, read_metrics
from videogan.training.report import write_report


def test_the_page_names_every_video_that_exists_and_draws_the_curves(tmp_path):
    run = RunFolder(tmp_path / "a <run>")
    run.make()
    for step in range(0, 30, 2):
        (run.previews / f"step-{step:08d}.mp4").touch()
    (run.previews / "reals.mp4").touch()
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
    assert "Step 4 of 6000" in page
    assert "a &lt;run&gt;" in page
    assert [row["step"] for row in read_metrics(run.metrics)] == [2, 4]


def test_an_empty_run_has_a_page_too(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.make()
    write_report(run, tiny_config())
    assert "Step 0 of" in run.report.read_text()
