"""Where figures and previews of a run go: metrics.jsonl, TensorBoard, or anything that has the same methods."""

import time
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from videogan.artifacts.metrics_file import Row, append_metrics, drop_metrics_after
from videogan.errors import UsageError, did_you_mean
from videogan.video import VideoReader, VideoWriter


class RunLogger(Protocol):
    """Takes what a run has to show."""

    def begin(self, step: int) -> None:
        """Training goes on from a step: what was taken of later ones is void."""

    def figures(self, row: Row) -> None:
        """Take the figures of a tick; ``row["step"]`` says which."""

    def video(self, step: int, name: str, path: Path) -> None:
        """Take a preview, an MP4 that stays where it is; ``name`` is ``reals`` or ``samples``."""

    def end(self) -> None:
        """Training has ended."""


class MetricsFile:
    """metrics.jsonl: one line for each tick."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, step: int) -> None:
        """Drop the rows of later steps."""
        drop_metrics_after(self._path, step)

    def figures(self, row: Row) -> None:
        """Add a line."""
        append_metrics(self._path, row)

    def video(self, step: int, name: str, path: Path) -> None:
        """Previews lie in a folder of their own."""

    def end(self) -> None:
        """Every line is on the disk already."""


class TensorBoard:
    """Event files in a folder: figures as scalars, previews as pictures that move.

    The previews are GIFs in image summaries, which TensorBoard's page plays. The ``add_video`` of torch's writer makes
    the same of them by moviepy, and without it drops them silently.
    """

    def __init__(self, folder: Path) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._writer = EventFileWriter(str(folder), flush_secs=20)

    def begin(self, step: int) -> None:
        """Let the page forget what comes after a step."""
        from tensorboard.compat.proto.event_pb2 import SessionLog

        self._write(step + 1, session_log=SessionLog(status=SessionLog.START))

    def figures(self, row: Row) -> None:
        """Add a scalar for every figure but the step itself."""
        values = {name: {"simple_value": value} for name, value in row.items() if name != "step"}
        self._summary(int(row["step"]), values)

    def video(self, step: int, name: str, path: Path) -> None:
        """Add a preview, once for each step."""
        with VideoReader(path) as reader, TemporaryDirectory() as folder:
            gif = Path(folder) / "preview.gif"
            with VideoWriter(gif, frame_rate=reader.frame_rate) as writer:
                for frame in reader.frames():
                    writer.write(frame)
            height, width = reader.size
            picture = {"height": height, "width": width, "colorspace": 3}
            self._summary(step, {name: {"image": {**picture, "encoded_image_string": gif.read_bytes()}}})
        self._writer.flush()

    def end(self) -> None:
        """Write what is not yet on the disk."""
        self._writer.close()

    def _summary(self, step: int, values: Mapping[str, Mapping[str, Any]]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        tagged = [{"tag": tag, **value} for tag, value in values.items()]
        self._write(step, summary=Summary(value=tagged))

    def _write(self, step: int, **content: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.add_event(Event(wall_time=time.time(), step=step, **content))


LOGGERS = {"tensorboard": TensorBoard}
"""By name, those that write into a folder of their own in the run's."""


def check_loggers(loggers: Iterable[str | RunLogger]) -> None:
    """Raise UsageError where a logger is named that is not there, or needs what is not installed."""
    for name in loggers:
        if isinstance(name, str) and name not in LOGGERS:
            raise UsageError(f"there is no logger {name!r}{did_you_mean(name, LOGGERS)}; there is {', '.join(LOGGERS)}")
        if isinstance(name, str) and find_spec(name) is None:
            raise UsageError(f"{name} is not installed here: pip install 'videogan[{name}]'")


def open_logger(logger: str | RunLogger, run: Path) -> RunLogger:
    """Return a logger, one that is named with its files in a folder of its name in the run's folder."""
    return LOGGERS[logger](run / logger) if isinstance(logger, str) else logger
