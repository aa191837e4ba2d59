import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from videogan.artifacts.metrics_file import read_metrics
from videogan.errors import UsageError
from videogan.training.loggers import MetricsFile, TensorBoard, check_loggers, open_logger
from videogan.video import VideoWriter


def film(path: Path) -> Path:
    with VideoWriter(path, frame_rate=10) as writer:
        writer.write(np.random.default_rng(0).integers(0, 255, (6, 16, 24, 3), np.uint8))
    return path


def test_tensorboard_reads_back_figures_and_previews_that_move(tmp_path):
    logger = open_logger("tensorboard", tmp_path)
    logger.begin(0)
    logger.video(0, "reals", film(tmp_path / "reals.mp4"))
    for step in (10, 20):
        logger.figures({"step": step, "loss": 1 / step})
        logger.video(step, "samples", film(tmp_path / f"{step}.mp4"))
    logger.end()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [
        (10, pytest.approx(0.1)),
        (20, pytest.approx(0.05)),
    ]
    assert {tag: [event.step for event in events.Images(tag)] for tag in events.Tags()["images"]} == {
        "reals": [0],
        "samples": [10, 20],
    }
    picture = events.Images("samples")[0]
    with Image.open(io.BytesIO(picture.encoded_image_string)) as gif:
        assert (
            (gif.format, gif.n_frames, gif.size) == ("GIF", 6, (24, 16)) == ("GIF", 6, (picture.width, picture.height))
        )
        assert gif.info["duration"] == 100


def test_going_back_voids_what_came_after(tmp_path):
    for logger in (TensorBoard(tmp_path), MetricsFile(tmp_path / "metrics.jsonl")):
        for step in (10, 20):
            logger.figures({"step": step, "loss": 1.0})
        logger.begin(10)
        logger.figures({"step": 30, "loss": 2.0})
        logger.end()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == [10, 30]
    assert [row["step"] for row in read_metrics(tmp_path / "metrics.jsonl")] == [10, 30]


def test_a_logger_that_is_not_there_is_told_at_once():
    with pytest.raises(UsageError, match="there is no logger 'tensorbord' \\(did you mean 'tensorboard'\\?\\)"):
        check_loggers(["tensorbord"])


def test_what_is_not_installed_is_told_with_the_way_to_it(monkeypatch):
    monkeypatch.setattr("videogan.training.loggers.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'videogan\[tensorboard\]'"):
        check_loggers(["tensorboard"])
