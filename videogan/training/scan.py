"""The clips that a training learns: what is found under the paths that were named, and what is said of it."""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from videogan.config import Config
from videogan.data.folder import VideoFolder, scan_folder
from videogan.data.paths import split_parts
from videogan.files import TaskProgress

_log = logging.getLogger(__name__)

FEW_VIDEOS = 8
LOPSIDED = 20
"""A class that has so many times as many videos as another."""


def scan_clips(
    clips: Sequence[Path], config: Config, progress: TaskProgress | None, *, keep_frames: bool = False
) -> VideoFolder:
    """Return the videos under the named paths, of a data set in parts those of its train/; say what they are.

    With ``keep_frames`` the frames that this decodes go into the clip cache.
    """
    parts = split_parts(clips[0]) if len(clips) == 1 else {}
    if parts:
        others = ", ".join(sorted(path.name for part, path in parts.items() if part != "train"))
        train, root = parts["train"].name, clips[0]
        _log.info(
            "%s holds the parts of a data set: %s is trained on, `videogan evaluate` takes: %s", root, train, others
        )
        clips = [parts["train"]]
    folder = scan_folder(
        clips,
        labels=config.data.labels,
        cache_dir=config.data.cache_dir,
        max_bad_share=config.data.max_bad_share,
        progress=None if progress is None else partial(progress, "looking at videos"),
        frames=config.data if keep_frames else None,
    )
    names = ", ".join(folder.class_names)
    classes = f"{len(folder.class_names)} classes ({names})" if folder.class_names else "no classes"
    where = ", ".join(map(str, clips[:3])) + (f" and {len(clips) - 3} more" if len(clips) > 3 else "")
    _log.info("clips: %d videos in %s, %s", len(folder.videos), where, classes)
    if not folder.class_names and config.data.labels == "folders" and len(clips) == 1 and clips[0].is_dir():
        _log.info(
            "do they show several scenes? `videogan prepare folder OUT --from %s --by-look` makes a class of each, so "
            "that a model learns all of them",
            where,
        )
    for path, reason in folder.rejected:
        _log.warning("%s is left out: %s", path, reason)
    for path in folder.own:
        _log.info("%s is left out: videogan made it, as a run or a report", path)
    for concern in concerns(folder):
        _log.warning("%s", concern)
    return folder


def concerns(folder: VideoFolder) -> list[str]:
    """Say in words what of a set of videos will hardly train a good model: too few of them, or too few of a class."""
    texts = []
    count = len(folder.videos)
    if count < FEW_VIDEOS:
        texts.append(
            f"there {'is 1 video' if count == 1 else f'are {count} videos'} only: the model will learn "
            f"{'it' if count == 1 else 'them'} by heart; some dozens are a beginning"
        )
    labels = folder.videos.labels
    sizes = np.bincount(labels[labels >= 0], minlength=len(folder.class_names)).tolist()
    if sizes and max(sizes) >= LOPSIDED * min(sizes):
        few, many = (folder.class_names[sizes.index(size)] for size in (min(sizes), max(sizes)))
        texts.append(
            f"class {few} has {min(sizes)} of the videos and {many} {max(sizes)}: what is made of {few} will be poor; "
            "add some, or leave the class out"
        )
    return texts
