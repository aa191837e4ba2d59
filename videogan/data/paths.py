"""What may be named as clips: folders, videos, tar shards, patterns, URLs, or a text file that lists such."""

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path

from videogan.data.shards import COMPRESSED, IS_COMPRESSED, SHARD_SUFFIX
from videogan.errors import MissingPathError, UsageError
from videogan.files import natural_key, printable, read_bytes
from videogan.storage.places import RemotePath, as_place, find
from videogan.video.formats import VIDEO_SUFFIXES

AnyPaths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

_ARCHIVES = (".zip", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst")
_LISTS = (".txt", ".lst", ".list")
_SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val"}
_SPLITS |= {"test": "test", "testing": "test"}
_RANGE = re.compile(r"\{(\d{1,9})\.\.(\d{1,9})\}")
_MOST_NAMES = 1_000_000


def as_paths(given: AnyPaths) -> tuple[Path, ...]:
    """Return one path or several as a tuple."""
    return (as_place(given),) if isinstance(given, str | os.PathLike) else tuple(map(as_place, given))


def named_paths(given: AnyPaths) -> list[Path]:
    """Return the folders, files and objects that are meant, in natural order.

    ``clips-{000..099}.tar`` means a hundred. Of a store, what is meant are the tars that have the name, match the
    pattern, or lie below it. A text file (.txt, .lst) that stands alone lists them, one a line, as seen from its own
    folder.

    Raises:
        MissingPathError: one does not exist.
        UsageError: it is an archive, or a list of nothing, or a store cannot be used.
    """
    paths = as_paths(given)
    if len(paths) == 1 and paths[0].suffix.lower() in _LISTS and paths[0].is_file():
        return _listed(paths[0])
    matched = [path for one in paths for path in _matches(one)]
    if len(matched) != 1:
        return _in_order(matched)
    name = matched[0].name.lower()
    if name.endswith((*_ARCHIVES, *COMPRESSED)) and matched[0].is_file():
        kind = IS_COMPRESSED if name.endswith(COMPRESSED) else "an archive; unpack it, and name the folder"
        raise UsageError(f"{printable(matched[0])}: is {kind}")
    return matched


def common_folder(paths: Sequence[Path]) -> Path:
    """Return the path where there is one, else the folder that holds all of them.

    Raises:
        UsageError: some lie in a store and others do not.
    """
    if len(paths) == 1:
        return paths[0]
    folders = [path.parent for path in paths]
    common = "" if len({isinstance(path, RemotePath) for path in paths}) > 1 else os.path.commonpath(folders)
    if not common:
        both = f"{printable(paths[0])} and {printable(paths[-1])}"
        raise UsageError(f"{both}: name clips of one store, or of this machine")
    return as_place(common)


def names_shards(path: Path) -> bool:
    """Say whether a path means tar shards, which are a folder of videos: a tar, a range or pattern of them, a URL."""
    return isinstance(as_place(path), RemotePath) or (path.suffix.lower() == SHARD_SUFFIX and not path.is_dir())


def split_parts(root: Path) -> dict[str, Path]:
    """Return train, val and test of a folder that holds nothing but such parts, by these names; else nothing.

    A class may be called "train" too: where any other folder or a video stands beside them, they are classes.
    """
    entries = [path for path in root.iterdir() if not path.name.startswith(".")] if root.is_dir() else []
    folders = [path for path in entries if path.is_dir()]
    parts = {_SPLITS.get(path.name.casefold(), ""): path for path in folders}
    one_of_each = len(parts) == len(folders) and "" not in parts
    if not one_of_each or len(parts) < 2 or "train" not in parts:
        return {}
    return {} if any(path.suffix.lower() in VIDEO_SUFFIXES for path in entries) else parts


def _matches(path: Path) -> list[Path]:
    numbers = _RANGE.search(os.fspath(path))
    if os.path.lexists(path):
        return [path]
    if numbers is not None:
        before, after = os.fspath(path)[: numbers.start()], os.fspath(path)[numbers.end() :]
        counted = range(int(numbers[1]), int(numbers[2]) + 1)
        if not 0 < len(counted) <= _MOST_NAMES:
            raise UsageError(f"{printable(path)}: {numbers[0]} means {len(counted)} names; 1 to {_MOST_NAMES} are read")
        names = (f"{before}{number:0{len(numbers[1])}d}{after}" for number in counted)
        return [match for name in names for match in _matches(as_place(name))]
    if isinstance(path, RemotePath):
        return list(find(path, SHARD_SUFFIX))
    # Path.glob takes no pattern that begins at the root.
    matches = glob.glob(os.fspath(path), recursive=True) if glob.has_magic(os.fspath(path)) else []  # noqa: PTH207
    if not matches:
        raise MissingPathError(f"{printable(path)}: no such file or folder")
    return [Path(name) for name in matches]


def _listed(file: Path) -> list[Path]:
    try:
        lines = read_bytes(file).decode("utf-8", "surrogateescape").splitlines()
    except OSError as error:
        raise UsageError(f"{printable(file)}: cannot be read ({error.strerror})") from None
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not names:
        raise UsageError(f"{printable(file)}: lists no folder and no video, one a line")
    try:
        return _in_order([path for name in names for path in _matches(_beside(file, name))])
    except MissingPathError as error:
        raise UsageError(
            f"{printable(file)}: neither a folder nor a video, nor a list of such, one a line: {error}"
        ) from None


def _beside(file: Path, name: str) -> Path:
    place = as_place(name)
    return place if isinstance(place, RemotePath) else file.parent / place


def _in_order(paths: Sequence[Path]) -> list[Path]:
    """Make paths absolute, each once, so that the order in which they are named does not matter."""
    each = {as_place(os.path.normpath(path.absolute())) for path in paths}
    return sorted(each, key=lambda path: natural_key(str(path)))
