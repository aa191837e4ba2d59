"""``videogan.train``: from a folder of clips and some settings to a run that begins, or goes on."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from videogan import presets
from videogan.artifacts.checkpoints import load_state
from videogan.artifacts.metrics_file import Row, read_metrics
from videogan.artifacts.provenance import environment
from videogan.artifacts.runs import RunFolder
from videogan.config import Config
from videogan.data.cache import open_cache
from videogan.data.folder import VideoFolder, scan_folder
from videogan.data.loader import ClipLoader
from videogan.device import describe, pick_device, pick_precision, pick_threads
from videogan.errors import DivergedError, MissingPathError, UsageError
from videogan.files import TaskProgress, open_for_append, write_json
from videogan.training.distributed import (
    Process,
    decided_by_first,
    first_goes_ahead,
    process_from_environment,
    process_group,
)
from videogan.training.log import LogFile, duration
from videogan.training.loggers import RunLogger, check_logger, open_logger
from videogan.training.loop import Budget, run_training
from videogan.training.memory import check_memory
from videogan.training.recorder import Recorder
from videogan.training.resume import check_same_clips, choose_run, go_back, listing_sha256
from videogan.training.state import TrainingState, new_state

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """A training run: its folder, and the configuration that it has. ``videogan.load(run.path)`` makes videos."""

    path: Path
    config: Config

    def metrics(self) -> list[dict[str, float]]:
        """Return one row for each tick, oldest first."""
        return read_metrics(RunFolder(self.path).metrics)


def train(
    clips: str | os.PathLike[str],
    *,
    run: str | os.PathLike[str] | None = None,
    preset: str | None = None,
    settings: Mapping[str, Any] | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    resume: bool = True,
    dry_run: bool = False,
    on_tick: Callable[[Row], None] | None = None,
    loggers: Sequence[str | RunLogger] = (),
    progress: TaskProgress | None = None,
) -> Run:
    """Learn a folder of video clips, or go on learning it.

    Args:
        clips: a folder of videos; its sub-folders, if any, are the classes.
        run: the run folder; None is an unfinished one of the same clips and settings, or a new numbered one.
        preset: a name of ``videogan.presets.PRESETS``; None is what the run has already, or what fits this machine.
        settings: changes of it, such as ``{"data.size": 64}``.
        steps: end after so many steps in all.
        minutes: end after so many minutes of training in all.
        resume: False begins a new run whatever there is.
        dry_run: look at the clips, decide everything, and stop before anything is made.
        on_tick: called with every row of metrics.
        loggers: take figures and previews too: "tensorboard" (into the run folder), or anything with its methods.
        progress: called with a task, how much of it is done and how much there is, and perhaps a few words.

    Raises:
        UsageError: a setting is wrong, or the run belongs to other clips or settings.
        DataError: the folder holds no usable video.
        CheckpointError: the run's checkpoints are damaged.
        DivergedError: a loss or a weight is not finite.
        Interrupted: by Ctrl-C or SIGTERM, after saving.
    """
    _check(clips := Path(clips), minutes, loggers)
    changes = {**(settings or {}), **({} if steps is None else {"train.steps": steps})}
    folder = None if run is None else RunFolder(Path(run))
    config, decisions = decide_config(folder, preset, changes)
    process = process_from_environment()
    _announce(decisions, config, process)
    with process_group(process, torch.device(config.train.device)):
        # What each machine would decide for itself, the first process decides for all.
        config = Config.model_validate_json(decided_by_first(process, config.model_dump_json))
        run_folder, checkpoint = decided_by_first(process, partial(choose_run, folder, clips, config, resume))
        with first_goes_ahead(process):
            check_memory(config, 0, torch.device(config.train.device))
            videos = _scan(clips, config, progress)
            run_folder.check_writable()
            _log.info("run: %s", run_folder.path)
            if dry_run:
                return Run(run_folder.path, config)
            loader = _loader(videos, config, process, progress)
            run_folder.make()
        with run_folder.writing(), run_folder.locked() if process.first else nullcontext(), _log_file(run_folder.log):
            state = _state(config, run_folder, checkpoint, videos)
            recorder = _recorder(config, run_folder, loader, videos, on_tick, loggers) if process.first else None
            _train(state, loader, run_folder, Budget(config.train.steps, minutes), recorder, process, progress)
    return Run(run_folder.path, config)


def _check(clips: Path, minutes: float | None, loggers: Sequence[str | RunLogger]) -> None:
    if not os.path.lexists(clips):
        raise MissingPathError(f"{clips}: no such file or folder")
    if minutes is not None and not minutes > 0:
        raise UsageError(f"minutes {minutes}: must be above 0")
    for logger in loggers:
        check_logger(logger)


def _announce(decisions: list[str], config: Config, process: Process) -> None:
    if process.world_size > 1:
        decisions = [
            *decisions,
            f"processes: {process.world_size}, each with batches of {config.train.batch_size} clips",
        ]
    if not process.first:
        logging.getLogger("videogan").setLevel(logging.ERROR)  # the first process speaks for all
    for decision in decisions:
        _log.info(decision)


def decide_config(folder: RunFolder | None, preset: str | None, changes: Mapping[str, Any]) -> tuple[Config, list[str]]:
    """Return the whole config, every ``auto`` decided, and in words what was decided and why.

    Without a preset, a run that exists gives its own settings; without a run, the machine chooses the preset.
    """
    own = (
        presets.load_config(folder.config) if folder is not None and preset is None and folder.config.exists() else None
    )
    own_device = "auto" if own is None else own.train.device
    if own_device != "cpu" and not torch.cuda.is_available():
        own_device = "auto"
    device = pick_device(str(changes.get("train.device", own_device)))
    if own is None:
        name = preset or ("gpu64" if device.type == "cuda" else "cpu")
        base, why = presets.preset(name), "as asked"
        if preset is None:
            why = f"because this machine has {'a' if device.type == 'cuda' else 'no'} CUDA GPU"
    else:
        base, name, why = own, own.preset, "as the run has it"
        changes = {"train.threads": "auto", "train.compile": "auto", **changes}
    config = presets.change(base, changes)
    size, num_frames = config.data.size, config.data.num_frames
    decisions = [
        f"device: {describe(device)}",
        f"preset: {name}, {why}: clips of {num_frames} frames, {size} x {size} pixels",
    ]
    decided: dict[str, object] = {"train.device": device.type}
    if config.train.threads == "auto" and device.type == "cpu":
        decided["train.threads"], because = pick_threads()
        decisions.append(f"threads: {decided['train.threads']}, because {because}")
    if config.train.precision == "auto":
        decided["train.precision"], because = pick_precision(device)
        decisions.append(f"precision: {decided['train.precision']}, because {because}")
    if config.train.compile == "auto":
        decided["train.compile"] = "never"
        if device.type == "cuda":
            decisions.append(
                "compile: never, because compiling takes minutes, in which a CUDA graph makes thousands of steps"
            )
    return presets.change(config, decided), decisions


def _scan(clips: Path, config: Config, progress: TaskProgress | None) -> VideoFolder:
    """Return the videos of a folder, and say what they are."""
    folder = scan_folder(
        clips,
        labels=config.data.labels,
        cache_dir=config.data.cache_dir,
        max_bad_share=config.data.max_bad_share,
        progress=None if progress is None else partial(progress, "looking at videos"),
    )
    names = ", ".join(folder.class_names)
    classes = f"{len(folder.class_names)} classes ({names})" if folder.class_names else "no classes"
    _log.info("clips: %d videos in %s, %s", len(folder.videos), clips, classes)
    for path, reason in folder.rejected:
        _log.warning("%s is left out: %s", path, reason)
    return folder


def _loader(videos: VideoFolder, config: Config, process: Process, progress: TaskProgress | None) -> ClipLoader:
    """Fill the clip cache, and return what draws the batches from it."""
    train, reading = config.train, None if progress is None else partial(progress, "reading clips")
    cache = open_cache(videos, config.data, progress=reading)
    return ClipLoader(cache, config.data, batch_size=train.batch_size, seed=train.seed, process=process)


def _state(config: Config, run: RunFolder, checkpoint: Path | None, videos: VideoFolder) -> TrainingState:
    """Return fresh networks, or those of a checkpoint, on the device of the configuration.

    Raises:
        UsageError: the checkpoint learnt other clips.
    """
    device = torch.device(config.train.device)
    if isinstance(config.train.threads, int):
        torch.set_num_threads(config.train.threads)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    state = new_state(config, len(videos.class_names), device)
    if checkpoint is not None:
        check_same_clips(run, checkpoint, videos)
        state.load_state_dict(load_state(checkpoint, device))
        _log.info("going on from step %d", state.step)
    if config.train.compile == "always":
        state.networks.compile()
    return state


def _train(
    state: TrainingState,
    loader: ClipLoader,
    run: RunFolder,
    budget: Budget,
    recorder: Recorder | None,
    process: Process,
    progress: TaskProgress | None,
) -> None:
    if budget.spent(state):
        spent = f"step {state.step} of {budget.steps} already, after {duration(state.seconds)} of training"
        _log.info("%s; %s trains it further", spent, budget.option_for_more(state))
        return
    if recorder is not None:
        recorder.begin(state)
    while True:
        try:
            request = run_training(state, loader, budget, recorder, process=process, progress=progress)
            break
        except DivergedError as error:
            try:
                go_back(state, run, process, error)
            except DivergedError:
                if recorder is not None:
                    recorder.end(state, "diverged")
                raise
            if recorder is not None:
                recorder.go_back(state)
    if recorder is not None:
        recorder.end(state, "interrupted" if request else "finished")
    if request:
        request.raise_as(f"stopped at step {state.step}, saved; the same command goes on from there")
    _log.info("trained %d steps; `videogan sample --run %s out.mp4` makes videos", state.step, run.path)


def _recorder(
    config: Config,
    run: RunFolder,
    loader: ClipLoader,
    videos: VideoFolder,
    on_tick: Callable[[Row], None] | None,
    loggers: Sequence[str | RunLogger],
) -> Recorder:
    """Write down what the run is trained with, and return what keeps its record."""
    device = torch.device(config.train.device)
    presets.save_config(config, run.config)
    about = {
        "clips": str(videos.root.resolve()),
        "listing_sha256": listing_sha256(videos),
        "processes": str(loader.world_size),
        **environment(describe(device)),
    }
    write_json(run.environment, about)
    return Recorder(run, loader, device, on_tick, [open_logger(logger, run.path) for logger in loggers])


@contextmanager
def _log_file(path: Path) -> Iterator[None]:
    """Add the log lines of videogan to a file too, with their time."""
    logger = logging.getLogger("videogan")
    with open_for_append(path) as file:
        handler = LogFile(file)
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)
