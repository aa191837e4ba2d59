"""``videogan.train``: from a folder of clips and some settings to a run that begins, or goes on."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
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
from videogan.data.folder import VideoFolder
from videogan.data.loader import ClipLoader
from videogan.data.paths import AnyPaths, as_paths, named_paths
from videogan.device import describe
from videogan.errors import DivergedError, MissingPathError, UsageError
from videogan.files import TaskProgress, write_json
from videogan.signals import StopRequest
from videogan.training.changes import in_words
from videogan.training.decisions import decide_config, set_up_torch
from videogan.training.distributed import (
    Process,
    decided_by_first,
    first_goes_ahead,
    process_from_environment,
    process_group,
)
from videogan.training.log import duration, log_file
from videogan.training.loggers import RunLogger, check_loggers, open_logger
from videogan.training.loop import Budget, run_training
from videogan.training.memory import check_memory, out_of_memory, telling_memory
from videogan.training.recorder import Recorder
from videogan.training.resume import (
    Choice,
    check_same_clips,
    choose_run,
    clips_of,
    go_back,
    go_on_in_smaller_batches,
    listing_sha256,
    recorded_clips,
)
from videogan.training.scan import scan_clips
from videogan.training.start import first_state, with_hash_of_model
from videogan.training.state import TrainingState, new_state
from videogan.training.trial import Trial, tell_trial

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """A training run: its folder, and the configuration that it has. ``videogan.load(run.path)`` makes videos.

    ``trial`` is what a dry run has measured.
    """

    path: Path
    config: Config
    trial: Trial | None = None

    def metrics(self) -> list[dict[str, float]]:
        """Return one row for each tick, oldest first."""
        return read_metrics(RunFolder(self.path).metrics)


def train(
    clips: AnyPaths | None = None,
    *,
    run: str | os.PathLike[str] | None = None,
    preset: str | None = None,
    settings: Mapping[str, Any] | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    start_from: str | os.PathLike[str] | None = None,
    resume: bool = True,
    dry_run: bool = False,
    on_tick: Callable[[Row], None] | None = None,
    loggers: Sequence[str | RunLogger] = (),
    progress: TaskProgress | None = None,
) -> Run:
    """Learn a folder of video clips, or go on learning it.

    Args:
        clips: a folder of videos, whose sub-folders, if any, are the classes; several folders or videos, a pattern, or
            a text file that lists them. None is what ``run`` has learnt so far.
        run: the run folder; None is an unfinished one of the same clips and settings, or a new numbered one.
        preset: a name of ``videogan.presets.PRESETS``; None is what the run has already, or what fits this machine.
        settings: changes of it, such as ``{"data.size": 64}``.
        steps: end after so many steps in all.
        minutes: end after so many minutes of training in all.
        start_from: a model that a new run takes what agrees from: a run, a checkpoint, a weights file or ``shipped``.
        resume: False begins a new run whatever there is.
        dry_run: look at the clips, decide everything, try some steps for ten seconds, and stop before anything is made.
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
    check_loggers(loggers)
    folder = None if run is None else RunFolder(Path(run))
    paths, process = _clips(clips, folder), process_from_environment()
    config, decisions = decide_config(folder, preset, _changes(settings or {}, steps, start_from))
    budget = Budget(config.train.steps, minutes)
    _announce(decisions, config, process)
    with process_group(process, torch.device(config.train.device)), telling_memory(config):
        config, choice = _decided(process, config, partial(choose_run, folder, paths, resume=resume))
        with first_goes_ahead(process):
            check_memory(config, 0, torch.device(config.train.device))
            videos = scan_clips(paths, config, progress, keep_frames=not dry_run)
            choice.check()
            if dry_run:
                trial = tell_trial(config, len(videos.class_names), budget, progress) if process.first else None
                return Run(choice.run.path, config, trial)
            loader = _loader(videos, config, process, progress)
        run_folder = decided_by_first(process, choice.claim)
        with run_folder.writing(), run_folder.locked() if process.first else nullcontext(), log_file(run_folder.log):
            state = _state(config, choice, paths, videos)
            recorder = None
            if process.first:
                recorder = _recorder(config, run_folder, loader, paths, videos, on_tick, loggers, minutes)
            _train(state, loader, run_folder, budget, recorder, process, progress)
    return Run(run_folder.path, config)


def _changes(
    settings: Mapping[str, Any], steps: int | None, start_from: str | os.PathLike[str] | None
) -> dict[str, Any]:
    of_arguments = {"train.steps": steps, "start.model": None if start_from is None else os.fspath(start_from)}
    return {**settings, **{name: value for name, value in of_arguments.items() if value is not None}}


def _decided(process: Process, config: Config, choose: Callable[..., Choice]) -> tuple[Config, Choice]:
    """Return what each machine would decide for itself as the first process decides it for all."""
    config = Config.model_validate_json(decided_by_first(process, config.model_dump_json))
    choice = decided_by_first(process, partial(choose, config))
    return with_hash_of_model(config, choice.run, choice.checkpoint), choice


def _clips(given: AnyPaths | None, folder: RunFolder | None) -> tuple[Path, ...]:
    """Return the clips that are named, or those of the run."""
    if given is None and folder is None:
        raise UsageError("name the clips, or by --run the run that is to go on")
    if given is None and folder is not None:
        if not folder.path.exists():
            raise MissingPathError(f"{folder.path}: no such run; name the clips that a new one is to learn")
        return clips_of(folder)
    paths = as_paths(given or ())
    if not paths:
        raise UsageError("name the clips: no path was given")
    named_paths(paths)  # what does not exist is told before anything else
    if folder is not None and any(path.resolve() == folder.path.resolve() for path in paths):
        raise UsageError(f"{folder.path}: cannot be both the clips and the run folder; choose another --run")
    return paths


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


def _loader(videos: VideoFolder, config: Config, process: Process, progress: TaskProgress | None) -> ClipLoader:
    """Fill the clip cache, and return what draws the batches from it."""
    train, reading = config.train, None if progress is None else partial(progress, "reading clips")
    cache = open_cache(videos, config.data, progress=reading)
    return ClipLoader(cache, config.data, batch_size=train.batch_size, seed=train.seed, process=process)


def _state(config: Config, choice: Choice, clips: Sequence[Path], videos: VideoFolder) -> TrainingState:
    """Return networks on the device of the configuration: fresh, as a model has them, or those of a checkpoint.

    Raises:
        UsageError: the checkpoint learnt other clips.
    """
    device = set_up_torch(config)
    if choice.checkpoint is not None:
        check_same_clips(choice.run, choice.checkpoint, clips, videos)
    if choice.checkpoint is None:
        state = first_state(config, videos.class_names, device)
    else:
        state = new_state(config, len(videos.class_names), device)
        state.load_state_dict(load_state(choice.checkpoint, device))
        _log.info("going on from step %d%s", state.step, in_words(choice.changed))
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
    request = None
    while request is None:
        try:
            request = _train_on(state, loader, budget, recorder, process, progress)
            if request is None:
                go_on_in_smaller_batches(state, run, loader.cache.class_names)
        except DivergedError as error:
            try:
                go_back(state, run, process, error)
            except DivergedError:
                if recorder is not None:
                    recorder.end(state, "diverged")
                raise
        if request is None and recorder is not None:
            recorder.go_back(state)
    if recorder is not None:
        recorder.end(state, "interrupted" if request else "finished")
    if request:
        request.raise_as(f"stopped at step {state.step}, saved; the same command goes on from there")
    _log.info("trained %d steps; `videogan sample --run %s out.mp4` makes videos", state.step, run.path)


def _train_on(
    state: TrainingState,
    loader: ClipLoader,
    budget: Budget,
    recorder: Recorder | None,
    process: Process,
    progress: TaskProgress | None,
) -> StopRequest | None:
    """Train until the end or a signal; None where a GPU's memory did not suffice for a batch that can be split.

    The error is gone when this returns, and with it all that it held in memory.
    """
    try:
        return run_training(state, loader, budget, recorder, process=process, progress=progress)
    except torch.OutOfMemoryError:
        if process.world_size > 1:
            raise
        if 2 * state.micro_batches > state.config.train.batch_size:
            raise out_of_memory(state.config, smaller_batch=1) from None
    return None


def _recorder(
    config: Config,
    run: RunFolder,
    loader: ClipLoader,
    clips: Sequence[Path],
    videos: VideoFolder,
    on_tick: Callable[[Row], None] | None,
    loggers: Sequence[str | RunLogger],
    minutes: float | None,
) -> Recorder:
    """Write down what the run is trained with, and return what keeps its record."""
    device = torch.device(config.train.device)
    presets.save_config(config, run.config)
    about = {
        "clips": recorded_clips(clips),
        "listing_sha256": listing_sha256(videos),
        "processes": str(loader.world_size),
        **environment(describe(device)),
    }
    write_json(run.environment, about)
    return Recorder(run, loader, device, on_tick, [open_logger(logger, run.path) for logger in loggers], minutes)
