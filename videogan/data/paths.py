"""What may be named as clips: a folder, several folders and videos, a pattern, or a text file that lists them."""

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from videogan.errors import MissingPathError, UsageError
from videogan.files import natural_key, printable, read_bytes
from videogan.video.formats import VIDEO_SUFFIXES

AnyPaths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

_ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst")
_LISTS = (".txt", ".lst", ".list")
_SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val"}
_SPLITS |= {"test": "test", "testing": "test"}


def as_paths(given: AnyPaths) -> tuple[Path, ...]:
    """Return one path or several as a tuple."""
    return (Path(given),) if isinstance(given, str | os.PathLike) else tuple(map(Path, given))


def named_paths(given: AnyPaths) -> list[Path]:
    """Return the folders and files that are meant, in natural order.

    A text file (.txt, .lst) that stands alone lists them, one a line, as seen from its own folder.

    Raises:
        MissingPathError: one does not exist.
        UsageError: it is an archive, or a list of nothing.
    """
    paths = as_paths(given)
    if len(paths) == 1 and paths[0].suffix.lower() in _LISTS and paths[0].is_file():
        return _listed(paths[0])
    matched = [path for one in paths for path in _matches(one)]
    if len(matched) == 1 and matched[0].name.lower().endswith(_ARCHIVES) and matched[0].is_file():
        raise UsageError(f"{printable(matched[0])}: is an archive; unpack it, and name the folder")
    return matched if len(matched) == 1 else _in_order(matched)


def common_folder(paths: Sequence[Path]) -> Path:
    """Return the path where there is one, else the folder that holds all of them."""
    return paths[0] if len(paths) == 1 else Path(os.path.commonpath([path.parent for path in paths]))


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
    if os.path.lexists(path):
        return [path]
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
        return _in_order([path for name in names for path in _matches(file.parent / name)])
    except MissingPathError as error:
        raise UsageError(
            f"{printable(file)}: neither a folder nor a video, nor a list of such, one a line: {error}"
        ) from None


def _in_order(paths: Sequence[Path]) -> list[Path]:
    """Make paths absolute, each once, so that the order in which they are named does not matter."""
    return sorted({Path(os.path.normpath(path.absolute())) for path in paths}, key=lambda path: natural_key(str(path)))
