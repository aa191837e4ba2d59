"""Videos that the studio made, in a temporary folder, until they are fetched or many others came after them."""

import secrets
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from videogan.errors import MissingPathError

if TYPE_CHECKING:  # it brings torch, and the page is there before
    from videogan.generation.video_stream import VideoStream

MOST_VIDEOS = 200


class VideoStore:
    """Keeps videos under names that nobody can guess; the folder goes with the ``with`` block."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="videogan-studio-", ignore_cleanup_errors=True)
        self._videos: dict[str, Path] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> "VideoStore":
        return self

    def __exit__(self, *exception: object) -> None:
        self._folder.cleanup()

    @property
    def folder(self) -> Path:
        """The folder, in which uploads lie too."""
        return Path(self._folder.name)

    def add(self, stream: "VideoStream") -> str:
        """Write a video as MP4, large enough to be looked at, and return the name under which it can be fetched."""
        name = secrets.token_urlsafe(12)
        path = self.folder / f"{name}.mp4"
        stream.scaled().write([path])
        with self._lock:
            self._videos[name] = path
            for old in list(self._videos)[:-MOST_VIDEOS]:
                self._videos.pop(old).unlink(missing_ok=True)
        return name

    def video(self, name: str) -> Path:
        """Return where a video lies.

        Raises:
            MissingPathError: there is none of that name.
        """
        try:
            return self._videos[name]
        except KeyError:
            raise MissingPathError("there is no such video any more") from None
