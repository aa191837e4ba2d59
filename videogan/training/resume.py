"""Which run a command means, whether it may go on, and how it goes back after it diverged."""

import hashlib
import logging
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

import torch

from videogan import presets
from videogan.artifacts.checkpoint_files import WEIGHTS, list_checkpoints, newest_checkpoint
from videogan.artifacts.checkpoints import load_state
from videogan.artifacts.runs import RUNS, RunFolder, claim_run, list_runs, next_run
from videogan.artifacts.weights import read_card
from videogan.config import Config
from videogan.data.folder import VideoFolder
from videogan.data.paths import common_folder, named_paths
from videogan.data.shards import is_shard
from videogan.data.stamps import size_of
from videogan.errors import CheckpointError, DivergedError, UsageError
from videogan.files import read_json
from videogan.training.changes import SESSION_SETTINGS, differences, refused_change
from videogan.training.distributed import share_state
from videogan.training.rendezvous import Rendezvous
from videogan.training.start import first_state
from videogan.training.state import TrainingState

_log = logging.getLogger(__name__)

MAX_HALVINGS = 3
"""How often a run that diverged goes back to its last checkpoint."""


@dataclass(frozen=True)
class Choice:
    """The run that training goes into.

    ``checkpoint`` is None where it begins at step 0; ``because`` says why it is a new run, whose folder is not made
    yet; ``changed`` holds the settings that are others than so far.
    """

    run: RunFolder
    checkpoint: Path | None = None
    because: str = ""
    changed: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    def check(self) -> None:
        """Say which run it is, and check that its folder can be made; nothing is made."""
        self.run.check_writable()
        _log.info("run: %s%s", self.run.path, f", a new run, because {self.because}" if self.because else "")

    def claim(self) -> RunFolder:
        """Make the folder, of a new run under a name that no other process has taken meanwhile, and return it."""
        run = claim_run(self.run) if self.because else self.run
        if run != self.run:
            _log.info("run: %s, as another process has begun %s", run.path, self.run.path)
        run.make()
        return run


def choose_run(given: RunFolder | None, clips: Sequence[Path], config: Config, resume: bool) -> Choice:
    """Choose the given run, or one of the same clips and settings, or a new one.

    Raises:
        UsageError: the given run has other networks or clips, or must not be gone on with.
        CheckpointError: its checkpoints are damaged.
    """
    if given is not None:
        return _given(given, config, resume)
    size, num_frames = config.data.size, config.data.num_frames
    new = next_run(f"{common_folder(named_paths(clips)).resolve().name}-{size}x{size}x{num_frames}")
    if not resume:
        return Choice(new, because="of --resume never")
    reasons = []
    for run in reversed(list_runs()):
        before, reason = _settings(run, clips, config)
        if before is not None:
            return Choice(run, _checkpoint_of(run), changed=differences(before, config))
        reasons.append(reason)
    # What matters is why not one of the same clips, or else of the same settings; of several the newest.
    return Choice(new, because=max(reasons, key=itemgetter(0), default=(0, f"there is none in {RUNS.absolute()}"))[1])


def _given(run: RunFolder, config: Config, resume: bool) -> Choice:
    checkpoint = _checkpoint_of(run)
    if checkpoint is None:
        return Choice(run)
    if not resume:
        raise UsageError(f"{run.path}: holds a trained model already; name another folder or leave out --resume never")
    changed = differences(presets.load_config(run.config), config)
    refused = refused_change(changed)
    if refused:
        raise UsageError(
            f"{run.path}: was trained with {refused}; that makes other networks or clips, so leave it out, or train "
            "into another --run"
        )
    return Choice(run, checkpoint, changed=changed)


def _settings(run: RunFolder, clips: Sequence[Path], config: Config) -> tuple[Config | None, tuple[int, str]]:
    """Return the settings of a run where the same command would make it again; else how near it is, and why not."""
    about = read_json(run.environment)
    try:
        own = presets.load_config(run.config)
    except UsageError:
        return None, (1, f"{run.path} has no settings that can be read")
    changed = {k: v for k, v in differences(own, config).items() if k not in SESSION_SETTINGS}
    same_clips = isinstance(about, dict) and about.get("clips") == recorded_clips(clips)
    if same_clips and not changed:
        return own, (0, "")
    go_on = f"--run {run.path} goes on with it"
    if same_clips:
        key, (before, now) = next(iter(changed.items()))
        return None, (3, f"{run.path} has {key}={before}, not {now}; {go_on}")
    learnt = f"{run.path} learnt {about.get('clips') if isinstance(about, dict) else 'unknown clips'}"
    return None, (2, f"{learnt}; {go_on} if these are the same") if not changed else (1, learnt)


def recorded_clips(clips: Sequence[Path]) -> str | list[str]:
    """Return what environment.json says of the clips: one path, or several."""
    paths = [str(path.resolve()) for path in clips]
    return paths[0] if len(paths) == 1 else paths


def clips_of(run: RunFolder) -> tuple[Path, ...]:
    """Return the clips that a run learns.

    Raises:
        UsageError: it does not say.
    """
    about = read_json(run.environment)
    clips = about.get("clips") if isinstance(about, dict) else None
    names = [clips] if isinstance(clips, str) else clips
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise UsageError(f"{run.path}: does not say which clips it learns; name them: videogan train CLIPS --run ...")
    return tuple(map(Path, names))


def _checkpoint_of(run: RunFolder) -> Path | None:
    """Return the newest usable checkpoint, None where training never came to one.

    Raises:
        CheckpointError: there are some, all of them damaged: to begin anew would wipe what can perhaps be saved.
    """
    checkpoint = newest_checkpoint(run.checkpoints)
    damaged = [] if checkpoint is not None else list_checkpoints(run.checkpoints)
    if damaged:
        raise CheckpointError(
            f"{run.path}: none of its checkpoints can be used ({damaged[-1].name} is damaged, or may not be read); "
            "bring one back from a copy, or train into another --run"
        )
    return checkpoint


def check_same_clips(run: RunFolder, checkpoint: Path, clips: Sequence[Path], videos: VideoFolder) -> None:
    """Refuse other clips than those that a run has learnt: other classes, or another folder with other videos in it.

    Raises:
        UsageError: they are others.
    """
    names, now = read_card(checkpoint / WEIGHTS).class_names, videos.class_names
    if names != now:
        raise UsageError(
            f"{run.path}: learnt {_classes(names)}, and {videos.root} has {_classes(now)}; a network's classes stay as "
            "they are: give the folders their names back, or train a new run by --resume never or another --run"
        )
    about = read_json(run.environment)
    about = about if isinstance(about, dict) else {}
    listing, path = listing_sha256(videos), recorded_clips(clips)
    if about.get("listing_sha256", listing) != listing:
        if about.get("clips") != path:
            raise UsageError(f"{run.path}: learnt the clips of {about.get('clips')}; train others into another --run")
        _log.warning("the clips in %s are not those that the run has seen so far; it goes on with what is there", path)
    elif about.get("clips", path) != path:
        if "listing_sha256" not in about:
            raise UsageError(f"{run.path}: learnt the clips of {about['clips']}; train others into another --run")
        _log.info("the clips in %s are those that the run learnt in %s", path, about["clips"])


def _classes(names: Sequence[str]) -> str:
    return f"{len(names)} classes ({', '.join(names)})" if names else "no classes"


def go_back(state: TrainingState, run: RunFolder, rendezvous: Rendezvous, error: DivergedError) -> None:
    """Restore the newest checkpoint, to go on from it with half the learning rate.

    Raises:
        DivergedError: there is none, or it was tried often enough.
    """
    checkpoint = newest_checkpoint(run.checkpoints) if rendezvous.process.first else None
    there_is_one = rendezvous.of_first(checkpoint is not None)
    halvings = state.halvings + 1
    if not there_is_one or halvings > MAX_HALVINGS:
        times = f" after the learning rate was halved {state.halvings} times" if state.halvings else ""
        kept = f"{checkpoint} holds the last good step" if checkpoint else "there is no checkpoint yet"
        raise DivergedError(
            f"{error}{times}; {kept}; the same command with a lower optimizer.learning_rate, or a higher "
            "penalty.r1_weight and penalty.r2_weight, goes on from there"
        )
    if checkpoint is not None:
        state.load_state_dict(load_state(checkpoint, torch.device(state.config.train.device)))
    share_state(state)
    state.halvings = halvings
    _log.warning("%s; back to step %d, with half the learning rate", error, state.step)


def go_on_in_smaller_batches(state: TrainingState, run: RunFolder, class_names: Sequence[str]) -> None:
    """After a GPU's memory ran out, restore the newest checkpoint or the beginning, with twice the shares of a batch.

    What is learnt stays that of whole batches.
    """
    device = torch.device(state.config.train.device)
    if device.type == "cuda":
        torch.cuda.empty_cache()
    checkpoint = newest_checkpoint(run.checkpoints)
    if checkpoint is None:
        state.load_state_dict(first_state(state.config, class_names, torch.device("cpu")).state_dict())
    else:
        state.load_state_dict(load_state(checkpoint, device))
    state.micro_batches *= 2
    _log.warning(
        "memory does not suffice for train.batch_size=%d at once: on from step %d with the same batches, each in %d "
        "shares one after the other, which is slower",
        state.config.train.batch_size,
        state.step,
        state.micro_batches,
    )


def listing_sha256(videos: VideoFolder) -> str:
    """Return a hash of the names and sizes of a folder's videos, wherever the folder lies."""
    root = videos.root if videos.root.is_dir() or is_shard(videos.root) else videos.root.parent
    sources = map(videos.videos.source, range(len(videos.videos)))
    files = ((Path(source).relative_to(root), size_of(source)) for source in sources)
    lines = [f"{unicodedata.normalize('NFC', str(name))}\t{size}\n" for name, size in files]
    return hashlib.sha256("".join(sorted(lines)).encode("utf-8", "surrogateescape")).hexdigest()
