"""What lies in a tar shard: found by its headers once, and kept with a mark of the shard.

A shard is read as a folder would be. The first folder in it names the class of a video, else ``NAME.cls`` beside
``NAME.mp4``, else "class" or "label" in ``NAME.json``, as WebDataset has them.
"""

import contextlib
import hashlib
import io
import os
import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from videogan.data.columns import read_columns, write_columns
from videogan.errors import VideoganError
from videogan.files import cache_root, natural_key, parse_json
from videogan.storage.member import HEADER_BYTES
from videogan.storage.places import RemotePath, read, stamp_of_file
from videogan.video.formats import VIDEO_SUFFIXES

SHARD_SUFFIX = ".tar"
COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst")
IS_COMPRESSED = "a compressed tar, in which nothing has a place; decompress it, and keep the .tar"

_VERSION = 1
# Bytes that are read at once, so that small files and their headers come together: a store answers slowly.
_LOCAL_BLOCK, _REMOTE_BLOCK = 1 << 13, 1 << 18
_MOST_TEXT = 1 << 20
_END_BYTES = 1 << 14  # what follows the last file: zeros up to a whole number of records, or another tar behind them
_GZIP = b"\x1f\x8b"


@dataclass
class ShardContents:
    """The videos of a shard in natural order, and what else is to be said of it.

    Attributes:
        names: of the videos, each with its folders.
        classes: one a video; None where nothing names one.
        extents: offset, size (bytes) and checksum of the header, int64 (n, 3).
        rejected: names of videos that cannot be read, with the reason; an empty name is the shard itself.
        ignored: names of files that are no videos, and do not describe one.
        hidden: how many names are a system's own.
        modified: the mark of the shard: its time of change in nanoseconds, or a hash of its ETag.
    """

    names: list[str] = field(default_factory=list)
    classes: list[str | None] = field(default_factory=list)
    extents: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    rejected: list[tuple[str, str]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    hidden: int = 0
    modified: int = 0


# Where file managers, NAS boxes and archives of Macs keep thumbnails and what was deleted.
_SYSTEM_FOLDERS = frozenset(("@eadir", "@tmp", "@recycle", "#recycle", "#snapshot", "$recycle.bin", "__macosx"))


def is_hidden(name: str) -> bool:
    """Say whether a file or folder of that name is a system's own."""
    return name.startswith(".") or name.lower() in _SYSTEM_FOLDERS


def is_shard(place: Path) -> bool:
    """Say whether a path names a tar shard: by its suffix, where it is a file or lies in a store."""
    return place.suffix.lower() == SHARD_SUFFIX and (isinstance(place, RemotePath) or place.is_file())


def open_shard(place: Path, cache_dir: str | os.PathLike[str] | None) -> ShardContents:
    """Return what lies in a shard, from what is kept of it in the cache folder if it has not changed since.

    Raises:
        OSError: it cannot be read.
        UsageError: the store that holds it cannot be used.
        VideoError: the store breaks off while it gives it.
    """
    size, modified = stamp_of_file(place)
    name = hashlib.sha256(os.fsencode(place.resolve())).hexdigest()[:32]
    file = cache_root(cache_dir) / "shards" / f"{name}.columns"
    version = [_VERSION, size, modified]
    kept = read_columns(file)
    if kept is not None and kept[1].pop("version") == version:
        return ShardContents(extents=kept[0]["extents"], **kept[1])
    shard = _indexed(place, size)
    shard.modified = modified
    about = asdict(shard)
    with contextlib.suppress(OSError):  # it only saves time
        file.parent.mkdir(parents=True, exist_ok=True)
        write_columns(file, {"extents": about.pop("extents")}, {"version": version, **about})
    return shard


def _indexed(place: Path, size: int) -> ShardContents:
    """Go through the headers of a shard; damage ends it, and is told beside what came before."""
    shard, headers = ShardContents(), _Headers()
    block = _REMOTE_BLOCK if isinstance(place, RemotePath) else _LOCAL_BLOCK
    with io.BufferedReader(_Pieces(place, size), block) as file:
        if file.peek(2)[:2] == _GZIP:
            shard.rejected.append(("", IS_COMPRESSED))
            return shard
        at = 0
        try:
            with tarfile.open(fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape") as tar:
                for member in _members(tar):
                    at = tar.offset
                    headers.add(member, file, size)
            file.seek(at)
            rest = file.read(_END_BYTES)
            whole = len(rest) >= HEADER_BYTES and not rest.strip(b"\0")
        except (OSError, VideoganError):
            raise
        except Exception:  # a damaged header can make tarfile raise anything
            whole = False
    if not whole:
        before = f"damaged or cut off at byte {min(at, size)}; the {len(headers.videos)} videos before that are used"
        shard.rejected.append(("", before if at else "not a tar"))
    headers.describe(shard)
    return shard


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield what a tar holds, of which nothing is remembered."""
    while (member := tar.next()) is not None:
        yield member
        tar.members.clear()  # type: ignore[attr-defined]


class _Headers:
    """What has been found in a shard so far; of two files of one name the later one counts, as for tar."""

    def __init__(self) -> None:
        self.videos: dict[str, tuple[int, int, int]] = {}
        self._rejected: dict[str, str] = {}
        self._classes: dict[str, str] = {}
        self._others: list[str] = []
        self._hidden = 0

    def add(self, member: tarfile.TarInfo, file: "io.BufferedReader[_Pieces]", end: int) -> None:
        """Take note of what a header describes, in a tar of ``end`` bytes."""
        if member.isdir():
            return
        name = posixpath.normpath(f"/{member.name}").lstrip("/")
        suffix = posixpath.splitext(name)[1].lower()
        if any(map(is_hidden, name.split("/"))):
            self._hidden += 1
        elif suffix not in VIDEO_SUFFIXES:
            self._others.append(name)
            if suffix in (".cls", ".json") and member.isreg() and member.size <= _MOST_TEXT:
                file.seek(member.offset_data)
                self._classes[name] = _class_in(suffix, file.read(member.size))
        elif not member.isreg() or member.issparse():
            self._rejected[name] = "a link, or a file with holes, which has no content of its own in a tar"
        elif member.offset_data + member.size > end:
            self._rejected[name] = "cut off with its shard"
        else:
            file.seek(member.offset_data - HEADER_BYTES)
            self.videos[name] = (member.offset_data, member.size, zlib.crc32(file.read(HEADER_BYTES)))

    def describe(self, shard: ShardContents) -> None:
        """Put all into order."""
        shard.names = sorted(self.videos, key=natural_key)
        shard.classes = [self._class_of(name) for name in shard.names]
        shard.extents = np.array([self.videos[name] for name in shard.names], np.int64).reshape(-1, 3)
        shard.rejected += sorted(self._rejected.items())
        described = {posixpath.splitext(name)[0] for name in shard.names}
        shard.ignored = [name for name in self._others if posixpath.splitext(name)[0] not in described]
        shard.hidden = self._hidden

    def _class_of(self, name: str) -> str | None:
        if "/" in name:
            return name.split("/")[0]
        stem = posixpath.splitext(name)[0]
        return self._classes.get(f"{stem}.cls") or self._classes.get(f"{stem}.json") or None


def _class_in(suffix: str, content: bytes) -> str:
    """Return the class that a file beside a video names; an empty text where it names none."""
    if suffix == ".cls":
        return content.decode("utf-8", "replace").strip()
    with contextlib.suppress(ValueError):
        about = parse_json(content)
        if isinstance(about, dict):
            name = about.get("class", about.get("label"))
            return str(name) if isinstance(name, str | int) else ""
    return ""


class _Pieces(io.RawIOBase):
    """A file or an object, read piece by piece."""

    def __init__(self, place: Path, size: int) -> None:
        self._place, self._size, self._at = place, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        piece = read(self._place, self._at, min(len(view), self._size - self._at)) if self._at < self._size else b""
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
