"""What FFmpeg does not tell of an MP4 or MOV file, read from its boxes (ISO/IEC 14496-12)."""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

from videogan.errors import VideoError
from videogan.storage.member import AnyFile

_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"pnot")
_PARENTS = frozenset((b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"))
_MAX_DEPTH = 8
# What stands before the boxes inside a visual sample entry.
_ENTRY_BYTES = 86
_MAX_ENTRY_BYTES = 1 << 20


@dataclass(frozen=True)
class Box:
    """One box: its name, where its content begins in the file, and how many bytes that has."""

    name: bytes
    start: int
    size: int


@dataclass(frozen=True)
class Crop:
    """How many pixels at each edge of a picture are not to be shown."""

    top: int
    bottom: int
    left: int
    right: int


def check_sample_counts(path: AnyFile) -> None:
    """Raise VideoError where a table claims more samples than the file has bytes: room is made for all that it claims.

    A file that is no MP4 passes.
    """
    with path.open("rb") as file:
        limit = file.seek(0, os.SEEK_END)
        for box in _boxes(file, 0, limit):
            if box.name not in (b"stsz", b"stz2", b"trun"):
                continue
            file.seek(box.start)
            content = file.read(12)
            # Version and flags first; stsz and stz2 have a size before the count, which trun has not.
            count = int.from_bytes(content[4:8] if box.name == b"trun" else content[8:12])
            if count > limit:
                raise VideoError(path, f"claims {count} pictures or sounds in a file of {limit} bytes")


def clean_aperture(path: AnyFile, track: int) -> Crop | None:
    """Return what the clean aperture (``clap``) of a track cuts away, or None."""
    with path.open("rb") as file:
        number = 0
        for box in _boxes(file, 0, file.seek(0, os.SEEK_END)):
            file.seek(box.start)
            if box.name == b"tkhd":
                content = file.read(24)
                number = int.from_bytes(content[20:24] if content[:1] == b"\1" else content[12:16])
            elif box.name == b"stsd" and number == track:
                return _crop_of_entry(file.read(min(box.size, _MAX_ENTRY_BYTES))[8:])
    return None


def _boxes(file: BinaryIO, start: int, end: int, depth: int = 0) -> Iterator[Box]:
    """Yield the boxes in a part of a file, each before those within it."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        if len(head) < 8 or (not start and head[4:8] not in _FIRST_BOXES):
            return
        size, name, header = int.from_bytes(head[:4]), head[4:8], 8
        if size == 1:
            size, header = int.from_bytes(head[8:16]), 16
        elif size == 0:
            size = end - start
        if size < header:
            return
        box = Box(name, start + header, min(size, end - start) - header)
        yield box
        if name in _PARENTS and depth < _MAX_DEPTH:
            yield from _boxes(file, box.start, box.start + box.size, depth + 1)
        start += size


def _crop_of_entry(entry: bytes) -> Crop | None:
    """Return the crop of a sample entry of a video."""
    if len(entry) < _ENTRY_BYTES:
        return None
    width, height = struct.unpack(">HH", entry[32:36])
    at = _ENTRY_BYTES
    while at + 8 <= len(entry):
        size = int.from_bytes(entry[at : at + 4])
        if entry[at + 4 : at + 8] == b"clap" and len(entry) >= at + 40:
            return _crop(width, height, struct.unpack(">IIIIiIiI", entry[at + 8 : at + 40]))
        at += max(8, size)
    return None


def _crop(width: int, height: int, numbers: tuple[int, ...]) -> Crop | None:
    """Return the crop by which an aperture of this size, off the middle by this much, is left: four fractions."""
    if 0 in numbers[1::2]:
        return None
    wide, high, across, down = (Fraction(*numbers[at : at + 2]) for at in range(0, 8, 2))
    left, top = round((width - wide) / 2 + across), round((height - high) / 2 + down)
    right, bottom = width - left - round(wide), height - top - round(high)
    inside = min(left, top, right, bottom) >= 0 and left + right < width and top + bottom < height
    return Crop(top, bottom, left, right) if inside and (left or top or right or bottom) else None
