"""A folder of videos: every file probed, with its class or the reason why it cannot be used.

``survey_folder`` reports whatever it finds; ``scan_folder`` does the same and raises where training would be pointless.
"""

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from videogan.config import DataConfig
from videogan.data.cache.feed import CacheFeed
from videogan.data.listing import SourceVideo, VideoTable
from videogan.data.paths import AnyPaths, common_folder, named_paths
from videogan.data.probes import ProbeIndex, probe_new
from videogan.data.shards import is_shard
from videogan.data.walk import Walk, walk_folders
from videogan.errors import DataError, UsageError, VideoError
from videogan.files import Progress, natural_key, printable
from videogan.video import probe
from videogan.video.formats import VIDEO_SUFFIXES


@dataclass(frozen=True)
class VideoFolder:
    """The videos of one folder in natural order.

    ``rejected`` pairs a path with its reason; ``class_names``, in Unicode's normal form C, is empty if the videos have
    no classes; ``hidden`` counts entries that are a system's own, ``ignored`` lists files that are no videos by name,
    or by content, as thumbnails; ``own`` folders of runs and reports of videogan's.
    """

    root: Path
    videos: VideoTable
    rejected: tuple[tuple[Path, str], ...]
    class_names: tuple[str, ...]
    hidden: int = 0
    ignored: tuple[Path, ...] = ()
    own: tuple[Path, ...] = ()

    @property
    def bad_share(self) -> float:
        """Rejected files as a share of all that looked like videos, 0 to 1."""
        return len(self.rejected) / max(1, len(self.rejected) + len(self.videos))


def scan_folder(
    root: AnyPaths,
    *,
    labels: Literal["folders", "none"] = "folders",
    cache_dir: str | os.PathLike[str] | None = None,
    max_bad_share: float = 1.0,
    progress: Progress | None = None,
    frames: DataConfig | None = None,
) -> VideoFolder:
    """Probe every video at or below ``root``.

    Args:
        root: a folder or a video, several, or what :func:`videogan.data.paths.named_paths` takes for them. The first
            folder below ``root`` names a video's class.
        labels: ``"none"`` disregards those folders.
        cache_dir: where probe results are kept, by size and time of change; None is the user's cache folder.
        max_bad_share: largest share of files that may be rejected, 0 to 1.
        progress: called as files are probed.
        frames: settings of a clip cache that takes the frames that probing decodes; None keeps none.

    Raises:
        MissingPathError: ``root`` does not exist.
        UsageError: ``root`` is a file that is not a video.
        DataError: no usable video, too many rejected, or some videos have a class folder and others have none.
    """
    folder = survey_folder(root, labels=labels, cache_dir=cache_dir, progress=progress, frames=frames)
    check_usable(folder, max_bad_share)
    unlabelled = int((folder.videos.labels < 0).sum())
    if folder.class_names and unlabelled:
        raise DataError(
            f"{printable(folder.root)}: {unlabelled} videos lie outside the class folders that hold the other "
            f"{len(folder.videos) - unlabelled}; move them into one, or train without classes by "
            "--set data.labels=none"
        )
    return folder


def survey_folder(
    root: AnyPaths,
    *,
    labels: Literal["folders", "none"] = "folders",
    cache_dir: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    frames: DataConfig | None = None,
) -> VideoFolder:
    """As ``scan_folder``, but an unusable folder is described and not an error; only a wrong ``root`` raises."""
    roots = named_paths(root)
    if len(roots) == 1 and not (roots[0].is_dir() or is_shard(roots[0])):
        return _one_file(roots[0])
    walk, index = walk_folders(roots, cache_dir, progress), ProbeIndex(common_folder(roots), cache_dir)
    if not index.look_up(walk.listing):
        if frames is None:
            probe_new(walk.base, walk.listing, index, progress)
        else:
            CacheFeed(walk.base, frames).probe(walk.listing, index, progress)
        index.keep(walk.listing)
    return _assemble(walk, labels)


def check_usable(folder: VideoFolder, max_bad_share: float) -> None:
    """Raise DataError if there is no usable video, or more than ``max_bad_share`` of the files are rejected."""
    first = ""
    if folder.rejected:
        path, reason = folder.rejected[0]
        first = f"{len(folder.rejected)} rejected, the first being {printable(path.name)}: {reason}"
    if not folder.videos:
        others = len(folder.ignored) + folder.hidden
        what = first or (f"it holds {others} files of other kinds" if others else "it is empty")
        raise DataError(f"{printable(folder.root)}: no usable video ({what}); `videogan inspect` shows every file")
    if folder.bad_share > max_bad_share:
        raise DataError(
            f"{printable(folder.root)}: {folder.bad_share:.0%} of the videos cannot be used ({first}), more than "
            f"data.max_bad_share={max_bad_share:g}; remove them or raise that limit"
        )


def _one_file(path: Path) -> VideoFolder:
    try:
        videos = [SourceVideo(path, None, probe(path))]
    except VideoError as error:
        if path.suffix.lower() not in VIDEO_SUFFIXES:
            raise UsageError(f"{printable(path)}: neither a folder nor a video ({error.reason})") from error
        return VideoFolder(path, VideoTable.of(path, []), ((path, error.reason),), ())
    return VideoFolder(path, VideoTable.of(path, videos), (), ())


def _assemble(walk: Walk, labels: Literal["folders", "none"]) -> VideoFolder:
    listing, root = walk.listing, walk.base
    rows = listing.with_status("ok", "salvaged")
    folders = listing.rows["folder"][rows]
    # One system writes é as one character, another as two: it is the same name.
    present = np.unique(folders[folders >= 0]).tolist()
    names = {number: unicodedata.normalize("NFC", listing.folders[number]) for number in present}
    ordered = sorted(set(names.values()), key=natural_key) if labels == "folders" else []
    label_of = np.full(len(listing.folders) + 1, -1, np.int32)  # the last one is that of no folder, -1
    for number, name in names.items():
        label_of[number] = ordered.index(name) if ordered else -1
    rejected = [_result(walk, row) for row in listing.with_status("rejected").tolist()]
    ignored = [path for path, _ in (_result(walk, row) for row in listing.with_status("other").tolist())]
    return VideoFolder(
        root,
        VideoTable(root, listing, rows, label_of[folders]),
        (*walk.rejected, *rejected),
        tuple(printable(name) for name in ordered),
        walk.hidden,
        (*walk.ignored, *ignored),
        tuple(walk.own),
    )


def _result(walk: Walk, row: int) -> tuple[Path, str]:
    """Return the path of a row that is no video, and why."""
    path = walk.base / os.fsdecode(walk.listing.name(row))
    return path, str(walk.listing.result(row, path))
