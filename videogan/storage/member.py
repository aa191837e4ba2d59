"""A video within a tar shard: a piece of a file that is read whole and then looked at in memory."""

import io
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from videogan.errors import TransferError, VideoError
from videogan.storage.places import read

HEADER_BYTES = 512
"""Bytes of the header that stands before what a tar holds."""
LARGEST = 256 << 20
"""Most bytes of a video in a shard, which several threads hold at once."""


class MemoryFile(os.PathLike[str]):
    """The content of a video, by the name that messages call it; no name leads there on any disk."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path, self.content = path, content

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def suffix(self) -> str:
        """The end of the name, from its last dot on."""
        return self.path.suffix

    def open(self, mode: str = "rb") -> BinaryIO:
        """Return the content as a file of its own, open for reading."""
        file = _NamedBytes(self.content)
        file.name = self.path.name
        return file


AnyFile = Path | MemoryFile
"""What has bytes: a file, or what was read of a shard."""


class _NamedBytes(io.BytesIO):
    """Bytes as a file with a name, whose suffix helps FFmpeg to tell what they are."""

    name: str


@dataclass(frozen=True)
class Member(os.PathLike[str]):
    """Where a video lies within a shard.

    Attributes:
        path: the shard, and the name within it.
        shard: the tar.
        offset: where the content begins, in bytes.
        size: of the content, in bytes.
        header: checksum (CRC-32) of the header before it, by which it shows whether the shard is still the same.
        modified: what the shard was marked by, as a file is by its time of change.
    """

    path: Path
    shard: Path
    offset: int
    size: int
    header: int
    modified: int

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def unpacked(self) -> Path:
        """Where it would lie if its shard were unpacked beside itself."""
        return self.shard.parent / self.path.relative_to(self.shard)

    def load(self) -> MemoryFile:
        """Read the content, with its header, in one piece.

        Raises:
            VideoError: it is too large, or no longer there.
            OSError, UsageError, TransferError: as :func:`videogan.storage.places.read`.
        """
        if self.size > LARGEST:
            raise VideoError(self.path, f"above {LARGEST >> 20} MiB, which is too large within a shard; unpack it")
        try:
            piece = read(self.shard, self.offset - HEADER_BYTES, HEADER_BYTES + self.size)
        except TransferError as error:
            raise TransferError(self.path, error.reason) from error
        if len(piece) < HEADER_BYTES + self.size or zlib.crc32(piece[:HEADER_BYTES]) != self.header:
            raise VideoError(self.path, "its shard has changed since it was looked at; start again")
        return MemoryFile(self.path, piece[HEADER_BYTES:])


def path_of(source: Path | Member) -> Path:
    """Return the name of what a video is read from."""
    return source if isinstance(source, Path) else source.path
