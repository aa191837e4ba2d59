"""Which run a command means, whether it may go on, and how it goes back after it diverged."""

import hashlib
import logging
from functools import partial
from pathlib import Path

import torch

from videogan import presets
from videogan.artifacts.checkpoints import load_state
from videogan.artifacts.runs import WEIGHTS, RunFolder, list_checkpoints, list_runs, newest_checkpoint, next_run
from videogan.artifacts.weights import read_card
from videogan.config import Config, EvaluateConfig
from videogan.data.folder import VideoFolder
from videogan.errors import CheckpointError, DivergedError, UsageError
from videogan.files import read_json
from videogan.training.distributed import Process, decided_by_first
from videogan.training.state import TrainingState

_log = logging.getLogger(__name__)

SESSION_SETTINGS = (
    "train.steps",
    "train.keep",
    "train.tick_steps",
    "train.threads",
    "train.device",
    "train.compile",
    "data.cache_dir",
    "data.cache_limit_gb",
    *(f"evaluate.{name}" for name in EvaluateConfig.model_fields),
)
"""Settings that may change while a run goes on: they do not touch what is learned."""

MAX_HALVINGS = 3
"""How often a run that diverged goes back to its last checkpoint."""


def choose_run(given: RunFolder | None, clips: Path, config: Config, resume: bool) -> tuple[RunFolder, Path | None]:
    """Return the run folder, and the checkpoint to go on from, if any.

    Raises:
        UsageError: the given run was trained with other settings, or must not be gone on with.
        CheckpointError: its checkpoints are damaged.
    """
    if given is not None:
        checkpoint = _checkpoint_of(given)
        if checkpoint is None:
            return given, None
        if not resume:
            raise UsageError(
                f"{given.path}: holds a trained model already; name another folder or leave out --resume never"
            )
        changed = difference(presets.load_config(given.config), config)
        if changed:
            raise UsageError(f"{given.path}: was trained with {changed}; give the same settings, or another --run")
        return given, checkpoint
    if resume:
        for run in reversed(list_runs()):
            if _is_run_of(run, clips, config):
                return run, _checkpoint_of(run)
    size, num_frames = config.data.size, config.data.num_frames
    return next_run(f"{clips.resolve().name}-{size}x{size}x{num_frames}"), None


def _checkpoint_of(run: RunFolder) -> Path | None:
    """Return the newest usable checkpoint, None where training never came to one.

    Raises:
        CheckpointError: there are some, all of them damaged: to begin anew would wipe what can perhaps be saved.
    """
    checkpoint = newest_checkpoint(run.checkpoints)
    damaged = [] if checkpoint is not None else list_checkpoints(run.checkpoints)
    if damaged:
        raise CheckpointError(
            f"{run.path}: none of its checkpoints can be used ({damaged[-1].name} is damaged); bring one back from a "
            "copy, or train into another --run"
        )
    return checkpoint


def _is_run_of(run: RunFolder, clips: Path, config: Config) -> bool:
    about = read_json(run.environment)
    if not isinstance(about, dict) or about.get("clips") != str(clips.resolve()):
        return False
    try:
        return not difference(presets.load_config(run.config), config)
    except UsageError:  # an older or damaged run is none to go on with
        return False


def difference(old: Config, new: Config) -> str:
    """Name the first setting by which a run could not go on under ``new``, or return an empty string."""
    before, after = old.model_dump(), new.model_dump()
    for group, values in before.items():
        if not isinstance(values, dict):
            continue
        for name in {**values, **after[group]}:
            key = f"{group}.{name}"
            was, is_now = values.get(name), after[group].get(name)
            if key not in SESSION_SETTINGS and was != is_now:
                return f"{key}={was}, not {is_now}"
    return ""


def check_same_clips(run: RunFolder, checkpoint: Path, videos: VideoFolder) -> None:
    """Refuse other clips than those that a run has learnt: other classes, or another folder with other videos in it.

    Raises:
        UsageError: they are others.
    """
    names = read_card(checkpoint / WEIGHTS).class_names
    if names != videos.class_names:
        raise UsageError(
            f"{run.path}: learnt the classes {', '.join(names) or '(none)'}, and {videos.root} has "
            f"{', '.join(videos.class_names) or 'none'}; train these into another --run"
        )
    about = read_json(run.environment)
    about = about if isinstance(about, dict) else {}
    listing, path = listing_sha256(videos), str(videos.root.resolve())
    if about.get("listing_sha256", listing) != listing:
        if about.get("clips") != path:
            raise UsageError(f"{run.path}: learnt the clips of {about.get('clips')}; train others into another --run")
        _log.warning("the clips in %s are not those that the run has seen so far; it goes on with what is there", path)
    elif "listing_sha256" not in about and about.get("clips", path) != path:
        raise UsageError(f"{run.path}: learnt the clips of {about['clips']}; train others into another --run")


def go_back(state: TrainingState, run: RunFolder, process: Process, error: DivergedError) -> None:
    """Restore the newest checkpoint, to go on from it with half the learning rate.

    Raises:
        DivergedError: there is none, or it was tried often enough.
    """
    checkpoint = decided_by_first(process, partial(newest_checkpoint, run.checkpoints))
    halvings = state.halvings + 1
    if checkpoint is None or halvings > MAX_HALVINGS:
        times = f" after the learning rate was halved {state.halvings} times" if state.halvings else ""
        kept = f"{checkpoint} holds the last good step" if checkpoint else "there is no checkpoint yet"
        raise DivergedError(
            f"{error}{times}; {kept}; try a lower optimizer.learning_rate or a higher penalty.r1_weight and "
            "penalty.r2_weight in another --run"
        )
    state.load_state_dict(load_state(checkpoint, torch.device(state.config.train.device)))
    state.halvings = halvings
    _log.warning("%s; back to step %d, with half the learning rate", error, state.step)


def listing_sha256(videos: VideoFolder) -> str:
    """Return a hash of the names and sizes of a folder's videos, wherever the folder lies."""
    root = videos.root if videos.root.is_dir() else videos.root.parent
    lines = [f"{video.path.relative_to(root)}\t{video.path.stat().st_size}\n" for video in videos.videos]
    return hashlib.sha256("".join(sorted(lines)).encode("utf-8", "surrogateescape")).hexdigest()
