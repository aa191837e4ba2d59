"""A folder of videos: every file probed, with its class or the reason why it cannot be used.

``survey_folder`` reports whatever it finds; ``scan_folder`` does the same and raises where training would be pointless.
"""

import contextlib
import hashlib
import os
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from videogan.data.paths import AnyPaths, common_folder, named_paths
from videogan.data.stills import are_stills
from videogan.data.walk import Candidate, Walk, walk_folders
from videogan.errors import DataError, NotAVideoError, UsageError, VideoError, reason_of
from videogan.files import Progress, cache_root, map_in_threads, natural_key, printable, read_derived, write_derived
from videogan.video import VideoInfo, probe
from videogan.video.formats import VIDEO_SUFFIXES

_INDEX_VERSION = 4

ProbeResult = VideoInfo | str | None
"""Facts about a video, the reason why one cannot be used, or None for what was never meant to be one."""


@dataclass(frozen=True)
class SourceVideo:
    """One usable video: its path, the index of its class in ``class_names`` or None, and what probing found."""

    path: Path
    label: int | None
    info: VideoInfo


@dataclass(frozen=True)
class VideoFolder:
    """The videos of one folder in natural order.

    ``rejected`` pairs a path with its reason; ``class_names``, in Unicode's normal form C, is empty if the videos have
    no classes; ``hidden`` counts entries that are a system's own, ``ignored`` lists files that are no videos by name,
    or by content, as thumbnails; ``own`` folders of runs and reports of videogan's.
    """

    root: Path
    videos: tuple[SourceVideo, ...]
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
) -> VideoFolder:
    """Probe every video at or below ``root``.

    Args:
        root: a folder or a video, several, or what :func:`videogan.data.paths.named_paths` takes for them. The first
            folder below ``root`` names a video's class.
        labels: ``"none"`` disregards those folders.
        cache_dir: where probe results are kept, by size and time of change; None is the user's cache folder.
        max_bad_share: largest share of files that may be rejected, 0 to 1.
        progress: called as files are probed.

    Raises:
        MissingPathError: ``root`` does not exist.
        UsageError: ``root`` is a file that is not a video.
        DataError: no usable video, too many rejected, or some videos have a class folder and others have none.
    """
    folder = survey_folder(root, labels=labels, cache_dir=cache_dir, progress=progress)
    check_usable(folder, max_bad_share)
    unlabelled = sum(video.label is None for video in folder.videos)
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
) -> VideoFolder:
    """As ``scan_folder``, but an unusable folder is described and not an error; only a wrong ``root`` raises."""
    roots = named_paths(root)
    if len(roots) == 1 and not roots[0].is_dir():
        return _one_file(roots[0])
    walk, base = walk_folders(roots), common_folder(roots)
    results = _probe_all(base, walk.candidates, cache_dir, progress)
    return _assemble(base, walk, results, labels)


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
        info = probe(path)
    except VideoError as error:
        if path.suffix.lower() not in VIDEO_SUFFIXES:
            raise UsageError(f"{printable(path)}: neither a folder nor a video ({error.reason})") from error
        return VideoFolder(path, (), ((path, error.reason),), ())
    return VideoFolder(path, (SourceVideo(path, None, info),), (), ())


def _assemble(
    root: Path, walk: Walk, results: Sequence[ProbeResult], labels: Literal["folders", "none"]
) -> VideoFolder:
    usable = [(c, r) for c, r in zip(walk.candidates, results, strict=True) if isinstance(r, VideoInfo)]
    rejected = [(c.path, r) for c, r in zip(walk.candidates, results, strict=True) if isinstance(r, str)]
    ignored = [c.path for c, r in zip(walk.candidates, results, strict=True) if r is None]
    # One system writes é as one character, another as two: it is the same name.
    of = {c.path: unicodedata.normalize("NFC", c.class_name) for c, _ in usable if c.class_name is not None}
    ordered = sorted(set(of.values()), key=natural_key) if labels == "folders" else []
    number = {name: index for index, name in enumerate(ordered)}
    videos = tuple(SourceVideo(c.path, number.get(of.get(c.path, "")), info) for c, info in usable)
    names = tuple(printable(name) for name in ordered)
    every_rejected, every_ignored = (*walk.rejected, *rejected), (*walk.ignored, *ignored)
    return VideoFolder(root, videos, every_rejected, names, walk.hidden, every_ignored, tuple(walk.own))


def _probe_all(
    root: Path, candidates: Sequence[Candidate], cache_dir: str | os.PathLike[str] | None, progress: Progress | None
) -> list[ProbeResult]:
    """What was found, in the order of ``candidates``."""
    index_file = (
        cache_root(cache_dir) / "probes" / f"{hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:32]}.json"
    )
    file = read_derived(index_file) or {}
    earlier = file["files"] if file.get("version") == _INDEX_VERSION else {}
    index: dict[str, Any] = {}

    def probe_candidate(candidate: Candidate) -> ProbeResult:
        key = os.fspath(candidate.path.relative_to(root))
        entry = _probe_one(candidate.path, earlier.get(key))
        if entry["fingerprint"]:
            index[key] = entry
        return _from_entry(candidate.path, entry)

    finished = False
    try:
        results = map_in_threads(probe_candidate, candidates, progress=progress)
        finished = True
    finally:
        kept = index if finished else {**earlier, **index}  # an interrupted scan keeps what it has learnt
        if kept != earlier:
            # The index only saves time, so a cache that cannot be written is no error.
            with contextlib.suppress(OSError):
                index_file.parent.mkdir(parents=True, exist_ok=True)
                write_derived(index_file, {"version": _INDEX_VERSION, "files": kept})
    return results


def _probe_one(path: Path, earlier: Any) -> dict[str, Any]:
    """Return the entry of an earlier scan, if the file has not changed since, or that of a new probe."""
    stamp = change_stamp(path)
    if stamp and isinstance(earlier, dict) and earlier.get("fingerprint") == stamp:
        return earlier
    try:
        info = probe(path)
        if path.is_dir() and are_stills(path, info.num_frames):
            raise VideoError(path, f"its {info.num_frames} pictures have nothing in common: stills, and no video")
    except NotAVideoError:
        return {"fingerprint": stamp, "reason": None}
    except VideoError as error:
        short_of_memory = isinstance(error.__cause__, MemoryError)  # another time there may be enough
        return {"fingerprint": "" if short_of_memory else stamp, "reason": error.reason}
    except OSError as error:
        return {"fingerprint": "", "reason": reason_of(error)}
    fields = asdict(replace(info, path=Path()))
    del fields["path"]
    return {"fingerprint": stamp, "info": {**fields, "frame_rate": str(info.frame_rate)}}


def _from_entry(path: Path, entry: dict[str, Any]) -> ProbeResult:
    if "info" not in entry:
        reason: str | None = entry["reason"]
        return reason
    return VideoInfo(**{**entry["info"], "frame_rate": Fraction(entry["info"]["frame_rate"]), "path": path})


def change_stamp(path: Path) -> str:
    """Size and time of change of a file, or of all the images in a folder; empty if it cannot be read.

    Permission is asked for because it comes and goes without a change of either.
    """
    if not os.access(path, os.R_OK):
        return ""
    try:
        if not path.is_dir():
            status = path.stat()
            return f"{status.st_size} {status.st_mtime_ns}"
        with os.scandir(path) as entries:
            stats = [entry.stat() for entry in entries if entry.is_file()]
        return f"{len(stats)} {sum(s.st_size for s in stats)} {max((s.st_mtime_ns for s in stats), default=0)}"
    except OSError:
        return ""
