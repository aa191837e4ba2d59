"""Opens a video file, and nothing but that file."""

import contextlib
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer

from videogan.errors import MissingPathError, NotAVideoError, VideoError, VideoganError, reason_of
from videogan.storage.member import AnyFile, MemoryFile
from videogan.video.formats import HEADED_FORMATS, HEADERLESS_FORMATS, MAX_PIXELS
from videogan.video.kinds import IMAGES, TEXTS, kind_of
from videogan.video.mp4 import check_sample_counts

_log = logging.getLogger(__name__)

DECODER_OPTIONS = {"max_pixels": str(MAX_PIXELS)}

# For an APNG that gives no delay, as browsers show it.
_APNG_RATE = {"default_fps": "10"}

# MPEG transport streams share their suffixes with TypeScript; animations share theirs with stills.
_SHARED_SUFFIXES = dict.fromkeys((".ts", ".mts"), TEXTS) | dict.fromkeys((".webp", ".gif", ".apng", ".avif"), IMAGES)

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def check_regular_file(path: AnyFile) -> None:
    """Raise VideoError unless ``path`` is a readable, regular file with something in it.

    Opening a named pipe or a device can wait for ever, so this only asks the file system. MissingPathError where
    nothing has that name.
    """
    if isinstance(path, MemoryFile):
        if not path.content:
            raise VideoError(path, "the file is empty")
        return
    try:
        status = path.stat()
    except FileNotFoundError as error:
        if path.is_symlink():
            raise VideoError(path, "a link to a file that does not exist") from error
        raise MissingPathError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:
        raise VideoError(path, reason_of(error).lower()) from error
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(status.st_mode)), "not a regular file")
        raise VideoError(path, f"{kind}, not a video file")
    if status.st_size == 0:
        raise VideoError(path, "the file is empty")
    if not os.access(path, os.R_OK):
        raise VideoError(path, "no permission to read it")


def quiet_ffmpeg() -> None:
    """Let FFmpeg's messages be caught, and keep them off the terminal."""
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    logger = logging.getLogger("libav")
    if logger.level != logging.CRITICAL + 1:  # to set it goes through all loggers that there are
        logger.setLevel(logging.CRITICAL + 1)


def open_container(path: AnyFile) -> InputContainer:
    """Open a video container for reading; VideoError says why it cannot be. Only ``path`` itself is ever opened."""
    check_regular_file(path)
    check_sample_counts(path)
    quiet_ffmpeg()
    try:
        with contextlib.suppress(_NotListedError):
            return _open(path, HEADED_FORMATS)
        return _open_headerless(path)
    except _NotListedError as error:
        kind = kind_of(path)
        if kind is None or (kind == TEXTS[0] and path.suffix.lower() not in _SHARED_SUFFIXES):
            kind = f"a file of the kind {error}, which is not read as a video"
        raise _refusal(path, kind) from error
    except VideoError as error:
        raise _refusal(path, kind_of(path) or error.reason) from error


def _refusal(path: AnyFile, reason: str) -> VideoError:
    other_by_intention = reason in _SHARED_SUFFIXES.get(path.suffix.lower(), ())
    return (NotAVideoError if other_by_intention else VideoError)(path, reason)


@contextlib.contextmanager
def as_video_error(path: Path) -> Iterator[None]:
    """Turn whatever is raised while one file is read into VideoError, so that one bad file ends nothing else.

    Not only FFmpeg's errors: its binding raises others on what it has no name for, and a header can ask for more memory
    than there is.
    """
    try:
        yield
    except VideoganError:
        raise
    except Exception as error:
        _log.debug("%s cannot be read", path, exc_info=True)
        raise VideoError(path, reason_of(error)) from error


class _NotListedError(Exception):
    """The container is of another format than those that were allowed; its argument names it."""


def _open_headerless(path: AnyFile) -> InputContainer:
    """Open a container whose streams show only in their packets.

    FFmpeg decodes a picture of these to learn its size before any limit reaches the decoder, so the file is first
    opened with all decoders forbidden, and again only once its size is known to be small.
    """
    container = _open(path, HEADERLESS_FORMATS, codec_whitelist="none")
    sizes = [(stream.width, stream.height) for stream in container.streams.video]
    if any(width * height > MAX_PIXELS for width, height in sizes):
        container.close()
        width, height = max(sizes)
        raise VideoError(path, f"pictures of {width}x{height} are larger than the limit of {MAX_PIXELS} pixels")
    if (0, 0) in sizes:
        return container
    container.close()
    return _open(path, HEADERLESS_FORMATS)


def _open(path: AnyFile, formats: str, **options: str) -> InputContainer:
    # A bare name could be taken for an option or for "protocol:address".
    file = path.open("rb") if isinstance(path, MemoryFile) else f"file:{path.absolute()}"
    # There is no protocol of this name: what lies in memory may open nothing else.
    protocols = "none" if isinstance(path, MemoryFile) else "file"
    fences = {"protocol_whitelist": protocols, "format_whitelist": formats, **_APNG_RATE}
    # The log of this thread alone: another may be opening another file.
    with av.logging.Capture(local=True) as log:
        try:
            return av.open(
                file,
                "r",
                options=DECODER_OPTIONS,
                container_options=fences | options,
                metadata_errors="ignore",  # a title in another encoding is no reason to refuse the pictures
            )
        except (OSError, ValueError, MemoryError, av.FFmpegError) as error:
            for _, module, message in log:
                if "not on whitelist" in message and module:
                    raise _NotListedError(module.removesuffix("_pipe")) from error
            said = log[-1][2].strip() if log else ""
            raise VideoError(path, " ".join(f"{reason_of(error)}{': ' * bool(said)}{said}".split())) from error
