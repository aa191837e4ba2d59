"""The training loop: steps, and at every tick a row of metrics, a preview and a checkpoint."""

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction

import torch
from torch import Tensor

from videogan.checkpoint import save_checkpoint
from videogan.config import Config
from videogan.data.loader import ClipBatch, ClipLoader
from videogan.data.transforms import random_mirror, to_model
from videogan.device import memory_gib
from videogan.errors import DivergedError, UsageError, VideoganError
from videogan.runs import RunFolder, write_json
from videogan.signals import StopWish, stop_wish
from videogan.training.distributed import Place, in_any
from videogan.training.draws import draw_step
from videogan.training.ema import ema_weight, update_ema
from videogan.training.log import (
    ProgressLine,
    Stopwatch,
    Tick,
    append_metrics,
    drop_metrics_after,
    duration,
    read_metrics,
)
from videogan.training.preview import COLUMNS, ROWS, write_grid, write_samples
from videogan.training.quality import Quality, best_step
from videogan.training.report import write_report
from videogan.training.schedule import learning_rate, set_learning_rate
from videogan.training.state import TrainingState
from videogan.training.step import train_step

_log = logging.getLogger(__name__)

PREVIEW_CLIPS = 3
"""Length of a preview in training clips: longer than one, so that a preview shows what streaming does."""
LOOK_EVERY = 10
"""Steps between looks at the losses: are they finite, and what are they; each look waits for the device."""


@dataclass
class Trainer:
    """One session of a run: a state, where its clips come from, and where its results go.

    ``minutes`` limits the time spent training in all sessions together; None for no limit. Of several processes, the
    one at the first ``place`` writes.
    """

    config: Config
    state: TrainingState
    loader: ClipLoader
    run: RunFolder
    device: torch.device
    minutes: float | None = None
    place: Place = field(default_factory=Place)
    _quality: Quality | None = field(default=None, init=False)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of their labels."""
        return self.loader.cache.class_names

    @property
    def frame_rate(self) -> Fraction:
        """Frames per second of the training clips, after their stride."""
        return self.loader.cache.frame_rate / self.config.data.frame_stride

    def train(self) -> None:
        """Train to the end of the run.

        Raises:
            Interrupted: by Ctrl-C or SIGTERM, after saving.
            DivergedError: a loss is not finite; the last checkpoint is from before that.
        """
        if self._finished():
            _log.info("step %d of %d already; --steps trains it further", self.state.step, self.config.train.steps)
            return
        if self.place.first:
            self._quality = Quality(self.config, self.loader, self.device) if self.config.evaluate.every else None
            drop_metrics_after(self.run.metrics, self.state.step)
            if self.state.step == 0:
                self._preview_reals()
                self._preview()
        clock, before = Stopwatch(), self.state.seconds
        with (
            stop_wish() as wish,
            ProgressLine() as progress,
            closing(self.loader.batches(self.state.step, self.device)) as batches,
        ):
            self._train(batches, wish, progress, clock, before)

    def _train(
        self, batches: Iterator[ClipBatch], wish: StopWish, progress: ProgressLine, clock: Stopwatch, before: float
    ) -> None:
        tick, stops = Tick(self.state.step), False
        while not stops:
            with tick.waiting():
                batch = next(batches)
            tick.losses.add(self._step(batch))
            self.state.seconds = before + clock.seconds()
            stops = self._stops(wish)
            ends = self.state.step % self.config.train.tick_steps == 0 or stops
            if ends or self.state.step % LOOK_EVERY == 0:
                if not tick.losses.finite():
                    self._diverged()
                progress.show(self._done(), self._news(tick))
            if ends:
                self._end(tick)
                tick = Tick(self.state.step)
        self._write_status("interrupted" if wish else "finished")
        if wish:
            wish.raise_as(f"stopped at step {self.state.step}, saved; the same command goes on from there")

    def _stops(self, wish: StopWish) -> bool:
        """Tell whether this was the last step; several processes agree, and look only now and then.

        A signal that reaches one of them stops all.
        """
        if self.place.world_size == 1:
            return self._finished() or bool(wish)
        if self.state.step % LOOK_EVERY and self.state.step < self.config.train.steps:
            return False
        wish.signal_number = in_any(wish.signal_number, self.device)
        return bool(in_any(int(self._finished()), self.device)) or bool(wish)

    def _end(self, tick: Tick) -> None:
        """Record a tick: a line of log, a row of metrics, a checkpoint, a preview, the page."""
        if not self.place.first:
            return
        _log.info("%s  %s", self._position(), self._news(tick))
        try:
            append_metrics(self.run.metrics, {**self._row(tick), **self._judge(tick)})
            self._save()
            self._preview()
            write_report(self.run, self.config)
        except OSError as error:
            if isinstance(error, VideoganError):
                raise
            raise UsageError(
                f"{self.run.path}: cannot be written any more ({error.strerror}); make room, and the same command goes "
                "on from the newest checkpoint"
            ) from None

    def _step(self, batch: ClipBatch) -> dict[str, Tensor]:
        config, state = self.config, self.state
        real = to_model(batch.frames)
        if config.data.mirror:
            first = self.place.rank * len(real)
            real = random_mirror(real, seed=config.train.seed, step=state.step, first=first)
        for optimizer in state.optimizers:
            set_learning_rate(optimizer, learning_rate(config.optimizer, state.step))
        draws = draw_step(
            config,
            state.networks.generator,
            batch.labels,
            step=state.step,
            device=self.device,
            rank=self.place.rank,
        )
        losses = train_step(state.networks, state.optimizers, real, batch.labels, draws, config)
        state.step += 1
        clips = len(real) * self.place.world_size
        state.clips_seen += clips
        weight = ema_weight(clips, state.clips_seen, half_life=config.train.ema_half_life, ramp=config.train.ema_ramp)
        update_ema(state.networks.ema_generator, state.networks.generator, weight)
        return losses

    def _clips_per_step(self) -> int:
        return self.config.train.batch_size * self.place.world_size

    def _done(self) -> float:
        """Return the share of the run that is done: by steps or by time, whichever ends it first."""
        by_time = 0.0 if self.minutes is None else self.state.seconds / (self.minutes * 60)
        return max(self.state.step / self.config.train.steps, by_time)

    def _finished(self) -> bool:
        return self._done() >= 1

    def _position(self) -> str:
        seconds, done = self.state.seconds, min(1.0, self._done())
        left = duration(seconds * (1 - done) / done)
        return f"step {self.state.step}/{self.config.train.steps}  {duration(seconds)} (left {left})"

    def _news(self, tick: Tick) -> str:
        losses = tick.losses.means()
        of_generator = sum(value for name, value in losses.items() if name.startswith("generator_"))
        of_discriminators = losses["frame_loss"] + losses["clip_loss"]
        reconstruction = f"reconstruction {losses['reconstruction']:.3f}  " if "reconstruction" in losses else ""
        return (
            f"{tick.steps_per_second(self.state.step) * self._clips_per_step():.1f} clips/s  "
            f"generator {of_generator:.3f}  discriminators {of_discriminators:.3f}  {reconstruction}"
            f"{memory_gib(self.device):.1f} GiB"
        )

    def _row(self, tick: Tick) -> dict[str, float | int]:
        state = self.state
        return {
            "step": state.step,
            "clips_seen": state.clips_seen,
            "seconds": state.seconds,
            "clips_per_second": tick.steps_per_second(state.step) * self._clips_per_step(),
            "data_wait": tick.waited_share(),
            "memory_gib": memory_gib(self.device),
            **tick.losses.means(),
        }

    def _judge(self, tick: Tick) -> dict[str, float]:
        """Evaluate if it is due, or at the end of the run."""
        if self._quality is None or not (self._quality.due(tick.first_step, self.state.step) or self._finished()):
            return {}
        found = self._quality.row(self.state.networks.ema_generator)
        _log.info("%s", "  ".join(f"{name} {value:.4g}" for name, value in found.items()))
        return found

    def _save(self) -> None:
        weights = self.state.weights(self.config, self.class_names, self.frame_rate)
        best = best_step(read_metrics(self.run.metrics))
        state, keep = self.state.state_dict(), self.config.train.keep
        save_checkpoint(self.run.checkpoints, weights, state, keep=keep, best=best[0] if best else None)
        self._write_status("training")

    def _write_status(self, status: str) -> None:
        if not self.place.first:
            return
        now = datetime.now(UTC).isoformat(timespec="seconds")
        progress = {"step": self.state.step, "steps": self.config.train.steps, "seconds": round(self.state.seconds, 1)}
        best = best_step(read_metrics(self.run.metrics))
        noted = {"best": {"step": best[0], "kernel_distance": best[1]}} if best else {}
        write_json(self.run.status, {"status": status, **progress, **noted, "updated": now})

    def _diverged(self) -> None:
        self._write_status("diverged")
        raise DivergedError(
            f"training diverged: a loss is not finite at step {self.state.step}; {self.run.checkpoints} holds the last "
            "good step; try a lower optimizer.learning_rate or a higher penalty.r1_weight and penalty.r2_weight"
        )

    def _preview(self) -> None:
        write_samples(
            self.run.previews / f"step-{self.state.step:08d}.mp4",
            self.state.networks.ema_generator,
            num_classes=len(self.class_names),
            num_frames=PREVIEW_CLIPS * self.config.data.num_frames,
            frame_rate=self.frame_rate,
        )

    def _preview_reals(self) -> None:
        clips: list[Tensor] = []
        step = 0
        while len(clips) < ROWS * COLUMNS:
            clips.extend(to_model(self.loader.batch(step).frames))
            step += 1
        write_grid(self.run.previews / "reals.mp4", iter([torch.stack(clips[: ROWS * COLUMNS])]), self.frame_rate)
