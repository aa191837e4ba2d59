"""What a training is to do, as all of its processes agree on it before the first step."""

import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from videogan import presets
from videogan.artifacts.runs import RunFolder
from videogan.config import Config
from videogan.data.cache.clip_cache import open_cache
from videogan.data.folder import VideoFolder
from videogan.data.loader import ClipLoader
from videogan.data.paths import AnyPaths, as_paths, named_paths
from videogan.errors import MissingPathError, UsageError, VideoganError
from videogan.files import TaskProgress
from videogan.training.agreement import facts_of_cache, facts_of_clips
from videogan.training.changes import OF_MACHINE
from videogan.training.decisions import decide_config
from videogan.training.distributed import check_device
from videogan.training.launch import Process
from videogan.training.memory import check_memory
from videogan.training.rendezvous import Rendezvous
from videogan.training.resume import Choice, choose_run, clips_of
from videogan.training.scan import scan_clips
from videogan.training.start import with_hash_of_model

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What is trained: the clips as this machine names them, the configuration, and in the first process the run."""

    clips: tuple[Path, ...]
    config: Config
    run: Path
    choice: Choice | None


def decide_plan(
    rendezvous: Rendezvous,
    clips: AnyPaths | None,
    folder: RunFolder | None,
    preset: str | None,
    changes: Mapping[str, Any],
    resume: bool,
) -> Plan:
    """Return what each machine would decide for itself as the first process decides it for all."""
    first, choice = rendezvous.process.first, None
    paths = _clips(clips, folder) if first or clips is not None else ()
    decided = None
    if first:
        config, decisions = decide_config(folder, preset, changes)
        _announce(decisions, config, rendezvous.process)
        choice = choose_run(folder, paths, config, resume=resume)
        config = with_hash_of_model(config, choice.run, choice.checkpoint)
        begins = resume and choice.checkpoint is None
        decided = config.model_dump_json(), [os.fspath(path) for path in paths], os.fspath(choice.run.path), begins
    text, paths_of_first, run, begins = rendezvous.of_first(decided or ("", [], "", False))
    config = Config.model_validate_json(text)
    if begins:
        _check_run_is_nowhere_else(rendezvous, folder, paths or tuple(map(Path, paths_of_first)), config)
    if not first:
        config = presets.change(config, {name: changes[name] for name in OF_MACHINE if name in changes})
        _log.info("run: %s on %s, where rank 0 is", run, rendezvous.peers[0].host)
    check_device(torch.device(config.train.device), rendezvous)
    return Plan(paths or tuple(map(Path, paths_of_first)), config, Path(run), choice)


def _check_run_is_nowhere_else(
    rendezvous: Rendezvous, folder: RunFolder | None, paths: Sequence[Path], config: Config
) -> None:
    """Refuse to begin anew where the run to go on with lies on another machine, as when the ranks were dealt anew."""

    def facts() -> dict[str, str]:
        checkpoint = None
        if not rendezvous.process.first:
            with suppress(VideoganError):  # what cannot go on is not to be gone on with
                checkpoint = choose_run(folder, paths, config, resume=True).checkpoint
        return {"run to go on with": "none" if checkpoint is None else os.fspath(checkpoint)}

    remedy = "give that machine the ranks from 0 on (torchrun --node-rank 0), or begin anew with --resume never"
    rendezvous.agree(facts if rendezvous.speaks else None, remedy=remedy)


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
    for decision in decisions:
        _log.info(decision)


def agreed_clips(
    rendezvous: Rendezvous, plan: Plan, progress: TaskProgress | None, *, keep_frames: bool
) -> VideoFolder | None:
    """Return the clips that a machine's first process finds, which are those of all machines; None in the others.

    With ``keep_frames`` the frames that this decodes go into the clip cache.
    """
    if plan.choice is not None:
        check_memory(plan.config, 0, torch.device(plan.config.train.device))
    speaks = rendezvous.speaks
    videos = scan_clips(plan.clips, plan.config, progress, keep_frames=keep_frames) if speaks else None
    rendezvous.agree(None if videos is None else partial(facts_of_clips, videos), progress)
    if plan.choice is not None:
        plan.choice.check()
    return videos


def load_clips(
    rendezvous: Rendezvous, plan: Plan, videos: VideoFolder | None, progress: TaskProgress | None
) -> tuple[VideoFolder, ClipLoader]:
    """Fill the clip caches, those of all machines at once, and return the clips and what draws batches from them."""
    config = plan.config
    train, reading = config.train, None if progress is None else partial(progress, "reading clips")
    with rendezvous.goes_ahead(rendezvous.leader, progress):
        videos = videos or scan_clips(plan.clips, config, None)
        cache = open_cache(videos, config.data, progress=reading)
    rendezvous.agree(partial(facts_of_cache, cache), progress)
    process = rendezvous.process
    return videos, ClipLoader(cache, config.data, batch_size=train.batch_size, seed=train.seed, process=process)
