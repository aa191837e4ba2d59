"""What a tick of training leaves behind: a line of log, a row of metrics, a checkpoint, a preview, a status, a page."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from itertools import chain

import torch
from torch import Tensor

from videogan.artifacts.checkpoints import save_checkpoint
from videogan.artifacts.metrics_file import QUALITY, Row, best_step, read_metrics
from videogan.artifacts.runs import RunFolder
from videogan.data.loader import ClipLoader
from videogan.device import memory_gib
from videogan.files import write_json
from videogan.generation.sampling import stream
from videogan.generation.video_stream import VideoStream
from videogan.training.collapse import CollapseWatch, spread, still_clips
from videogan.training.factors import Factors
from videogan.training.log import duration, in_words
from videogan.training.loggers import MetricsFile, RunLogger
from videogan.training.quality import Quality
from videogan.training.report import write_report
from videogan.training.state import TrainingState
from videogan.video import to_float

PREVIEW_VIDEOS = 16
PREVIEW_ROWS = 4
PREVIEW_CLIPS = 3
"""A preview is so many training clips long, which shows what comes after the frames that training looks at."""

FIRST_PREVIEW = 30.0
"""Seconds of training before the first preview between two ticks; the next come after twice that, and so on."""

_log = logging.getLogger(__name__)


class Recorder:
    """Writes the run folder while a run trains.

    Args:
        run: the folder.
        loader: where the real clips of previews and evaluation come from.
        device: where the networks are.
        on_tick: called with every row of metrics.
        loggers: take the figures and the previews, besides metrics.jsonl and the folder of previews.
        minutes: after how many minutes of training the run ends, if not by its steps.
    """

    def __init__(
        self,
        run: RunFolder,
        loader: ClipLoader,
        device: torch.device,
        on_tick: Callable[[Row], None] | None = None,
        loggers: Sequence[RunLogger] = (),
        minutes: float | None = None,
    ) -> None:
        self._run, self._loader, self._device, self._on_tick = run, loader, device, on_tick
        self._minutes = minutes
        self._loggers: Sequence[RunLogger] = [MetricsFile(run.metrics), *loggers]
        self._quality: Quality | None = None
        self._factors: Factors | None = None
        self._watch = CollapseWatch(0.0)
        self._last_step = 0
        self._next_preview = FIRST_PREVIEW

    def begin(self, state: TrainingState) -> None:
        """Make the folder agree with the state that training begins from."""
        self._run.remove_abandoned()
        self.go_back(state)
        self._factors = Factors(self._loader)
        if state.config.evaluate.every:
            self._quality = Quality(state.config.evaluate, self._loader, self._device)
        clips, labels = self._real_clips()
        self._watch = CollapseWatch(spread(clips[:, 0], labels))
        concern = still_clips(clips)
        if concern:
            _log.warning("%s", concern)
        if state.step == 0:
            self._write_preview(VideoStream.of_clips(clips, self.frame_rate), "reals.mp4", 0)
            self._preview(state)

    def go_back(self, state: TrainingState) -> None:
        """Forget the figures that lie beyond the state."""
        self._last_step = state.step
        for logger in self._loggers:
            logger.begin(state.step)

    def record(self, state: TrainingState, row: Mapping[str, float | int], *, last: bool) -> None:
        """Record a tick.

        Raises:
            OSError: the folder cannot be written any more.
        """
        row = {**row, "memory_gib": memory_gib(self._device)}
        position = f"step {state.step}/{state.config.train.steps}  {duration(state.seconds)}"
        _log.info("%s  %s  %.1f GiB", position, in_words(row), row["memory_gib"])
        if self._factors is not None:
            row |= self._measured_factors(self._factors, state)
        if self._quality is not None and (last or self._quality.due(self._last_step, state.step)):
            figures = self._quality.row(state.networks.ema_generator)
            _log.info("%s", "  ".join(f"{name} {value:.4g}" for name, value in figures.items()))
            row |= figures
        self._last_step = state.step
        for logger in self._loggers:
            logger.figures(row)
        self._save(state)
        self._preview(state)
        write_report(self._run, state.config)
        if self._on_tick is not None:
            self._on_tick(row)

    def _measured_factors(self, factors: Factors, state: TrainingState) -> dict[str, float]:
        """Log what samples differ by, and a warning where something stops to matter.

        Where memory suffices for training alone, training goes on without.
        """
        try:
            figures = factors.row(state.networks.ema_generator)
        except torch.OutOfMemoryError:
            _log.warning("what samples differ by is not measured at this tick: memory does not suffice for that too")
            return {}
        _log.info("%s", "  ".join(f"{name} {value:.3g}" for name, value in figures.items()))
        for warning in factors.warnings(figures):
            _log.warning("%s", warning)
        return figures

    def show_in_time(self, state: TrainingState) -> None:
        """Show between two ticks what is learnt, early and then ever more rarely.

        Raises:
            OSError: the folder cannot be written any more.
        """
        if state.seconds >= self._next_preview:
            self._preview(state)
            write_report(self._run, state.config)

    def end(self, state: TrainingState, status: str) -> None:
        """Write how training ended: finished, interrupted or diverged."""
        self._write_status(state, status)
        write_report(self._run, state.config, ended=True)
        for logger in self._loggers:
            logger.end()

    @property
    def frame_rate(self) -> Fraction:
        """Frames per second of the training clips, after their stride."""
        return self._loader.cache.frame_rate / self._loader.data.frame_stride

    def _save(self, state: TrainingState) -> None:
        weights = state.weights(self._loader.cache.class_names, self.frame_rate)
        best = best_step(read_metrics(self._run.metrics))
        keep = state.config.train.keep
        save_checkpoint(self._run.checkpoints, weights, state.state_dict(), keep=keep, best=best[0] if best else None)
        self._write_status(state, "training")

    def _write_status(self, state: TrainingState, status: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        progress = {"step": state.step, "steps": state.config.train.steps, "seconds": round(state.seconds, 1)}
        limit = {} if self._minutes is None else {"minutes": self._minutes}
        best = best_step(read_metrics(self._run.metrics))
        of_best = {"best": {"step": best[0], QUALITY: best[1]}} if best else {}
        write_json(self._run.status, {"status": status, **progress, **limit, **of_best, "updated": now})

    def _preview(self, state: TrainingState) -> None:
        """Show the videos of the first seeds, classes in turn, by the averaged generator."""
        while self._next_preview <= state.seconds:
            self._next_preview *= 2
        num_classes = len(self._loader.cache.class_names)
        labels = torch.arange(PREVIEW_VIDEOS, device=self._device) % num_classes if num_classes else None
        chunks = stream(state.networks.ema_generator, range(PREVIEW_VIDEOS), labels)
        first = next(chunks)
        concern = self._watch.look(spread(first[:, 0].cpu(), labels), state.clips_seen)
        if concern:
            _log.warning("%s", concern)
        size = (first.shape[-2], first.shape[-1])
        samples = VideoStream(lambda: chain([first], chunks), size, self.frame_rate, None, PREVIEW_VIDEOS)
        self._write_preview(
            samples.take(PREVIEW_CLIPS * state.config.data.num_frames), f"step-{state.step:08d}.mp4", state.step
        )

    def _real_clips(self) -> tuple[Tensor, Tensor | None]:
        """Return the first clips of training (b t c h w) in [-1, 1], with their labels (b) if they have classes."""
        batches = [self._loader.batch(step) for step in range(-(-PREVIEW_VIDEOS // self._loader.batch_size))]
        clips = torch.cat([to_float(batch.frames) for batch in batches])[:PREVIEW_VIDEOS]
        labels = [batch.labels for batch in batches if batch.labels is not None]
        return clips, torch.cat(labels)[:PREVIEW_VIDEOS] if labels else None

    def _write_preview(self, videos: VideoStream, name: str, step: int) -> None:
        path = self._run.previews / name
        videos.grid(PREVIEW_ROWS).scaled().write([path], overwrite=True)
        for logger in self._loggers:
            logger.video(step, "samples" if name.startswith("step") else "reals", path)
