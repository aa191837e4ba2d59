"""What FFmpeg does not tell of a Matroska or WebM file, read from its elements (RFC 9559)."""

import os
from collections.abc import Iterator
from typing import BinaryIO

from videogan.storage.member import AnyFile
from videogan.video.mp4 import Crop

_SEGMENT, _CLUSTER, _TRACKS = 0x18538067, 0x1F43B675, 0x1654AE6B
_TRACK, _VIDEO = 0xAE, 0xE0
_BOTTOM, _TOP, _LEFT, _RIGHT = 0x54AA, 0x54BB, 0x54CC, 0x54DD
_MAX_TRACKS_BYTES = 1 << 20


def pixel_crop(path: AnyFile, number: int) -> Crop | None:
    """Return what the PixelCrop elements of a video track, counted from 0, cut away, or None."""
    with path.open("rb") as file:
        for name, start, size in _elements(file, 0, file.seek(0, os.SEEK_END)):
            if name == _SEGMENT:
                return _crop_in_segment(file, start, start + size, number)
    return None


def _crop_in_segment(file: BinaryIO, start: int, end: int, number: int) -> Crop | None:
    for name, at, size in _elements(file, start, end):
        if name == _CLUSTER:
            return None
        if name == _TRACKS and size <= _MAX_TRACKS_BYTES:
            entries = [entry for entry in _elements(file, at, at + size) if entry[0] == _TRACK]
            parts = [part for _, where, length in entries for part in _elements(file, where, where + length)]
            videos = [part for part in parts if part[0] == _VIDEO]
            return _crop(file, *videos[number][1:]) if number < len(videos) else None
    return None


def _crop(file: BinaryIO, start: int, size: int) -> Crop | None:
    edges = {edge: _number(file, at, length) for edge, at, length in _elements(file, start, start + size)}
    crop = Crop(*(edges.get(edge, 0) for edge in (_TOP, _BOTTOM, _LEFT, _RIGHT)))
    return crop if crop != Crop(0, 0, 0, 0) else None


def _number(file: BinaryIO, start: int, size: int) -> int:
    file.seek(start)
    return int.from_bytes(file.read(min(size, 8)))


def _elements(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield the name of each element in a part of a file, where its content begins, and how many bytes that has."""
    while start < end:
        file.seek(start)
        head = file.read(12)
        name_length = 9 - head[0].bit_length() if head else 9
        size_first = head[name_length] if len(head) > name_length else 0
        size_length = 9 - size_first.bit_length()
        if name_length > 4 or size_length > 8:
            return
        name = int.from_bytes(head[:name_length])
        size = int.from_bytes(head[name_length : name_length + size_length]) & ((1 << 7 * size_length) - 1)
        start += name_length + size_length
        if size == (1 << 7 * size_length) - 1:  # as long as its parent
            size = end - start
        yield name, start, min(size, end - start)
        start += size
