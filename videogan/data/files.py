"""What all of the data code does with files: the cache folder, whole writes, printable and sorted names."""

import json
import os
import re
from pathlib import Path
from typing import Any

import platformdirs

from videogan.files import write_text

_DIGITS = re.compile(r"(\d+)")


def cache_root(cache_dir: str | os.PathLike[str] | None) -> Path:
    """Where caches live: ``cache_dir`` (``data.cache_dir``), by default the user's cache folder."""
    return Path(cache_dir).expanduser() if cache_dir else Path(platformdirs.user_cache_dir("videogan"))


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` in ASCII, whole or not at all."""
    write_text(path, json.dumps(content))


def read_json(path: Path) -> Any:
    """The content of a file written by ``write_json``; None when it is absent, unreadable or damaged."""
    try:
        return json.loads(path.read_text("ascii"))
    except (OSError, ValueError):
        return None


def printable(name: str | os.PathLike[str]) -> str:
    """A file name on one line of valid text, whatever bytes it is made of."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key by which ``clip2`` comes before ``clip10``; never calls two different names equal."""
    parts = _DIGITS.split(name)
    return [(int(part), "") if part.isdecimal() and part.isascii() else (-1, part.casefold()) for part in parts], name
