"""Opens a video file, and nothing but that file."""

import os
import stat
from pathlib import Path

import av
from av.container import InputContainer

from videogan.errors import MissingPathError, VideoError
from videogan.video.formats import MAX_PIXELS, OPENED_FORMATS

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def check_regular_file(path: Path) -> None:
    """Raise VideoError unless ``path`` is a readable, regular file with something in it.

    Opening a named pipe or a device can wait for ever, so this only asks the file system. MissingPathError where nothing
    has that name.
    """
    try:
        status = path.stat()
    except FileNotFoundError as error:
        if path.is_symlink():
            raise VideoError(path, "a link to a file that does not exist") from error
        raise MissingPathError(f"{path}: no such file") from error
    except OSError as error:
        raise VideoError(path, (error.strerror or str(error)).lower()) from error
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(status.st_mode)), "not a regular file")
        raise VideoError(path, f"{kind}, not a video file")
    if status.st_size == 0:
        raise VideoError(path, "the file is empty")
    if not os.access(path, os.R_OK):
        raise VideoError(path, "no permission to read it")


def open_container(path: Path) -> InputContainer:
    """Open a video container for reading; VideoError says why it cannot be. Only ``path`` itself is ever opened."""
    check_regular_file(path)
    # FFmpeg's own reason travels with the exception only when its log is on; at ERROR it stays off the terminal.
    av.logging.set_level(av.logging.ERROR)
    options = {"max_pixels": str(MAX_PIXELS)}
    container_options = {"protocol_whitelist": "file", "format_whitelist": ",".join(OPENED_FORMATS)}
    try:
        # A bare name could be taken for an option or for "protocol:address".
        return av.open(f"file:{path.absolute()}", options=options, container_options=container_options)
    except (OSError, ValueError, av.FFmpegError) as error:
        raise VideoError(path, reason_of(error)) from error


def reason_of(error: BaseException) -> str:
    """Return what FFmpeg or the system said, on one line."""
    said = error.log[2].strip() if isinstance(error, av.FFmpegError) and error.log else ""
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(f"{text} ({said})".split()) if said and said not in text else " ".join(text.split())
