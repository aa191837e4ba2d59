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
from videogan.data.folder import VideoFolder
from videogan.data.loader import ClipLoader
from videogan.data.paths import AnyPaths
from videogan.device import describe
from videogan.errors import DivergedError
from videogan.files import TaskProgress, write_json
from videogan.signals import StopRequest
from videogan.training.agreement import facts_of_program, facts_of_request
from videogan.training.changes import in_words
from videogan.training.decisions import set_up_torch
from videogan.training.distributed import exchanged_bytes, process_group, share_state
from videogan.training.launch import launch_from_environment
from videogan.training.log import duration, log_file
from videogan.training.loggers import RunLogger, check_loggers, open_logger
from videogan.training.loop import Budget, run_training
from videogan.training.memory import out_of_memory, telling_memory
from videogan.training.plan import Plan, agreed_clips, decide_plan, load_clips
from videogan.training.recorder import Recorder
from videogan.training.rendezvous import Rendezvous, joined
from videogan.training.resume import (
    check_same_clips,
    go_back,
    go_on_in_smaller_batches,
    listing_sha256,
    recorded_clips,
)
from videogan.training.start import first_state
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
    """Learn a folder of video clips, or go on learning it; where several processes do, they end together.

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
    with joined(launch_from_environment()) as rendezvous:
        check_loggers(loggers)
        changes = _changes(settings or {}, steps, start_from)
        progress = _voice(rendezvous, progress)
        asked = partial(facts_of_request, changes, preset=preset, minutes=minutes, resume=resume, dry_run=dry_run)
        rendezvous.agree(lambda: facts_of_program() | asked())
        plan = decide_plan(rendezvous, clips, None if run is None else RunFolder(Path(run)), preset, changes, resume)
        budget = Budget(plan.config.train.steps, minutes)
        with telling_memory(plan.config):
            videos = agreed_clips(rendezvous, plan, progress, keep_frames=not dry_run)
            if dry_run:
                trial = None
                if videos is not None and rendezvous.process.first:
                    trial = tell_trial(plan.config, len(videos.class_names), budget, progress)
                return Run(plan.run, plan.config, trial)
            return _trained(rendezvous, plan, videos, budget, on_tick, loggers, progress)


def _trained(
    rendezvous: Rendezvous,
    plan: Plan,
    videos: VideoFolder | None,
    budget: Budget,
    on_tick: Callable[[Row], None] | None,
    loggers: Sequence[str | RunLogger],
    progress: TaskProgress | None,
) -> Run:
    """Carry a plan out: fill the caches, claim the run folder, share the state, train."""
    first = rendezvous.process.first
    videos, loader = load_clips(rendezvous, plan, videos, progress)
    claimed = "" if plan.choice is None else os.fspath(plan.choice.claim().path)
    run_folder = RunFolder(Path(rendezvous.of_first(claimed)))
    with _held(run_folder) if first else nullcontext(), process_group(rendezvous, plan.config.train):
        state = _state(plan, videos)
        if first and rendezvous.process.world_size > 1:
            text = "exchange: %.1f MB of gradients a step to and from each process, in %s"
            _log.info(text, exchanged_bytes(state) / 1e6, plan.config.train.exchange_precision)
        recorder = _recorder(plan, run_folder, loader, videos, on_tick, loggers, budget.minutes) if first else None
        _train(state, loader, run_folder, budget, recorder, rendezvous, progress)
    return Run(run_folder.path, plan.config)


def _voice(rendezvous: Rendezvous, progress: TaskProgress | None) -> TaskProgress | None:
    """Let one process of each machine speak; return what shows its progress, here and where others wait for it."""
    if not rendezvous.speaks:
        logging.getLogger("videogan").setLevel(logging.ERROR)
    return rendezvous.reported(progress if rendezvous.speaks else None)


def _changes(
    settings: Mapping[str, Any], steps: int | None, start_from: str | os.PathLike[str] | None
) -> dict[str, Any]:
    of_arguments = {"train.steps": steps, "start.model": None if start_from is None else os.fspath(start_from)}
    return {**settings, **{name: value for name, value in of_arguments.items() if value is not None}}


@contextmanager
def _held(run: RunFolder) -> Iterator[None]:
    """Hold a run folder and write into its log inside a ``with`` block."""
    with run.writing(), run.locked(), log_file(run.log):
        yield


def _state(plan: Plan, videos: VideoFolder) -> TrainingState:
    """Return networks on the device of the configuration: fresh, as a model has them, or those of a checkpoint.

    The first process makes or loads them, and gives them to the others.

    Raises:
        UsageError: the checkpoint learnt other clips.
    """
    config, choice, device = plan.config, plan.choice, set_up_torch(plan.config)
    if choice is not None and choice.checkpoint is None:
        state = first_state(config, videos.class_names, device)
    else:
        state = new_state(config, len(videos.class_names), device)
    if choice is not None and choice.checkpoint is not None:
        check_same_clips(choice.run, choice.checkpoint, plan.clips, videos)
        state.load_state_dict(load_state(choice.checkpoint, device))
        _log.info("going on from step %d%s", state.step, in_words(choice.changed))
    share_state(state)
    if config.train.compile == "always":
        state.networks.compile()
    return state


def _train(
    state: TrainingState,
    loader: ClipLoader,
    run: RunFolder,
    budget: Budget,
    recorder: Recorder | None,
    rendezvous: Rendezvous,
    progress: TaskProgress | None,
) -> None:
    if budget.spent(state):
        spent = f"step {state.step} of {budget.steps} already, after {duration(state.seconds)} of training"
        _log.info("%s; %s trains it further", spent, budget.option_for_more(state))
        return
    with rendezvous.goes_ahead():
        if recorder is not None:
            recorder.begin(state)
    request = None
    while request is None:
        try:
            request = _train_on(state, loader, budget, recorder, rendezvous, progress)
            if request is None:
                go_on_in_smaller_batches(state, run, loader.cache.class_names)
        except DivergedError as error:
            try:
                go_back(state, run, rendezvous, error)
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
    if recorder is not None:
        _log.info("trained %d steps; `videogan sample --run %s out.mp4` makes videos", state.step, run.path)


def _train_on(
    state: TrainingState,
    loader: ClipLoader,
    budget: Budget,
    recorder: Recorder | None,
    rendezvous: Rendezvous,
    progress: TaskProgress | None,
) -> StopRequest | None:
    """Train until the end or a signal; None where a GPU's memory did not suffice for a batch that can be split.

    The error is gone when this returns, and with it all that it held in memory.
    """
    try:
        return run_training(state, loader, budget, recorder, rendezvous=rendezvous, progress=progress)
    except torch.OutOfMemoryError:
        if rendezvous.process.world_size > 1:
            raise
        if 2 * state.micro_batches > state.config.train.batch_size:
            raise out_of_memory(state.config, smaller_batch=1) from None
    return None


def _recorder(
    plan: Plan,
    run: RunFolder,
    loader: ClipLoader,
    videos: VideoFolder,
    on_tick: Callable[[Row], None] | None,
    loggers: Sequence[str | RunLogger],
    minutes: float | None,
) -> Recorder:
    """Write down what the run is trained with, and return what keeps its record."""
    device = torch.device(plan.config.train.device)
    presets.save_config(plan.config, run.config)
    about = {
        "clips": recorded_clips(plan.clips),
        "listing_sha256": listing_sha256(videos),
        "processes": str(loader.world_size),
        **environment(describe(device)),
    }
    write_json(run.environment, about)
    return Recorder(run, loader, device, on_tick, [open_logger(logger, run.path) for logger in loggers], minutes)
