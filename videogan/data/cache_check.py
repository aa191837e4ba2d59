"""Whether a clip cache is still what was written."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from videogan.data.frame_store import read_table

# Of more than this, a sample that changes from run to run is checked.
_VERIFIED_BYTES = 1 << 30
_BLOCK = 1 << 20


def damage(path: Path, index: dict[str, Any]) -> str:
    """Return what is wrong with the file of frames, or its table, that an undamaged index describes; or nothing.

    Raises:
        OSError: a file is missing.
    """
    if path.stat().st_size != index["bytes"]:
        return "its size is wrong"
    table = None
    if index["kind"] == "jpeg":
        table = read_table(path)
        if zlib.crc32(table.tobytes()) != index["table"]:
            return "its table is damaged"
    videos = [video for video in index["videos"] if "checksum" in video]
    order = np.random.default_rng().permutation(len(videos)) if index["bytes"] > _VERIFIED_BYTES else range(len(videos))
    checked = 0
    with path.open("rb") as file:
        for position in order:
            checksum = 0
            for block in _blocks(file, videos[position], table):
                checksum, checked = zlib.crc32(block, checksum), checked + len(block)
            if checksum != videos[position]["checksum"]:
                return f"the checksum of video {position} does not match"
            if checked > _VERIFIED_BYTES:
                break
    return ""


def _blocks(file: BinaryIO, video: dict[str, Any], table: np.ndarray | None) -> Iterator[bytes]:
    """Yield what the file holds of one video, in the order in which it was written."""
    extents = [(video["offset"], video["bytes"])] if table is None else _rows(table, video)
    for offset, size in extents:
        file.seek(offset)
        while size and (block := file.read(min(size, _BLOCK))):
            yield block
            size -= len(block)


def _rows(table: np.ndarray, video: dict[str, Any]) -> list[tuple[int, int]]:
    return [(int(offset), int(size)) for offset, size in table[video["offset"] :][: video["num_frames"]]]
