"""Whether a part of a clip cache is still what was written."""

import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from videogan.data.cache.files import PartFiles, PartIndex, table_checksum
from videogan.data.frame_store import read_table

_BLOCK = 1 << 20


def damage(files: PartFiles, index: PartIndex, frame_bytes: int, budget: int) -> str:
    """Return what is wrong with the file of frames, or its table, that an undamaged index describes; or nothing.

    Args:
        files: where they are.
        index: what they should hold.
        frame_bytes: of one raw frame.
        budget: bytes that are read; of a larger file a sample is checked, which changes from run to run.

    Raises:
        OSError: a file is missing.
    """
    if len(index.num_frames) != len(files.videos):
        return "it holds other videos"
    if table_checksum(files.table) != index.table_checksum:
        return "its table is damaged"
    if files.kind == "stream":
        return ""
    if files.frames.stat().st_size != index.file_bytes:
        return "its size is wrong"
    table = read_table(files.frames) if files.kind == "jpeg" else None
    videos = np.flatnonzero(index.num_frames)
    if index.file_bytes > budget:
        videos = np.random.default_rng().permutation(videos)
    checked = 0
    with files.frames.open("rb") as file:
        for video in videos.tolist():
            offset, count = int(index.offsets[video]), int(index.num_frames[video])
            checksum = 0
            extents = [(offset, count * frame_bytes)] if table is None else table[offset : offset + count].tolist()
            for block in _blocks(file, extents):
                checksum, checked = zlib.crc32(block, checksum), checked + len(block)
            if checksum != index.checksums[video]:
                return f"the checksum of video {video} does not match"
            if checked > budget:
                break
    return ""


def _blocks(file: BinaryIO, extents: list[tuple[int, int]]) -> Iterator[bytes]:
    """Yield what lies at offsets and sizes of a file."""
    for offset, size in extents:
        file.seek(offset)
        while size and (block := file.read(min(size, _BLOCK))):
            yield block
            size -= len(block)
